"""Logs: one JSON line per record, with ids of what it is about, without what looks secret."""

import logging
import re
import sys
import time
from collections.abc import Mapping, MutableMapping
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from opentelemetry import trace

from contracts.kit.telemetry.context import present_ids

SAY_AGAIN_S = 10.0


def set_up_logs(service: str, level: str) -> None:
    processors: list[Any] = [
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_ids,
        structlog.processors.format_exc_info,
        _redact,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=processors,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _named(service),
            structlog.processors.JSONRenderer(default=_as_text),
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    handler.addFilter(_Sparing("aiokafka", "opentelemetry", "temporalio"))
    logging.basicConfig(handlers=[handler], level=level, force=True)
    for noisy in ("httpx", "httpcore", "aiokafka", "uvicorn.access", "asyncio"):
        logging.getLogger(noisy).setLevel(logging.ERROR if noisy == "aiokafka" else logging.WARNING)
    structlog.configure(
        processors=[*processors, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )


class _Sparing(logging.Filter):
    """Lets each message of talkative libraries pass once in ten seconds: they repeat it while a server is away."""

    def __init__(self, *libraries: str) -> None:
        super().__init__()
        self._libraries = libraries
        self._passed: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(self._libraries):
            return True
        now = time.monotonic()
        if now - self._passed.get(str(record.msg), float("-inf")) < SAY_AGAIN_S:
            return False
        self._passed[str(record.msg)] = now
        return True


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _named(service: str) -> Any:
    def add(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    return add


def _add_ids(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """Ids that the record names itself take precedence."""
    span = trace.get_current_span().get_span_context()
    trace_id = {"trace_id": format(span.trace_id, "032x")} if span.is_valid else {}
    for name, id in {**present_ids(), **trace_id}.items():
        event.setdefault(name, id)
    return event


_SECRET = re.compile(
    r"(?P<kept>bearer\s+)[\w.~+/=-]+"
    r"|eyJ[\w-]+\.[\w-]+\.[\w-]*"  # a JWT
    r"|(?P<user>://[^:/@\s]+:)[^@\s]+@"
    r"|[\w.+-]+@[\w-]+\.[\w.-]+"
    r"|\+\d[\d ()-]{5,18}\d"
    r"|(?P<detail>\bDETAIL:)[^\n]*"  # of PostgreSQL: the values of a row
    r"|(?P<input>\binput_value=).*?(?=, input_type=)",  # of pydantic
    re.IGNORECASE | re.DOTALL,
)
_SECRET_NAME = re.compile(r"password|secret|token|authorization", re.IGNORECASE)
_HARMLESS = (bool, int, float, UUID, datetime, type(None))


def _redact(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """The last wall: replaces what looks like a token, a password in a URL, an address or a phone number."""
    for key, value in event.items():
        if not key.startswith("_"):  # the formatter's own
            event[key] = "[redacted]" if _SECRET_NAME.search(key) else redacted(value)
    return event


def redacted(value: Any) -> Any:
    """The value without what looks secret, in whatever depth."""
    match value:
        case str():
            return _SECRET.sub(lambda found: f"{found[found.lastgroup] if found.lastgroup else ''}[redacted]", value)
        case Mapping():
            return {key: redacted(part) for key, part in value.items()}
        case list() | tuple() | set() | frozenset():
            return [redacted(part) for part in value]
        case _:
            return value if isinstance(value, _HARMLESS) else redacted(repr(value))
