"""The envelope of every message: CloudEvents 1.0 in Kafka's binary mode.

Attributes travel as `ce_*` headers, the data as a JSON value, the trace context as the plain header `traceparent`.
Source: CloudEvents specification 1.0.2, Kafka protocol binding 1.0.2, partitioning extension 1.0.2.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

SPEC_VERSION = "1.0"
CONTENT_TYPE = b"application/json"
MAX_BODY = 900_000
"""Bytes of a message's data; brokers refuse a record over one megabyte by default."""
TRACEPARENT = "traceparent"
MAX_CAUSES = 16
"""The longest `causepath`; an automatic move that would lengthen it further is stopped."""


class ContractError(Exception):
    """The root of what goes wrong with messages themselves."""


class UndecodableError(ContractError):
    """A record is not a message of ours; the text says which part is missing or malformed, never its content."""


class Body(BaseModel):
    """The data of one message. Frozen, and unknown fields are ignored: a newer writer must not stop an older reader.

    Ids and times have no default factories: building the same message again must give the same message.
    """

    model_config = ConfigDict(frozen=True, extra="ignore")

    TYPE: ClassVar[str]
    """The wire name; a literal that survives a rename of the class."""


class Cause(NamedTuple):
    """One step of a chain of automation: this rule acted because of this item's entry."""

    rule_id: str
    item_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Envelope[D]:
    """One message with its attributes. `(source, id)` identifies it for ever; `time` never changes on redelivery."""

    id: str
    source: str
    type: str
    time: datetime
    tenant: UUID
    key: str
    data: D
    correlation: str
    causation: str | None = None
    causepath: tuple[Cause, ...] = ()
    root: str | None = None
    """The id of the message that the whole chain of causes began with; absent on that one."""
    issuer: str | None = None
    traceparent: str | None = None

    @property
    def root_cause(self) -> str:
        """The id of the first message of the chain of causes; its own id without an earlier one."""
        return self.root or self.id

    @property
    def command_id(self) -> UUID:
        """The id of a command; the consumer has checked that it is a UUID."""
        return UUID(self.id)

    def with_data[T](self, data: T) -> "Envelope[T]":
        return replace(self, data=data)  # type: ignore[arg-type, return-value]


def event[B: Body](  # noqa: PLR0913 - an envelope's attributes, all by keyword
    data: B,
    *,
    source: str,
    id: UUID,
    tenant: UUID,
    key: str,
    time: datetime,
    cause: Envelope[Any] | None = None,
    correlation: str | None = None,
    causepath: tuple[Cause, ...] = (),
    root: str | None = None,
) -> Envelope[B]:
    """A fact. `cause` is the message that led to it: its correlation, causepath and root go on unless others are given.

    Without either it is the root of what it leads to.
    """
    return Envelope(
        id=str(id),
        source=source,
        type=data.TYPE,
        time=time,
        tenant=tenant,
        key=key,
        data=data,
        correlation=correlation or (cause.correlation if cause else str(id)),
        causation=cause.id if cause else None,
        causepath=causepath or (cause.causepath if cause else ()),
        root=root or (cause.root_cause if cause else None),
    )


def command[B: Body](  # noqa: PLR0913 - an envelope's attributes, all by keyword
    data: B,
    *,
    issuer: str,
    id: UUID,
    tenant: UUID,
    key: str,
    time: datetime,
    correlation: str,
    causation: str | None = None,
    causepath: tuple[Cause, ...] = (),
    root: str | None = None,
) -> Envelope[B]:
    """An imperative; `id` is its command id, `issuer` the commanding service, the only one that uses its results."""
    return Envelope(
        id=str(id),
        source=issuer,
        type=data.TYPE,
        time=time,
        tenant=tenant,
        key=key,
        data=data,
        correlation=correlation,
        causation=causation,
        causepath=causepath,
        root=root,
        issuer=issuer,
    )


@dataclass(frozen=True, slots=True)
class Record:
    """A message as Kafka carries it."""

    key: bytes
    value: bytes
    headers: tuple[tuple[str, bytes], ...]

    @classmethod
    def of(cls, envelope: Envelope[Body]) -> Self:
        return cls(
            key=envelope.key.encode(),
            value=envelope.data.model_dump_json().encode(),
            headers=tuple((name, text.encode()) for name, text in _headers(envelope)),
        )


def _headers(envelope: Envelope[Any]) -> Iterable[tuple[str, str]]:
    yield "ce_specversion", SPEC_VERSION
    yield "ce_id", envelope.id
    yield "ce_source", envelope.source
    yield "ce_type", envelope.type
    yield "ce_time", rfc3339(envelope.time)
    yield "ce_tenantid", str(envelope.tenant)
    yield "ce_partitionkey", envelope.key
    yield "ce_correlationid", envelope.correlation
    if envelope.causation is not None:
        yield "ce_causationid", envelope.causation
    if envelope.causepath:
        yield "ce_causepath", format_causepath(envelope.causepath)
    if envelope.root is not None:
        yield "ce_rootcauseid", envelope.root
    if envelope.issuer is not None:
        yield "ce_issuer", envelope.issuer
    if envelope.traceparent is not None:
        yield TRACEPARENT, envelope.traceparent
    yield "content-type", CONTENT_TYPE.decode()


def rfc3339(time: datetime) -> str:
    """An aware time as RFC 3339 text in UTC, with microseconds."""
    in_utc = time if time.tzinfo is UTC else time.astimezone(UTC)
    return in_utc.isoformat(timespec="microseconds").replace("+00:00", "Z")


def format_causepath(causes: Iterable[Cause]) -> str:
    return ",".join(f"{cause.rule_id}:{cause.item_id}" for cause in causes)


def parse_causepath(text: str) -> tuple[Cause, ...]:
    """Reads `rule_id:item_id,…`; raises `UndecodableError` for another shape.

    One pair more than allowed is read, so that the handler can refuse a move that would lengthen a full path.
    """
    if not text:
        return ()
    pairs = [part.split(":") for part in text.split(",")]
    if len(pairs) > MAX_CAUSES + 1 or any(len(pair) != 2 or not all(pair) for pair in pairs):
        raise UndecodableError(f"header ce_causepath: expected at most {MAX_CAUSES + 1} rule_id:item_id pairs")
    return tuple(Cause(*pair) for pair in pairs)
