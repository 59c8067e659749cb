"""The spans of this process, as tests look at them."""

from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter


@contextmanager
def recorded() -> Iterator[InMemorySpanExporter]:
    """Those that end meanwhile."""
    exporter, provider = InMemorySpanExporter(), TracerProvider()
    provider.add_span_processor(SimpleSpanProcessor(exporter))
    with patch("contracts.kit.telemetry.traces._tracer", provider.get_tracer("test")):
        yield exporter


def trace_of(span: ReadableSpan) -> str:
    assert span.context is not None
    return format(span.context.trace_id, "032x")


def linked(span: ReadableSpan) -> list[str]:
    """The traces that a span is linked to."""
    return [format(link.context.trace_id, "032x") for link in span.links]
