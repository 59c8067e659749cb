"""What logs, spans and metrics say, and what never reaches them: tokens, addresses, phone numbers, rows' values."""

import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import httpx
import pytest
import structlog
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind, StatusCode
from pydantic import BaseModel, SecretStr, ValidationError

from contracts.envelope import Cause, Envelope
from contracts.kit import telemetry
from contracts.kit.client import TracedClient
from contracts.kit.clock import utc_now
from contracts.kit.settings import ServiceSettings
from contracts.topics import item_key
from support.spans import linked, recorded, trace_of

SECRETS = {
    "bearer": "Authorization: Bearer abc.DEF-123_~+/=",
    "jwt": "got eyJhbGciOiJFZDI1NTE5In0.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl here",
    "dsn": "postgresql://entity_service_app:pa55word@db.internal/entity_service",
    "mail": "to ada.bell+shop@mail.example.com",
    "phone": "to +4915112345678",
    "spaced": "to +49 151 1234 5678",
    "row": "duplicate key\nDETAIL:  Key (tenant_id, name)=(1, Ada Bell) already exists.\nCONTEXT: x",
    "pydantic": "1 error\ntext\n  wrong [type=string_type, input_value={'name': 'Ada Bell'}, input_type=dict]",
}
LEAKS = ("abc.DEF", "eyJ", "pa55word", "ada.bell", "15112345678", "1234 5678", "Ada Bell")


@pytest.mark.parametrize("name", SECRETS)
def test_what_looks_secret_is_blotted_out(name: str) -> None:
    shown = telemetry.redacted(SECRETS[name])
    assert "[redacted]" in shown
    assert not [leak for leak in LEAKS if leak in shown]


@pytest.mark.parametrize(
    "harmless",
    [
        "document created",
        "crm.item.stage_changed.v1",
        "2026-03-02T09:00:00.000000Z",
        "00000000-0000-7000-8000-00000000000a",
        "http://127.0.0.1:8000/v1/items",
        "1 + 2",
    ],
)
def test_what_is_not_secret_stays(harmless: str) -> None:
    assert telemetry.redacted(harmless) == harmless


def test_secrets_are_found_in_whatever_depth_and_kind() -> None:
    class Person:
        def __repr__(self) -> str:
            return "Person(mail='ada.bell@mail.example.com')"

    an_id = UUID("00000000-0000-7000-8000-00000000000a")
    shown = telemetry.redacted({"a": [{"b": ("+4915112345678", 5)}], "c": Person(), "d": an_id, "e": None})
    assert shown == {"a": [{"b": ["[redacted]", 5]}], "c": "Person(mail='[redacted]')", "d": an_id, "e": None}


@pytest.fixture
def logged(monkeypatch: pytest.MonkeyPatch) -> Iterator[io.StringIO]:
    """What a service with its logs set up writes."""
    written = io.StringIO()
    root, before = logging.getLogger(), logging.getLogger().handlers[:]
    monkeypatch.setattr("sys.stdout", written)
    settings = ServiceSettings(
        database_url=SecretStr("postgresql://localhost/x"),
        kafka_bootstrap="localhost:1",
        auth_issuer="x",
        auth_audience="x",
    )
    provider = telemetry.set_up("probe-service", settings)
    yield written
    provider.shutdown()
    root.handlers[:] = before
    structlog.reset_defaults()


def lines_of(logged: io.StringIO, *loggers: str) -> list[dict[str, Any]]:
    lines = [json.loads(line) for line in logged.getvalue().splitlines()]
    return [line for line in lines if line["logger"] in loggers]


def test_a_line_is_json_with_the_service_and_without_secrets(logged: io.StringIO) -> None:
    structlog.get_logger("ours").info("sent", to="+4915112345678", api_token="abc", document_id="7")
    (line,) = lines_of(logged, "ours")
    assert (line["event"], line["service"], line["level"], line["logger"]) == ("sent", "probe-service", "info", "ours")
    assert (line["to"], line["api_token"], line["document_id"]) == ("[redacted]", "[redacted]", "7")


def test_lines_of_libraries_and_tracebacks_are_without_secrets_too(logged: io.StringIO) -> None:
    class Note(BaseModel):
        text: int

    name = ("Ada", "Bell")  # apart, since a traceback shows the source
    try:
        Note.model_validate({"text": " ".join(name)})
    except ValidationError:
        structlog.get_logger("ours").exception("failed")
        logging.getLogger("theirs").exception("failed for %s", "ada.bell@mail.example.com")
    lines = lines_of(logged, "ours", "theirs")
    assert [line["event"] for line in lines] == ["failed", "failed for [redacted]"]
    assert all("ValidationError" in line["exception"] for line in lines)
    assert "Ada Bell" not in logged.getvalue()


def test_settings_show_no_secret_when_they_are_printed() -> None:
    settings = ServiceSettings(
        plaintext_allowed=("db.internal",),
        database_url=SecretStr(SECRETS["dsn"]),
        kafka_bootstrap="localhost:1",
        auth_issuer="x",
        auth_audience="x",
    )
    assert "pa55word" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_a_line_shows_ids_and_times_as_plain_text(logged: io.StringIO) -> None:
    an_id, moment = UUID("00000000-0000-7000-8000-00000000000a"), datetime(2026, 3, 2, 9, tzinfo=UTC)
    structlog.get_logger("ours").info("waits", run_id=an_id, until=moment)
    (line,) = lines_of(logged, "ours")
    assert (line["run_id"], line["until"]) == (str(an_id), "2026-03-02T09:00:00+00:00")


def test_lines_carry_what_the_work_at_hand_is_about_until_it_is_done(logged: io.StringIO) -> None:
    with telemetry.span("work"), telemetry.about(tenant_id=UUID(int=1), rule_id=None):
        telemetry.note(item_id=UUID(int=2))
        structlog.get_logger("ours").info("doing")
        logging.getLogger("theirs").warning("hm")
    structlog.get_logger("ours").info("after")
    doing, hm, after = lines_of(logged, "ours", "theirs")
    assert {name: doing.get(name) for name in ("tenant_id", "item_id", "rule_id")} == {
        "tenant_id": str(UUID(int=1)),
        "item_id": str(UUID(int=2)),
        "rule_id": None,
    }
    assert (hm["item_id"], hm["trace_id"]) == (doing["item_id"], doing["trace_id"])
    assert not {"tenant_id", "item_id", "trace_id"} & set(after)


def test_a_line_outside_of_a_messages_handling_has_its_trace_and_ids(logged: io.StringIO) -> None:
    item = UUID(int=2)
    message = replace(a_message(item_key(UUID(int=1), item)), issuer="someone", causepath=(Cause("a-rule", "x"),))
    with telemetry.concerning(message):
        structlog.get_logger("ours").info("put aside")
    with telemetry.concerning(None):
        structlog.get_logger("ours").info("put aside")
    known, unknown = lines_of(logged, "ours")
    assert known["trace_id"] == STORED.split("-")[1]
    assert (known["tenant_id"], known["item_id"], known["rule_id"]) == (str(UUID(int=1)), str(item), "a-rule")
    assert (known["ce_id"], known["ce_type"]) == ("an-id", "test.happened.v1")
    assert not {"trace_id", "tenant_id", "ce_id"} & set(unknown)


STORED = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
ANOTHER = "00-11111111111111111111111111111111-2222222222222222-01"


def a_message(key: str = "someone:else:entirely", *, age: timedelta = timedelta(0)) -> Envelope[None]:
    return Envelope(
        id="an-id",
        source="test",
        type="test.happened.v1",
        time=utc_now() - age,
        tenant=UUID(int=1),
        key=key,
        data=None,
        correlation="a-correlation",
        traceparent=STORED,
    )


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    """The spans that are ended during the test."""
    with recorded() as exporter:
        yield exporter


def test_a_span_goes_on_in_the_trace_that_was_stored(spans: InMemorySpanExporter) -> None:
    with telemetry.span("later", STORED):
        now = telemetry.traceparent()
    (span,) = spans.get_finished_spans()
    assert span.parent is not None
    assert trace_of(span) == STORED.split("-")[1] == telemetry.trace_id(now)
    assert format(span.parent.span_id, "016x") == STORED.split("-")[2]
    assert now != STORED


@pytest.mark.parametrize(
    "broken", ["", "rubbish", "00-" + "0" * 32 + "-b7ad6b7169203331-01", "00-xyz-1-01", "ÿ" * 2000]
)
def test_what_is_no_trace_context_begins_a_trace_of_its_own(spans: InMemorySpanExporter, broken: str) -> None:
    with telemetry.span("later", broken, links=(broken,)):
        pass
    (span,) = spans.get_finished_spans()
    assert span.parent is None
    assert linked(span) == []


@pytest.mark.parametrize(
    ("waited", "same"), [(timedelta(seconds=-5), True), (timedelta(minutes=4), True), (timedelta(minutes=6), False)]
)
def test_after_a_long_wait_a_span_is_linked_to_its_parent_instead(
    spans: InMemorySpanExporter, waited: timedelta, same: bool
) -> None:
    with telemetry.span("advance", STORED, since=utc_now() - waited, links=(STORED,)):
        pass
    (span,) = spans.get_finished_spans()
    stored = STORED.split("-")[1]
    assert (trace_of(span) == stored) == same
    assert linked(span) == ([] if same else [stored])
    assert (span.parent is not None) == same


def test_links_name_other_traces_once(spans: InMemorySpanExporter) -> None:
    with telemetry.span("advance", STORED, links=(ANOTHER, None, ANOTHER, STORED)):
        pass
    (span,) = spans.get_finished_spans()
    assert linked(span) == [ANOTHER.split("-")[1]]


def test_an_error_is_named_on_its_span_without_what_it_says(spans: InMemorySpanExporter) -> None:
    with pytest.raises(ValueError, match="Ada Bell"), telemetry.span("work"):
        raise ValueError("Ada Bell")
    (span,) = spans.get_finished_spans()
    assert span.status.status_code is StatusCode.ERROR
    assert (span.attributes or {})["error.type"] == "ValueError"
    assert "Ada Bell" not in span.to_json()


def test_a_message_is_handled_in_a_consumers_span_that_says_what_it_is_about(spans: InMemorySpanExporter) -> None:
    item = UUID(int=2)
    with telemetry.handling("handle", a_message(item_key(UUID(int=1), item))):
        pass
    with telemetry.handling("handle", a_message(age=timedelta(minutes=6))):
        pass
    soon, late = spans.get_finished_spans()
    assert (soon.name, soon.kind, trace_of(soon)) == (
        "handle test.happened.v1",
        SpanKind.CONSUMER,
        STORED.split("-")[1],
    )
    assert (soon.attributes or {})["item_id"] == str(item)
    assert (soon.attributes or {})["messaging.message.id"] == "an-id"
    assert "item_id" not in (late.attributes or {})
    assert linked(late) == [trace_of(soon)]


def test_a_publication_is_a_producers_span_under_the_writers_with_the_times_given(spans: InMemorySpanExporter) -> None:
    telemetry.published("test.topic.v1", {"traceparent": STORED, "ce_id": "an-id"}, 1_000, 2_000)
    telemetry.published("test.topic.v1", {}, 1_000, 2_000)
    with_writer, without = spans.get_finished_spans()
    assert (with_writer.name, with_writer.kind) == ("send test.topic.v1", SpanKind.PRODUCER)
    assert trace_of(with_writer) == STORED.split("-")[1]
    assert (with_writer.start_time, with_writer.end_time) == (1_000, 2_000)
    assert without.parent is None


async def test_a_call_to_a_peer_is_a_clients_span_whose_context_the_peer_gets(spans: InMemorySpanExporter) -> None:
    received: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        received.append(request.headers["traceparent"])
        return httpx.Response(202)

    async with TracedClient("a-peer", transport=httpx.MockTransport(answer)) as client:
        with telemetry.span("work", STORED):
            await client.post("https://peer.example.com/secret-path/1", content=b"x")
    call, work = spans.get_finished_spans()
    assert (call.name, call.kind) == ("POST a-peer", SpanKind.CLIENT)
    assert work.context is not None
    assert call.parent is not None
    assert call.parent.span_id == work.context.span_id
    assert call.context is not None
    assert received == [f"00-{trace_of(call)}-{call.context.span_id:016x}-01"]
    assert (call.attributes or {})["http.response.status_code"] == 202
    assert "secret-path" not in call.to_json()


async def test_a_peer_that_does_not_answer_is_counted_and_its_span_failed(spans: InMemorySpanExporter) -> None:
    def fail(_: httpx.Request) -> httpx.Response:
        raise httpx.ConnectError("nobody at peer.example.com")

    async with TracedClient("a-silent-peer", transport=httpx.MockTransport(fail)) as client:
        with pytest.raises(httpx.ConnectError):
            await client.get("https://peer.example.com/")
    (call,) = spans.get_finished_spans()
    assert call.status.status_code is StatusCode.ERROR
    text, _ = telemetry.expose("")
    assert 'http_client_seconds_count{method="GET",peer="a-silent-peer",status="none"} 1.0' in text.decode()


def test_histograms_name_a_trace_to_who_asks_for_openmetrics(spans: InMemorySpanExporter) -> None:
    ages = telemetry.EVENT_AGE.labels("test.exemplars.v1")
    telemetry.observe(ages, 0.2, STORED)
    telemetry.observe(ages, 70, "rubbish")
    with telemetry.span("work") as span:
        telemetry.observe(ages, 7)
    text, media_type = telemetry.expose("application/openmetrics-text; version=1.0.0")
    plain, plain_type = telemetry.expose("text/plain")
    ours = [line for line in text.decode().splitlines() if "test.exemplars.v1" in line and "# {" in line]
    present = format(span.get_span_context().trace_id, "032x")
    assert [line.split("# ")[1].split()[0] for line in ours] == [
        f'{{trace_id="{STORED.split("-")[1]}"}}',
        f'{{trace_id="{present}"}}',
    ]
    assert media_type.startswith("application/openmetrics-text")
    assert plain_type.startswith("text/plain")
    assert "trace_id" not in plain.decode()
