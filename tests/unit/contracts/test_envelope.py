"""The envelope: any bytes are a message or an undecodable record, and what is written is read back."""

from datetime import UTC, datetime
from typing import Any, ClassVar
from uuid import UUID

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from pydantic import ValidationError

from contracts.catalogue import TYPES
from contracts.decoding import MAX_HEADER, decode, decode_lenient
from contracts.envelope import (
    Body,
    Cause,
    Envelope,
    Record,
    UndecodableError,
    command,
    event,
    format_causepath,
    parse_causepath,
    rfc3339,
)

TENANT = UUID("00000000-0000-7000-8000-00000000000a")
AN_ID = UUID("00000000-0000-7000-8000-000000000001")
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
NAMES = [
    "ce_specversion",
    "ce_id",
    "ce_source",
    "ce_type",
    "ce_time",
    "ce_tenantid",
    "ce_partitionkey",
    "ce_correlationid",
    "ce_causationid",
    "ce_causepath",
    "ce_rootcauseid",
    "ce_issuer",
    "traceparent",
]


class Said(Body):
    TYPE: ClassVar[str] = "test.said.v1"

    text: str


def said(text: str = "hello", **changes: Any) -> Envelope[Said]:
    attributes: dict[str, Any] = {"source": "test", "id": AN_ID, "tenant": TENANT, "key": f"{TENANT}:1", "time": NOON}
    return event(Said(text=text), **attributes | changes)


GOOD = Record.of(said())
good_headers = dict(GOOD.headers)
# Mostly right headers with one or two broken ones find more than random ones, which all lack a version.
some_bytes = st.one_of(st.none(), st.binary(max_size=80), st.text(max_size=40).map(str.encode))
headers = st.one_of(
    st.lists(st.tuples(st.one_of(st.sampled_from(NAMES), st.text(max_size=20)), some_bytes), max_size=15),
    st.dictionaries(st.sampled_from(NAMES), some_bytes, max_size=3).map(lambda b: list({**good_headers, **b}.items())),
)


def attempt(found: list[tuple[str, bytes | None]], value: bytes | None) -> Envelope[bytes] | UndecodableError:
    try:
        return decode(found, value)
    except UndecodableError as error:
        return error


@given(headers, some_bytes)
@example([*GOOD.headers, ("ce_time", b"0001-01-01T00:00:00+14:00")], b"{}")
@example([*GOOD.headers, ("ce_time", b"9999-12-31T23:59:59-14:00")], b"{}")
@example([*GOOD.headers, ("ce_time", b"2026-W10")], b"{}")
@example([*GOOD.headers, ("ce_tenantid", "\N{FULLWIDTH DIGIT ONE}".encode() * 32)], b"{}")
def test_any_bytes_are_a_message_or_undecodable(found: list[tuple[str, bytes | None]], value: bytes | None) -> None:
    result = attempt(found, value)
    if isinstance(result, Envelope):
        assert result.time.tzinfo is UTC
        assert result.id
        assert "\x00" not in f"{result}"
    else:
        assert str(result).startswith(("header ", "value: "))


@given(headers, some_bytes)
def test_any_bytes_can_be_salvaged_or_not_and_nothing_worse_happens(
    found: list[tuple[str, bytes | None]], value: bytes | None
) -> None:
    saved = decode_lenient(found, value)
    assert saved is None or (UUID(saved.id) and saved.key and saved.tenant)


@given(
    st.text(),
    st.datetimes(timezones=st.timezones()).map(lambda time: time.astimezone(UTC)),
    st.lists(st.builds(Cause, st.uuids().map(str), st.uuids().map(str)), max_size=16).map(tuple),
    st.text(min_size=1, max_size=50).filter(lambda text: "\x00" not in text),
)
def test_what_is_written_is_read_back(text: str, time: datetime, causes: tuple[Cause, ...], word: str) -> None:
    sent = command(
        Said(text=text.encode("utf-8", "replace").decode()),
        issuer="test",
        id=AN_ID,
        tenant=TENANT,
        key=word,
        time=time,
        correlation=word,
        causation=word,
        causepath=causes,
        root=word,
    )
    record = Record.of(sent)
    back = decode(record.headers, record.value)
    assert back.with_data(Said.model_validate_json(back.data)) == sent


@pytest.mark.parametrize("name", ["ce_foo", "ce_dataschema", "x-anything"])
@pytest.mark.parametrize("raw", [b"\xff\xfe", b"x" * 100_000, b"a\x00b", None])
def test_headers_that_are_nothing_to_us_are_not_judged(name: str, raw: bytes | None) -> None:
    assert decode([*GOOD.headers, (name, raw)], GOOD.value) == decode(GOOD.headers, GOOD.value)


@pytest.mark.parametrize("raw", [b"\xff\xfe", b"x" * 100_000, b"00-abc-def-01", b"", None])
def test_an_unusable_traceparent_costs_the_trace_and_not_the_message(raw: bytes | None) -> None:
    found = [*GOOD.headers, ("traceparent", raw)]
    assert decode(found, GOOD.value).traceparent is None
    saved = decode_lenient(found, GOOD.value)
    assert saved is not None
    assert saved.traceparent is None


@pytest.mark.parametrize(
    ("name", "raw", "complaint"),
    [
        ("ce_specversion", b"0.3", "expected 1.0 (CloudEvents binary mode)"),
        ("ce_id", b"", "missing"),
        ("ce_source", None, "missing"),
        ("ce_type", b"\xff", "not UTF-8"),
        ("ce_type", b"a\x00b", "contains a null character"),
        ("ce_issuer", b"x" * (MAX_HEADER + 1), "longer than 2000 characters"),
        ("ce_time", b"noon", "not an RFC 3339 time"),
        ("ce_time", b"2026-03-02T12:00:00", "has no UTC offset"),
        ("ce_time", b"0001-01-01T00:00:00+14:00", "not an RFC 3339 time"),
        ("ce_tenantid", b"ours", "not a UUID"),
        ("ce_causepath", b"a:b,c", "expected"),
        ("ce_causepath", b"a:b:c", "expected"),
    ],
)
def test_what_is_wrong_is_said_without_repeating_it(name: str, raw: bytes | None, complaint: str) -> None:
    broken: dict[str, bytes | None] = {**good_headers, name: raw}
    with pytest.raises(UndecodableError, match=f"^header {name}: ") as caught:
        decode(broken.items(), GOOD.value)
    assert complaint in str(caught.value)
    assert len(str(caught.value)) < 120


@given(st.sampled_from(list(TYPES.values())), st.one_of(st.binary(), st.just(b"[" * 5000), st.just(b'{"a":' * 5000)))
def test_any_bytes_are_a_body_or_invalid(body: type[Body], raw: bytes) -> None:
    try:
        body.model_validate_json(raw)
    except ValidationError:
        return


def test_a_null_value_is_no_message() -> None:
    with pytest.raises(UndecodableError, match="value: null"):
        decode(GOOD.headers, None)


def test_an_event_goes_on_with_the_correlation_and_the_causes_of_what_led_to_it() -> None:
    first = said(correlation="a-correlation", causepath=(Cause("rule", "item"),))
    second = said(id=UUID(int=2), cause=first)
    assert (second.correlation, second.causation, second.causepath) == ("a-correlation", first.id, first.causepath)
    assert said().correlation == str(AN_ID)
    assert said(cause=first, causepath=(Cause("own", "one"),)).causepath == (Cause("own", "one"),)


def test_everything_goes_back_to_the_first_message_of_its_chain() -> None:
    first = said()
    second = said(id=UUID(int=2), cause=first)
    third = said(id=UUID(int=3), cause=second)
    assert (first.root, first.root_cause) == (None, first.id)
    assert (second.root_cause, third.root_cause) == (first.id, first.id)
    assert "ce_rootcauseid" not in dict(Record.of(first).headers)
    assert dict(Record.of(third).headers)["ce_rootcauseid"] == first.id.encode()


def test_the_same_message_is_the_same_bytes_however_often_it_is_built() -> None:
    assert Record.of(said()) == Record.of(said())


def test_a_body_has_no_field_that_makes_up_its_own_value() -> None:
    for body in TYPES.values():
        made_up = [name for name, field in body.model_fields.items() if field.default_factory not in (None, dict)]
        assert made_up == [], body.TYPE


def test_a_body_is_frozen_and_passes_over_what_it_does_not_know() -> None:
    body = Said.model_validate({"text": "a", "more": 1})
    with pytest.raises(ValidationError, match="frozen"):
        body.text = "b"  # type: ignore[misc]
    assert body == Said(text="a")


def test_times_are_written_in_utc_with_microseconds() -> None:
    assert rfc3339(datetime.fromisoformat("2026-03-02T13:00:00+01:00")) == "2026-03-02T12:00:00.000000Z"


def test_a_causepath_is_read_as_it_was_written() -> None:
    causes = (Cause("a", "1"), Cause("b", "2"))
    assert format_causepath(causes) == "a:1,b:2"
    assert parse_causepath("a:1,b:2") == causes
    assert parse_causepath("") == ()


def test_small_letters_of_a_time_are_those_of_rfc_3339() -> None:
    """Its section 5.6 allows them; other teams' producers write them."""
    headers = dict(GOOD.headers) | {"ce_time": b"2026-03-02t12:00:00.5z"}
    assert decode(headers.items(), GOOD.value).time == datetime(2026, 3, 2, 12, 0, 0, 500_000, UTC)
