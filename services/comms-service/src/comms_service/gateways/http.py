"""The HTTP client of this service: its calls carry the present trace."""

import httpx

from contracts.kit import telemetry

TIMEOUT_S = 15.0


def make_client() -> httpx.AsyncClient:
    return httpx.AsyncClient(timeout=TIMEOUT_S, event_hooks={"request": [_add_trace]})


async def _add_trace(request: httpx.Request) -> None:
    if (parent := telemetry.traceparent()) is not None:
        request.headers["traceparent"] = parent
