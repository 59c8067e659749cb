"""Records that are no messages, or hardly: what anybody may write to a topic by mistake or on purpose."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from aiokafka import AIOKafkaProducer
from aiokafka.record.default_records import DefaultRecordBatch, _DefaultRecordBatchBuilderPy

from contracts.kit.clock import utc_now

type Raw = tuple[bytes | None, bytes | None, list[tuple[str, bytes | None]]]
"""Key, value and headers."""


def envelope(tenant: UUID, **changes: bytes | None) -> list[tuple[str, bytes | None]]:
    """Headers of a sound message of a type that nobody knows, but for the changes."""
    sound: dict[str, bytes | None] = {
        "ce_specversion": b"1.0",
        "ce_id": b"00000000-0000-7000-8000-0000000000f1",
        "ce_source": b"somebody",
        "ce_type": b"test.unheard.of.v1",
        "ce_time": utc_now().isoformat().encode(),
        "ce_tenantid": str(tenant).encode(),
        "ce_partitionkey": b"k",
        "content-type": b"application/json",
    }
    return list((sound | changes).items())


def malformed_records(tenant: UUID, type: str, issuer: str = "test") -> Mapping[str, Raw]:
    """One of each kind that must be put aside; those that get so far are of a known `type`, for `issuer`."""
    known = {"ce_type": type.encode(), "ce_issuer": issuer.encode()}
    structured = b'{"specversion": "1.0", "id": "1", "source": "s", "type": "%b", "data": {}}' % type.encode()
    return {
        "nothing at all": (None, None, []),
        "empty key and value": (b"", b"", []),
        "bytes that are no text": (b"\xff\xfe", b"\x00\xff" * 40, [("\x00", b"\xff"), ("", b""), ("x", None)]),
        "null value": (b"k", None, envelope(tenant, **known)),
        "null header": (b"k", b"{}", envelope(tenant, ce_id=None)),
        "two megabytes": (b"k", b"x" * 2_000_000, []),
        "two megabytes in a message": (b"k", b'"' + b"x" * 2_000_000 + b'"', envelope(tenant, **known)),
        "a header that is not UTF-8": (b"k", b"{}", envelope(tenant, ce_source=b"\xff\xfe", **known)),
        "a header of 100 kB": (b"k", b"{}", envelope(tenant, ce_source=b"s" * 100_000, **known)),
        "a null character": (b"k", b"{}", envelope(tenant, ce_partitionkey=b"a\x00b", **known)),
        "an older CloudEvents version": (b"k", b"{}", envelope(tenant, ce_specversion=b"0.3", **known)),
        "structured mode": (b"k", structured, [("content-type", b"application/cloudevents+json")]),
        "a year that never comes": (b"k", b"{}", envelope(tenant, ce_time=b"9999-12-31T23:59:59-23:59", **known)),
        "a tenant that is none": (b"k", b"{}", envelope(tenant, ce_tenantid=b"us", **known)),
        "JSON of a depth": (b"k", b"[" * 100_000, envelope(tenant, **known)),
        "JSON that is no object": (b"k", b"7", envelope(tenant, **known)),
        "JSON that is not UTF-8": (b"k", b'{"a": "\xff"}', envelope(tenant, **known)),
    }


class _NoText(str):
    """A header name whose bytes are not UTF-8."""

    __slots__ = ()

    def encode(self, *_: Any) -> bytes:
        return b"\xff\xfe"


UNREADABLE: Raw = (b"k", b"{}", [(_NoText("x"), b"")])
"""No client reads it."""


async def strew(kafka: str, topic: str, partition: int, *records: Raw) -> None:
    """Publishes them as they are, one batch each, compressed: so brokers take what is larger than their limit."""
    for record in records:
        await publish_batch(kafka, topic, partition, [record], codec=DefaultRecordBatch.CODEC_GZIP)


async def publish_batch(kafka: str, topic: str, partition: int, records: Sequence[Raw], *, codec: int) -> None:
    """Publishes the records as they are, in one batch."""
    async with AIOKafkaProducer(bootstrap_servers=kafka) as producer:
        batch = producer.create_batch()
        batch._builder = batch_builder(codec)
        for key, value, headers in records:
            batch.append(key=key, value=value, timestamp=None, headers=headers)
        batch.close()
        await (await producer.send_batch(batch, topic, partition=partition))


def batch_builder(codec: int) -> _DefaultRecordBatchBuilderPy:
    """The client's own, in Python: it asks header names for their bytes, which need not be text."""
    return _DefaultRecordBatchBuilderPy(
        magic=2,
        compression_type=codec,
        is_transactional=0,
        producer_id=-1,
        producer_epoch=-1,
        base_sequence=-1,
        batch_size=4_000_000,
    )
