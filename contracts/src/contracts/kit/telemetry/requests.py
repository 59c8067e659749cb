"""A server's span and duration per HTTP request; a client's per call are in `contracts.kit.client`."""

import time

from opentelemetry.trace import Span, SpanKind
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.kit.telemetry.context import about
from contracts.kit.telemetry.metrics import HTTP_SECONDS, observe
from contracts.kit.telemetry.traces import mark_failed, span


class TraceRequests:
    """A server span per HTTP request, under the caller's trace; its id goes back in `trace-id`.

    A caller without a token, or of a path whose first part is one of `strangers`, gets a new trace with a link to its
    own, so that outsiders cannot write into our traces. Spans are named by method and route template, so that no id and
    no secret of a public link becomes part of a name.
    """

    def __init__(self, app: ASGIApp, strangers: frozenset[str] = frozenset()) -> None:
        self._app = app
        self._strangers = strangers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(("/health", "/metrics")):
            await self._app(scope, receive, send)
            return
        sent = next((v.decode("latin-1") for k, v in scope["headers"] if k == b"traceparent"), None)
        parent, links = (None, (sent,)) if self._from_outside(scope) else (sent, ())
        began, status = time.perf_counter(), 500
        attributes = {"http.request.method": scope["method"]}
        server = span(scope["method"], parent, links=links, kind=SpanKind.SERVER, attributes=attributes)
        with server as current, about():

            async def traced(message: Message) -> None:
                nonlocal status
                if message["type"] == "http.response.start":
                    status = message["status"]
                    id = format(current.get_span_context().trace_id, "032x").encode()
                    message["headers"] = [*message.get("headers", []), (b"trace-id", id)]
                await send(message)

            try:
                await self._app(scope, receive, traced)
            finally:
                route = getattr(scope.get("route"), "path", "none")
                _describe(current, scope["method"], route, status)
                seconds = time.perf_counter() - began
                observe(HTTP_SECONDS.labels(scope["method"], route, str(status)), seconds)

    def _from_outside(self, scope: Scope) -> bool:
        unsigned = all(name != b"authorization" for name, _ in scope["headers"])
        return unsigned or scope["path"].lstrip("/").partition("/")[0] in self._strangers


def _describe(span: Span, method: str, route: str, status: int) -> None:
    if route != "none":
        span.update_name(f"{method} {route}")
        span.set_attribute("http.route", route)
    span.set_attribute("http.response.status_code", status)
    if status >= 500:
        mark_failed(span, str(status))
