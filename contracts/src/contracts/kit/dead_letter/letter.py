"""Dead letters, as values.

States: `open` → `replaying` → `handled`, `passed_over` (nobody here wants its type) or `dead_again` (a new dead letter
with one replay more took its place); or `open` → `discarded`. Only an open one can be replayed or discarded.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import chain
from typing import Any, Literal, Self
from uuid import UUID, uuid5

from aiokafka import ConsumerRecord, TopicPartition

from contracts.decoding import readable
from contracts.texts import readable_reason

State = Literal["open", "replaying", "handled", "passed_over", "dead_again", "discarded"]

_LETTERS = UUID("5e2a3f9c-7d0b-5c41-9a55-0c8f6a1d7b20")
"""The namespace of dead letters' ids."""
NO_TIMESTAMP = -1
MAX_DETAIL = 1_000
"""Characters: names in a body are quoted there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeadLetter:
    """A record that was put aside. `complete`: all of it is here, as a record that can be replayed.

    Its id follows from its place and replays. `action_id` is the operator's action that replayed or discarded it.
    `tenant`, `source`, `message_id` and `type` are what could be read of its headers; `size` is in bytes.
    """

    id: UUID
    tenant: UUID | None = None
    topic: str
    partition: int
    offset: int
    timestamp_ms: int = NO_TIMESTAMP
    key: bytes | None = None
    value: bytes | None = None
    headers: Sequence[tuple[bytes, bytes | None]] = ()
    size: int = 0
    complete: bool = False
    source: str | None = None
    message_id: str | None = None
    type: str | None = None
    reason: str
    detail: str
    replays: int = 0
    replay_of: UUID | None = None
    put_aside_at: datetime
    state: State = "open"
    action_id: UUID | None = None
    settled_at: datetime | None = None
    erased_at: datetime | None = None

    @classmethod
    def of(cls, record: ConsumerRecord[Any, Any], reason: str, detail: str, now: datetime) -> Self:
        texts = readable(record.headers)
        headers = tuple((name.encode(), value) for name, value in record.headers)
        return cls(
            id=_id_of(record.topic, record.partition, record.offset, record.timestamp, 0),
            tenant=_uuid(texts.get("ce_tenantid")),
            topic=record.topic,
            partition=record.partition,
            offset=record.offset,
            timestamp_ms=record.timestamp,
            key=record.key,
            value=record.value,
            headers=headers,
            size=sum(len(part or b"") for part in (record.key, record.value, *chain.from_iterable(headers))),
            complete=True,
            source=texts.get("ce_source"),
            message_id=texts.get("ce_id"),
            type=texts.get("ce_type"),
            reason=reason,
            detail=readable_reason(detail, MAX_DETAIL),
            put_aside_at=now,
        )

    @classmethod
    def unreadable(cls, place: TopicPartition, offset: int, value: bytes, detail: str, now: datetime) -> Self:
        """Of bytes that are no record yet, so there is nothing to replay."""
        return cls(
            id=_id_of(place.topic, place.partition, offset, NO_TIMESTAMP, 0),
            topic=place.topic,
            partition=place.partition,
            offset=offset,
            value=value,
            size=len(value),
            reason="unreadable",
            detail=readable_reason(detail, MAX_DETAIL),
            put_aside_at=now,
        )

    def again(self, reason: str, detail: str, now: datetime) -> Self:
        """The new dead letter, when a replay did not help."""
        replays = self.replays + 1
        return replace(
            self,
            id=_id_of(self.topic, self.partition, self.offset, self.timestamp_ms, replays),
            reason=reason,
            detail=readable_reason(detail, MAX_DETAIL),
            replays=replays,
            replay_of=self.id,
            put_aside_at=now,
            state="open",
            action_id=None,
        )

    @property
    def record(self) -> ConsumerRecord[bytes, bytes]:
        """As the broker gave it."""
        headers: Any = tuple((name.decode(), raw) for name, raw in self.headers)  # a value may be null
        return ConsumerRecord(
            topic=self.topic,
            partition=self.partition,
            offset=self.offset,
            timestamp=self.timestamp_ms,
            timestamp_type=0,
            key=self.key,
            value=self.value,
            checksum=None,
            serialized_key_size=len(self.key or b""),
            serialized_value_size=len(self.value or b""),
            headers=headers,
        )


def _id_of(topic: str, partition: int, offset: int, timestamp_ms: int, replays: int) -> UUID:
    """The timestamp distinguishes a topic from an older one of the same name."""
    return uuid5(_LETTERS, f"{topic}:{partition}:{offset}:{timestamp_ms}:{replays}")


def _uuid(text: str | None) -> UUID | None:
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """Which dead letters; what is null does not matter.

    `tenant` is `none` for those whose tenant cannot be read. `since` and `until` bound the time when it was put aside.
    """

    tenant: UUID | Literal["none"] | None = None
    topic: str | None = None
    type: str | None = None
    reason: str | None = None
    since: datetime | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Dead letters that match a filter; only those of `ids` and in `state`, where these are given."""

    filter: Filter = field(default_factory=Filter)
    ids: Sequence[UUID] | None = None
    state: State | None = None
