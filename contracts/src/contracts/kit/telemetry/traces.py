"""Spans, and the trace context that is stored with work that is done later: by another service or a worker."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from opentelemetry import context as otel_context
from opentelemetry import trace
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import (
    INVALID_SPAN_CONTEXT,
    Link,
    NonRecordingSpan,
    Span,
    SpanContext,
    SpanKind,
    Status,
    StatusCode,
    TraceFlags,
)

from contracts.envelope import Body, Envelope
from contracts.kit.clock import utc_now
from contracts.kit.telemetry.context import about, message_ids

SAME_TRACE_FOR = timedelta(minutes=5)
"""Work that begins later than this after it was asked for is a trace of its own, linked to the one that asked."""
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})")
_tracer = trace.get_tracer("stagewright")  # a proxy: spans go to the provider that is set later


def set_up_traces(service: str, endpoint: str | None) -> TracerProvider:
    provider = TracerProvider(resource=Resource.create({"service.name": service}))
    if endpoint:
        exporter = OTLPSpanExporter(endpoint=f"{endpoint.rstrip('/')}/v1/traces", timeout=5)
        provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=8192, schedule_delay_millis=500))
    trace.set_tracer_provider(provider)
    return provider


@contextmanager
def span(
    name: str,
    parent: str | None = None,
    *,
    since: datetime | None = None,
    links: Sequence[str | None] = (),
    kind: SpanKind = SpanKind.INTERNAL,
    attributes: Mapping[str, Any] | None = None,
) -> Iterator[Span]:
    """A span under a stored `traceparent`, else under the present one.

    `since` is when the parent was stored: after more than `SAME_TRACE_FOR` the span begins a trace of its own, linked
    to the parent. `links` are further contexts; those of the span's own trace say nothing new and are left out.
    An error that passes through is named on the span by its class alone: its text may hold anything.
    """
    context, found = _place(parent, since, links)
    with _tracer.start_as_current_span(
        name, context, kind, attributes, found, record_exception=False, set_status_on_exception=False
    ) as current:
        try:
            yield current
        except Exception as error:
            failed(error)
            raise


def failed(error: BaseException) -> None:
    """Marks the present span as failed by an error that is handled here."""
    mark_failed(trace.get_current_span(), type(error).__name__)


def mark_failed(span: Span, what: str) -> None:
    span.set_status(Status(StatusCode.ERROR, what))
    span.set_attribute("error.type", what)


def _place(
    parent: str | None, since: datetime | None, links: Sequence[str | None]
) -> tuple[otel_context.Context | None, list[Link]]:
    """Where a span belongs, and what it is linked to; no context: under the present span."""
    above, others = _parse(parent), [_parse(link) for link in links]
    context = None if above is None else _under(above)
    if above is not None and since is not None and utc_now() - since > SAME_TRACE_FOR:
        context, others, above = otel_context.Context(), [above, *others], None
    own = above.trace_id if above else trace.get_current_span(context).get_span_context().trace_id
    distinct = {other.trace_id: other for other in others if other is not None and other.trace_id != own}
    return context, [Link(other) for other in distinct.values()]


def _parse(traceparent: str | None) -> SpanContext | None:
    """W3C Trace Context; null for whatever else a stranger may have sent."""
    found = _TRACEPARENT.match(traceparent or "")
    if found is None:
        return None
    ids = int(found[1], 16), int(found[2], 16)
    context = SpanContext(*ids, is_remote=True, trace_flags=TraceFlags(int(found[3], 16)))
    return context if context.is_valid else None


def _under(parent: SpanContext) -> otel_context.Context:
    return trace.set_span_in_context(NonRecordingSpan(parent), otel_context.Context())


def _format(context: SpanContext) -> str:
    return f"00-{context.trace_id:032x}-{context.span_id:016x}-{context.trace_flags:02x}"


def traceparent() -> str | None:
    """The present trace context as W3C text, to be stored beside what is to be done later."""
    context = trace.get_current_span().get_span_context()
    return _format(context) if context.is_valid else None


def trace_id(traceparent: str | None) -> str | None:
    """The id of the trace that a stored context belongs to."""
    found = _TRACEPARENT.match(traceparent or "")
    return found[1] if found else None


def stamped[B: Body](envelope: Envelope[B]) -> Envelope[B]:
    """The message with the present trace context, unless it has one already: a stored message that is sent again."""
    if envelope.traceparent is not None:
        return envelope
    return replace(envelope, traceparent=traceparent())


@contextmanager
def handling(verb: str, message: Envelope[Any], links: Sequence[str | None] = ()) -> Iterator[Span]:
    """For the handling of one message: a span below the sender's; log records inside carry the message's ids."""
    attributes = {
        "messaging.system": "kafka",
        "messaging.operation.type": "process",
        "messaging.message.id": message.id,
        "messaging.kafka.message.key": message.key,
    }
    name = f"{verb} {message.type}"
    with (
        span(
            name, message.traceparent, since=message.time, links=links, kind=SpanKind.CONSUMER, attributes=attributes
        ) as current,
        about(**message_ids(message)),
    ):
        yield current


@contextmanager
def concerning(message: Envelope[Any] | None) -> Iterator[None]:
    """Log records inside carry the message's ids and trace; for code outside of its handling."""
    sender = _parse(message.traceparent) if message else None
    with trace.use_span(NonRecordingSpan(sender or INVALID_SPAN_CONTEXT)), about(**message_ids(message)):
        yield


def published(topic: str, headers: Mapping[str, str], began_ns: int, ended_ns: int) -> None:
    """Records the producer's span of a message that the broker has acknowledged, below the span that wrote it.

    Consumers continue the writer's span, too, since the message carries the headers it was written with.
    """
    parent = _parse(headers.get("traceparent"))
    attributes = {
        "messaging.system": "kafka",
        "messaging.operation.type": "send",
        "messaging.destination.name": topic,
        "messaging.message.id": headers.get("ce_id", ""),
    }
    context = _under(parent) if parent else otel_context.Context()
    span = _tracer.start_span(f"send {topic}", context, SpanKind.PRODUCER, attributes, start_time=began_ns)
    span.end(ended_ns)
