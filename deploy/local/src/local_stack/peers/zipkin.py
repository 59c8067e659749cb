"""Tells a Zipkin of the spans that the trace collector takes, in Zipkin's own format (v2), which knows no OTLP."""

import asyncio
import logging
from collections.abc import Iterable
from typing import Any

import httpx
from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status

logger = logging.getLogger(__name__)

_KINDS = {
    Span.SPAN_KIND_SERVER: "SERVER",
    Span.SPAN_KIND_CLIENT: "CLIENT",
    Span.SPAN_KIND_PRODUCER: "PRODUCER",
    Span.SPAN_KIND_CONSUMER: "CONSUMER",
}
_MOST_BATCHES = 200
"""Batches that wait for Zipkin; later ones are dropped, since the collector has them."""


class Forwarder:
    """Sends in the background, one batch after the other; what Zipkin does not take is dropped."""

    def __init__(self, url: str) -> None:
        self._url = f"{url}/api/v2/spans"
        self._batches: asyncio.Queue[list[dict[str, Any]]] = asyncio.Queue(_MOST_BATCHES)

    def offer(self, spans: list[dict[str, Any]]) -> None:
        if not self._batches.full():
            self._batches.put_nowait(spans)

    async def run(self) -> None:
        async with httpx.AsyncClient(timeout=10) as client:
            while True:
                spans = await self._batches.get()
                try:
                    (await client.post(self._url, json=spans)).raise_for_status()
                except httpx.HTTPError as error:
                    logger.warning("Zipkin did not take %d spans: %r", len(spans), error)


def zipkin_span(service: str, span: Span, tags: dict[str, Any]) -> dict[str, Any]:
    """`tags` are the span's attributes. Links are tags as OpenTelemetry's collector makes them for Zipkin."""
    started, ended = span.start_time_unix_nano // 1000, span.end_time_unix_nano // 1000
    told = {
        "traceId": span.trace_id.hex(),
        "id": span.span_id.hex(),
        "parentId": span.parent_span_id.hex() or None,
        "kind": _KINDS.get(span.kind),
        "name": span.name,
        "timestamp": started,
        "duration": max(ended - started, 1),
        "localEndpoint": {"serviceName": service},
        "tags": {**{key: str(value) for key, value in tags.items()}, **_links(span.links), **_error(span.status)},
    }
    return {key: value for key, value in told.items() if value is not None}


def _links(links: Iterable[Span.Link]) -> dict[str, str]:
    return {
        f"otlp.link.{number}": f"{link.trace_id.hex()}|{link.span_id.hex()}|{link.trace_state}|{{}}|0"
        for number, link in enumerate(links)
    }


def _error(status: Status) -> dict[str, str]:
    """The presence of the tag is what makes a span red."""
    return {"error": status.message or "error"} if status.code == Status.STATUS_CODE_ERROR else {}
