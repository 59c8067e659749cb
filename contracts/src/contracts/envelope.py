"""The envelope of every message: CloudEvents 1.0 in Kafka's binary mode.

Attributes travel as `ce_*` headers, the data as a JSON value, the trace context as the plain header `traceparent`.
Source: CloudEvents specification 1.0.2, Kafka protocol binding 1.0.2, partitioning extension 1.0.2.
"""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any, ClassVar, NamedTuple, Self
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.moments import read_moment

SPEC_VERSION = "1.0"
CONTENT_TYPE = b"application/json"
MAX_HEADER = 2000
MAX_BODY = 900_000
"""Bytes of a message's data; brokers refuse a record over one megabyte by default."""
TRACEPARENT = "traceparent"
_READ = frozenset(
    f"ce_{name}"
    for name in (
        *("specversion", "id", "source", "type", "time", "tenantid", "partitionkey"),
        *("correlationid", "causationid", "causepath", "rootcauseid", "issuer"),
    )
)
"""The headers that are read and checked; others are ignored."""
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
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


def decode(headers: Iterable[tuple[str, bytes | None]], value: bytes | None) -> Envelope[bytes]:
    """Reads the attributes of a record and leaves its data as bytes.

    Raises `UndecodableError` for anything that is not a message of this contract, whatever the bytes.
    """
    texts = _decode_headers(headers)
    if texts.get("ce_specversion") != SPEC_VERSION:
        raise UndecodableError("header ce_specversion: expected 1.0 (CloudEvents binary mode)")
    if value is None:
        raise UndecodableError("value: null")
    return Envelope(
        id=_required(texts, "ce_id"),
        source=_required(texts, "ce_source"),
        type=_required(texts, "ce_type"),
        time=_time(_required(texts, "ce_time")),
        tenant=_uuid(_required(texts, "ce_tenantid"), "ce_tenantid"),
        key=_required(texts, "ce_partitionkey"),
        data=value,
        correlation=texts.get("ce_correlationid") or _required(texts, "ce_id"),
        causation=texts.get("ce_causationid"),
        causepath=parse_causepath(texts.get("ce_causepath", "")),
        root=texts.get("ce_rootcauseid"),
        issuer=texts.get("ce_issuer"),
        traceparent=texts.get(TRACEPARENT),
    )


def decode_lenient(headers: Iterable[tuple[str, bytes | None]], value: bytes | None) -> Envelope[bytes] | None:
    """Reads what is needed to answer a command from a record with broken parts; null without its id and tenant."""
    texts = readable(headers)
    try:
        id, tenant = UUID(texts.get("ce_id", "")), UUID(texts.get("ce_tenantid", ""))
    except ValueError:
        return None
    return Envelope(
        id=str(id),
        source=texts.get("ce_source", "unknown"),
        type=texts.get("ce_type", "unknown"),
        time=datetime.fromtimestamp(0, UTC),
        tenant=tenant,
        key=texts.get("ce_partitionkey") or f"{tenant}:command:{id}",
        data=value or b"",
        correlation=texts.get("ce_correlationid") or str(id),
        issuer=texts.get("ce_issuer"),
        traceparent=texts.get(TRACEPARENT),
    )


def readable(headers: Iterable[tuple[str, bytes | None]]) -> Mapping[str, str]:
    """The readable attributes of a record with broken parts, by the names of their headers."""
    texts: dict[str, str] = {}
    for name, raw in headers:
        with suppress(UndecodableError):
            texts |= _decode_headers([(name, raw)])
    return texts


def _decode_headers(headers: Iterable[tuple[str, bytes | None]]) -> Mapping[str, str]:
    texts: dict[str, str] = {}
    for name, raw in headers:
        if name in _READ:
            texts[name] = _text(name, raw or b"")
        elif name == TRACEPARENT and (found := _TRACEPARENT.match((raw or b"").decode(errors="replace"))):
            texts[name] = found[0]  # any other one costs the trace, not the message
    return texts


def _text(name: str, raw: bytes) -> str:
    try:
        text = raw.decode()
    except UnicodeDecodeError as error:
        raise UndecodableError(f"header {name}: not UTF-8") from error
    if "\x00" in text:
        raise UndecodableError(f"header {name}: contains a null character")
    if len(text) > MAX_HEADER:
        raise UndecodableError(f"header {name}: longer than {MAX_HEADER} characters")
    return text


def _required(texts: Mapping[str, str], name: str) -> str:
    text = texts.get(name, "")
    if not text:
        raise UndecodableError(f"header {name}: missing")
    return text


def _uuid(text: str, name: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise UndecodableError(f"header {name}: not a UUID") from error


def _time(text: str) -> datetime:
    try:
        time = read_moment(text)
        if time.tzinfo is None:
            raise UndecodableError("header ce_time: has no UTC offset")
        return time.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise UndecodableError("header ce_time: not an RFC 3339 time") from error


def rfc3339(time: datetime) -> str:
    """An aware time as RFC 3339 text in UTC, with microseconds."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


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
