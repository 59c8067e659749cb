"""Record batches taken apart: whatever their bytes, each is records, or unreadable, and the way goes on behind it."""

import struct

import pytest
from aiokafka import TopicPartition
from aiokafka.record.default_records import DefaultRecordBatch
from aiokafka.record.util import calc_crc32c
from hypothesis import given
from hypothesis import strategies as st

from contracts.kit.broker.raw_records import Contents, RawBatch
from support.malformed_records import batch_builder

PLACE = TopicPartition("a.topic", 3)
CODECS = range(5)
ATTRIBUTES, RECORDS = 21, 61
"""Where they begin; a broker sees to it that what is between agrees with the batch."""


def batch(codec: int = 0, count: int = 5, base: int = 100) -> bytes:
    builder = batch_builder(codec)
    for n in range(count):
        builder.append(n, 1, b"key", b"value %d" % n * 50, [("ce_id", b"%d" % n)])
    value = bytearray(builder.build())
    struct.pack_into(">q", value, 0, base)
    return bytes(value)


def signed(value: bytes) -> bytes:
    """With the checksum of what it holds, as a broker that looks no deeper lets it pass."""
    changed = bytearray(value)
    struct.pack_into(">I", changed, 17, calc_crc32c(bytes(changed[ATTRIBUTES:])))
    return bytes(changed)


def read(value: bytes, offset: int = 100) -> Contents:
    return RawBatch(PLACE, offset, value, ()).read()


@pytest.mark.parametrize("codec", CODECS)
def test_a_sound_batch_is_read_from_the_wanted_offset_on(codec: int) -> None:
    contents = read(batch(codec), 102)
    assert [record.offset for record in contents.records] == [102, 103, 104]
    assert (contents.unreadable, contents.next_offset) == ((), 105)


@pytest.mark.parametrize("codec", [5, 6, 7])
def test_an_unknown_codec_costs_the_batch_with_its_bytes(codec: int) -> None:
    value = bytearray(batch())
    value[ATTRIBUTES + 1] |= codec
    contents = read(signed(bytes(value)))
    assert (contents.records, contents.next_offset) == ((), 105)
    (lost,) = contents.unreadable
    assert (lost.offset, lost.value) == (100, signed(bytes(value)))
    assert lost.detail == (
        "the record batch cannot be read: it is compressed in a way that is not known here (UnsupportedCodecError)"
    )


def test_a_wrong_checksum_costs_the_batch() -> None:
    contents = read(batch()[:-1] + b"?")
    assert [(lost.offset, lost.detail) for lost in contents.unreadable] == [
        (100, "the record batch cannot be read: it is damaged (CorruptRecordException)")
    ]
    assert contents.next_offset == 105


@given(
    codec=st.sampled_from(CODECS),
    changes=st.lists(st.tuples(st.integers(RECORDS, 400), st.integers(0, 255)), min_size=1, max_size=6),
)
def test_whatever_is_in_a_batch_its_offsets_are_got_over(codec: int, changes: list[tuple[int, int]]) -> None:
    value = bytearray(batch(codec))
    for place, byte in changes:
        value[min(place, len(value) - 1)] = byte
    contents = read(signed(bytes(value)))
    assert contents.next_offset > 100
    assert all(record.offset >= 100 for record in contents.records)


def test_damaged_records_are_told_from_sound_ones() -> None:
    assert DefaultRecordBatch.CODEC_NONE == 0
    value = batch().replace(b"ce_id", b"\xff\xfeabc", 1)
    contents = read(signed(value))
    assert [record.offset for record in contents.records] == [101, 102, 103, 104]
    (lost,) = contents.unreadable
    assert lost.offset == 100
    assert b"\xff\xfeabc" in lost.value
    assert b"value 0" in lost.value
