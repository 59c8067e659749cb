"""Record batches as bytes: what the client cannot read is taken apart here, so that one record costs itself alone.

The client raises in the midst of a batch and gives neither the batch nor the records behind it. Here the one batch that
holds an offset is fetched again, and each of its records is read as a batch of its own.
Format: Apache Kafka, "Record Batch" (message format v2).
"""

import asyncio
import gzip
import struct
import zlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import cramjam
from aiokafka import TopicPartition
from aiokafka.codec import gzip_decode, lz4_decode, snappy_decode, zstd_decode
from aiokafka.consumer.fetcher import READ_COMMITTED, PartitionRecords
from aiokafka.errors import (
    CorruptRecordException,
    LeaderNotAvailableError,
    NoError,
    RecordTooLargeError,
    UnsupportedCodecError,
    for_code,
)
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.record.default_records import DefaultRecordBase, DefaultRecordBatch
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint

from contracts.kit.kafka import ANSWER_S, KafkaRecord, connected
from contracts.kit.servers import KafkaSettings

RECORD_ERRORS = (
    CorruptRecordException,  # checksum, lengths, counts
    UnsupportedCodecError,
    RecordTooLargeError,
    ValueError,  # UnicodeDecodeError of a header's name among them
    IndexError,
    EOFError,
    OverflowError,
    struct.error,
    zlib.error,
    gzip.BadGzipFile,
    cramjam.DecompressionError,
)
"""What the client raises because of one record or batch; no retry cures it."""

_HEAD = struct.Struct(">qi")
_AFTER_LENGTH = DefaultRecordBase.HEADER_STRUCT.size - _HEAD.size
_DECODERS: dict[int, Callable[[bytes], bytes]] = {
    DefaultRecordBase.CODEC_GZIP: gzip_decode,
    DefaultRecordBase.CODEC_SNAPPY: snappy_decode,
    DefaultRecordBase.CODEC_LZ4: lz4_decode,
    DefaultRecordBase.CODEC_ZSTD: zstd_decode,
}
_WORDS: tuple[tuple[type[Exception], str], ...] = (
    (UnicodeDecodeError, "a header's name is not UTF-8"),
    (UnsupportedCodecError, "it is compressed in a way that is not known here"),
    (RecordTooLargeError, "it is larger than can be fetched"),
    (CorruptRecordException, "it is damaged"),
)


@dataclass(frozen=True, slots=True)
class Unreadable:
    """A record, or a whole batch from `offset` on, that cannot be read; `value` holds its bytes as they are."""

    offset: int
    value: bytes
    detail: str


@dataclass(frozen=True, slots=True)
class Contents:
    """What a batch holds from the wanted offset on; `next_offset` is behind the batch."""

    records: Sequence[KafkaRecord]
    unreadable: Sequence[Unreadable]
    next_offset: int


@dataclass(frozen=True, slots=True)
class RawBatch:
    """The record batch that holds `offset`; `aborted` are (producer, first offset) of aborted transactions."""

    place: TopicPartition
    offset: int
    value: bytes
    aborted: Sequence[tuple[int, int]]

    def read(self) -> Contents:
        whole = self._reader(self.value)
        try:
            return Contents(list(whole), (), whole.next_fetch_offset)
        except RECORD_ERRORS as error:
            return self._read_singly(error)

    def _reader(self, value: bytes, *, check_sums: bool = True) -> PartitionRecords:
        """The client's own reader."""
        records, aborted = MemoryRecords(value), list(self.aborted)
        return PartitionRecords(self.place, records, aborted, self.offset, None, None, check_sums, READ_COMMITTED)

    def _read_singly(self, error: Exception) -> Contents:
        """Each record as a batch of its own, so that one costs itself alone."""
        try:
            singles = _singles(self.value)
        except RECORD_ERRORS:
            next_offset = max(_next_offset(self.value), self.offset + 1)
            return Contents((), (Unreadable(self.offset, self.value, _detail("record batch", error)),), next_offset)
        records: list[KafkaRecord] = []
        unreadable: list[Unreadable] = []
        for offset, (single, record) in enumerate(singles, _Head.of(self.value).base_offset):
            try:
                records += self._reader(single, check_sums=False)
            except RECORD_ERRORS as reason:
                unreadable += [Unreadable(offset, record, _detail("record", reason))] if offset >= self.offset else []
        return Contents(records, unreadable, _next_offset(self.value))


class _Head(NamedTuple):
    """What a batch begins with."""

    base_offset: int
    length: int
    leader_epoch: int
    magic: int
    checksum: int
    attributes: int
    last_offset_delta: int
    first_timestamp: int
    max_timestamp: int
    producer_id: int
    producer_epoch: int
    base_sequence: int
    records: int

    @classmethod
    def of(cls, batch: bytes) -> "_Head":
        return cls(*DefaultRecordBase.HEADER_STRUCT.unpack_from(batch))


async def fetch_batch(servers: KafkaSettings, place: TopicPartition, offset: int) -> RawBatch:
    """Asks the partition's leader for one byte: a whole batch is the least that it gives."""
    request = FetchRequest(500, 1, 1, READ_COMMITTED, [(place.topic, [(place.partition, offset, 1)])])
    async with asyncio.timeout(ANSWER_S), connected(servers) as client:
        await client.set_topics([place.topic])
        leader = client.cluster.leader_for_partition(place)
        if leader is None or leader < 0:
            raise LeaderNotAvailableError(f"{place.topic}, partition {place.partition}")
        response: Any = await client.send(leader, request)
    ((_, ((_, code, _, *rest),)),) = response.topics
    error = for_code(code)
    if error is not NoError:
        raise error
    aborted = rest[2] if response.API_VERSION >= 11 else rest[-2]
    return RawBatch(place, offset, _first(bytes(rest[-1] or b"")), aborted or ())


def _first(batches: bytes) -> bytes:
    """The first of the batches, each of which begins with its base offset and the length of what follows."""
    return batches[: _HEAD.size + _HEAD.unpack_from(batches)[1]] if len(batches) >= _HEAD.size else batches


def _next_offset(batch: bytes) -> int:
    """Behind the batch, as far as its head can be believed."""
    try:
        head = _Head.of(batch)
    except struct.error:
        return 0
    return head.base_offset + head.last_offset_delta + 1


def _singles(batch: bytes) -> list[tuple[bytes, bytes]]:
    """A batch for each record, without compression or a checksum, and the record's own bytes.

    Raises one of `RECORD_ERRORS` when the batch cannot be taken apart.
    """
    if not DefaultRecordBatch(batch).validate_crc():
        raise CorruptRecordException
    head, packed = _Head.of(batch), batch[DefaultRecordBase.HEADER_STRUCT.size :]
    single = head._replace(attributes=head.attributes & ~DefaultRecordBase.CODEC_MASK, records=1)
    return [
        (DefaultRecordBase.HEADER_STRUCT.pack(*single._replace(length=_AFTER_LENGTH + len(record))) + record, record)
        for record in _records(_unpack(packed, head.attributes & DefaultRecordBase.CODEC_MASK), head.records)
    ]


def _unpack(packed: bytes, codec: int) -> bytes:
    if codec == DefaultRecordBase.CODEC_NONE:
        return packed
    if codec not in _DECODERS:
        raise UnsupportedCodecError(f"codec {codec}")
    return bytes(_DECODERS[codec](packed))


def _records(payload: bytes, count: int) -> Iterator[bytes]:
    """The bytes of each record: all say how long they are."""
    buffer, at = bytearray(payload), 0
    for _ in range(count):
        length, begin = decode_varint(buffer, at)
        at, before = begin + length, at
        if length < 0 or at > len(buffer):
            raise CorruptRecordException("a record is longer than its batch")
        yield bytes(buffer[before:at])


def _detail(what: str, error: Exception) -> str:
    words = next((words for kind, words in _WORDS if isinstance(error, kind)), "it cannot be unpacked")
    return f"the {what} cannot be read: {words} ({type(error).__name__})"
