"""Record batches as bytes: what the client cannot read is taken apart here, so that one record costs itself alone.

The client raises in the midst of a batch and gives neither the batch nor the records behind. Here the one batch that
holds an offset is fetched anew and read record by record. Format: Apache Kafka, "Record Batch" (message format v2).
"""

import asyncio
import gzip
import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import cramjam
from aiokafka import AIOKafkaConsumer, TopicPartition
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
from aiokafka.record.default_records import _DefaultRecordBatchPy
from aiokafka.record.memory_records import MemoryRecords
from aiokafka.record.util import decode_varint

from contracts.kit.kafka import ANSWER_S, KafkaRecord

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
        whole = PartitionRecords(
            self.place, MemoryRecords(self.value), list(self.aborted), self.offset, None, None, True, READ_COMMITTED
        )
        try:
            return Contents(list(whole), (), whole.next_fetch_offset)
        except RECORD_ERRORS as error:
            return self._read_singly(whole, error)

    def _read_singly(self, reader: PartitionRecords, error: Exception) -> Contents:
        try:
            batch = _DefaultRecordBatchPy(self.value)
            if not batch.validate_crc():
                raise CorruptRecordException
            pieces = list(_pieces(batch))
        except RECORD_ERRORS:
            next_offset = max(_next_offset(self.value), self.offset + 1)
            return Contents((), (Unreadable(self.offset, self.value, _detail("record batch", error)),), next_offset)
        records: list[KafkaRecord] = []
        unreadable: list[Unreadable] = []
        for number, piece in enumerate(pieces):
            offset = batch.base_offset + number
            try:
                record = reader._consumer_record(self.place, _record(batch, piece))
                records += [record] if record.offset >= self.offset else []
            except RECORD_ERRORS as reason:
                unreadable += [Unreadable(offset, piece, _detail("record", reason))] if offset >= self.offset else []
        return Contents(records, unreadable, batch.next_offset)


async def fetch_batch(consumer: AIOKafkaConsumer, place: TopicPartition, offset: int) -> RawBatch:
    """Asks the leader for one byte more than nothing: a whole batch is the least that it gives."""
    client = consumer._client
    leader = client.cluster.leader_for_partition(place)
    if leader is None or leader < 0:
        raise LeaderNotAvailableError(f"{place.topic}, partition {place.partition}")
    request = FetchRequest(500, 1, 1, READ_COMMITTED, [(place.topic, [(place.partition, offset, 1)])])
    async with asyncio.timeout(ANSWER_S):
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
        return int(_DefaultRecordBatchPy(batch).next_offset)
    except struct.error:
        return 0


def _pieces(batch: _DefaultRecordBatchPy) -> Iterator[bytes]:
    """The bytes of each record: all say how long they are."""
    iter(batch)  # unpacks
    buffer, at = batch._buffer, batch._pos
    for _ in range(batch._num_records):
        length, begin = decode_varint(buffer, at)
        at, before = begin + length, at
        if length < 0 or at > len(buffer):
            raise CorruptRecordException("a record is longer than its batch")
        yield bytes(buffer[before:at])


def _record(batch: _DefaultRecordBatchPy, piece: bytes) -> Any:
    batch._buffer, batch._pos = bytearray(piece), 0
    return batch._read_msg()


def _detail(what: str, error: Exception) -> str:
    words = next((words for kind, words in _WORDS if isinstance(error, kind)), "it cannot be unpacked")
    return f"the {what} cannot be read: {words} ({type(error).__name__})"
