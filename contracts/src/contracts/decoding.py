"""Reads the attributes of records: CloudEvents 1.0 in Kafka's binary mode, whatever the bytes."""

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from uuid import UUID

from contracts.envelope import SPEC_VERSION, TRACEPARENT, Envelope, UndecodableError, parse_causepath
from contracts.moments import read_moment

MAX_HEADER = 2000
"""Characters."""
_READ = frozenset(
    f"ce_{name}"
    for name in (
        *("specversion", "id", "source", "type", "time", "tenantid", "partitionkey"),
        *("correlationid", "causationid", "causepath", "rootcauseid", "issuer"),
    )
)
"""The headers that are read and checked; others are ignored."""
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")


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
