"""Traces (OTLP), metrics (Prometheus) and logs (JSON lines) of every service.

No tenant or item id is a metric label. Logs carry ids, never names, addresses, texts or secrets.
"""

import logging
import re
import sys
import time
from collections.abc import Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any
from uuid import UUID

import structlog
from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Link, SpanKind, Tracer
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import Counter, Gauge, Histogram
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.envelope import Body, Envelope
from contracts.kit.settings import ServiceSettings

OUTBOX_PUBLISHED = Counter("outbox_published_total", "Outbox rows acknowledged by the broker")
OUTBOX_PARKED = Counter("outbox_parked_total", "Outbox rows the broker refuses for ever; each parks its key")
OUTBOX_PENDING = Gauge("outbox_pending", "Outbox rows waiting for the relay")
WORK_PENDING = Gauge("work_pending", "Leased work that is not done yet")
MESSAGES = Counter("messages_total", "Messages consumed", ["topic", "outcome"])
EVENT_AGE = Histogram("message_age_seconds", "Age of a message when its effect is committed", ["topic"])
DEAD_LETTERS = Counter("dead_letters_total", "Messages put aside", ["topic", "reason"])
DEAD_LETTERS_OPEN = Gauge("dead_letters_open", "Dead letters that wait for a decision, or for their replay")
WORK = Counter("work_total", "Leased work", ["kind", "outcome"])

SAY_AGAIN_S = 10.0

_propagator = TraceContextTextMapPropagator()


def tracer() -> Tracer:
    return trace.get_tracer("stagewright")


def set_up(service: str, settings: ServiceSettings) -> TracerProvider:
    """Configures logs and traces of this process; returns the provider, to be shut down at the end."""
    _set_up_logs(service, settings.log_level)
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    if settings.otlp_endpoint:
        exporter = OTLPSpanExporter(endpoint=f"{settings.otlp_endpoint.rstrip('/')}/v1/traces", timeout=5)
        provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=500))
    trace.set_tracer_provider(provider)
    return provider


def _set_up_logs(service: str, level: str) -> None:
    processors: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _add_trace,
        structlog.processors.format_exc_info,
        _redact,
    ]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=processors,
        processors=[
            structlog.stdlib.ProcessorFormatter.remove_processors_meta,
            _named(service),
            structlog.processors.JSONRenderer(),
        ],
    )
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(formatter)
    handler.addFilter(_Sparing("aiokafka"))
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
    """Lets each message of a talkative library pass once in ten seconds: it repeats itself while a server is away."""

    def __init__(self, library: str) -> None:
        super().__init__()
        self._library = library
        self._passed: dict[str, float] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if not record.name.startswith(self._library):
            return True
        now = time.monotonic()
        if now - self._passed.get(str(record.msg), float("-inf")) < SAY_AGAIN_S:
            return False
        self._passed[str(record.msg)] = now
        return True


def _named(service: str) -> Any:
    def add(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        event["service"] = service
        return event

    return add


def _add_trace(_: Any, __: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    span = trace.get_current_span().get_span_context()
    if span.is_valid:
        event["trace_id"] = format(span.trace_id, "032x")
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
    """The last wall: what looks like a token, a password in a URL, an address or a phone number is blotted out."""
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


def stamped[B: Body](envelope: Envelope[B]) -> Envelope[B]:
    """The message with the present trace context, unless it has one already (a stored one, told again)."""
    if envelope.traceparent is not None:
        return envelope
    return replace(envelope, traceparent=traceparent())


def traceparent() -> str | None:
    """The present trace context as W3C text, to be stored beside what is to be done later."""
    carrier: dict[str, str] = {}
    _propagator.inject(carrier)
    return carrier.get("traceparent")


def _context(parent: str | None) -> otel_context.Context:
    return _propagator.extract({"traceparent": parent} if parent else {})


@contextmanager
def span(
    name: str,
    parent: str | None = None,
    *,
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, Any] | None = None,
    linked: str | None = None,
) -> Iterator[trace.Span]:
    """A span under a stored `traceparent` (else under the present one); `linked` for what happened long before."""
    links = []
    if linked:
        links.append(Link(trace.get_current_span(_context(linked)).get_span_context()))
    context = _context(parent) if parent else None
    with tracer().start_as_current_span(name, context=context, kind=kind, attributes=attributes, links=links) as it:
        yield it


class TraceRequests:
    """A server span per HTTP request, under the caller's trace; its id goes back in `trace-id`.

    Named by method and route template, so that no id becomes part of a name.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(("/health", "/metrics")):
            await self._app(scope, receive, send)
            return
        parent = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"traceparent"), None)
        with span(scope["method"], parent, kind=SpanKind.SERVER) as current:

            async def traced(message: Message) -> None:
                if message["type"] == "http.response.start":
                    trace_id = format(current.get_span_context().trace_id, "032x")
                    message["headers"] = [*message.get("headers", []), (b"trace-id", trace_id.encode())]
                    current.set_attribute("http.response.status_code", message["status"])
                await send(message)

            await self._app(scope, receive, traced)
            if route := scope.get("route"):
                current.update_name(f"{scope['method']} {route.path}")
