"""What never reaches a log: tokens, passwords, addresses, phone numbers, the values of rows."""

import io
import json
import logging
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
import structlog
from pydantic import BaseModel, SecretStr, ValidationError

from contracts.kit import telemetry
from contracts.kit.settings import ServiceSettings

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
        database_url=SecretStr("postgresql://x"), kafka_bootstrap="x", auth_issuer="x", auth_audience="x"
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
        database_url=SecretStr(SECRETS["dsn"]), kafka_bootstrap="x", auth_issuer="x", auth_audience="x"
    )
    assert "pa55word" not in f"{settings!r} {settings} {settings.model_dump_json()}"


def test_a_span_goes_on_in_the_trace_that_was_stored() -> None:
    stored = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    with telemetry.span("later", stored):
        now = telemetry.traceparent()
    assert now is not None
    assert now.split("-")[1] == stored.split("-")[1]
    assert now != stored
