"""HTTP clients: traced calls, and calls to other services with this service's token."""

import time
from pathlib import Path
from typing import Any

import httpx
from opentelemetry.trace import SpanKind

from contracts.kit import telemetry
from contracts.kit.auth import ServiceToken
from contracts.kit.authorities import trusted_authorities
from contracts.kit.broker import OutageError
from contracts.kit.errors import KitError

PASSING = (401, 403, 429, 502, 503, 504)
"""Statuses that do not depend on the request: keys and tokens are being rotated, the service is overloaded, or it or a
server behind it is away. Any other error status is about the request, a defect that it meets (500) included."""


class ServiceAwayError(OutageError, ConnectionError):
    """The service does not answer now: consumers wait, leased work is done later, requests are answered 503."""


class ServiceRefusalError(KitError):
    """The service refuses the request: what it names does not exist, or one of the two services has a defect."""

    def __init__(self, service: str, status: int, request: str) -> None:
        super().__init__(f"{service} answers {status} to {request}")
        self.status = status


class TracedClient(httpx.AsyncClient):
    """Every call has a client span, which is sent in `traceparent`; `peer` names the called service in one word."""

    def __init__(self, peer: str, **options: Any) -> None:
        super().__init__(verify=trusted_authorities(), **options)
        self._peer = peer

    async def send(self, request: httpx.Request, **options: Any) -> httpx.Response:
        """As in httpx. No path is recorded, since some hold a secret."""
        attributes = {
            "http.request.method": request.method,
            "server.address": request.url.host,
            "peer.service": self._peer,
        }
        began, status = time.perf_counter(), "none"
        with telemetry.span(f"{request.method} {self._peer}", kind=SpanKind.CLIENT, attributes=attributes) as span:
            request.headers["traceparent"] = telemetry.traceparent() or ""
            try:
                response = await super().send(request, **options)
                status = str(response.status_code)
                span.set_attribute("http.response.status_code", response.status_code)
                return response
            finally:
                duration = telemetry.HTTP_CLIENT_SECONDS.labels(self._peer, request.method, status)
                telemetry.observe(duration, time.perf_counter() - began)


class ServiceClient:
    """One service, asked on its internal listener; `tokens` is the folder with this service's tokens."""

    def __init__(self, service: str, url: str, tokens: Path | None) -> None:
        self._service = service
        self._http = TracedClient(
            service,
            base_url=url,
            auth=ServiceToken(tokens, service),
            timeout=httpx.Timeout(10, connect=3),
            limits=httpx.Limits(max_connections=50),
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def ask(self, method: str, path: str, *, body: str | None = None, params: Any = None) -> bytes:
        """The answer to a JSON `body`. Raises `ServiceAwayError`, `ServiceRefusalError`."""
        headers = {"content-type": "application/json"} if body is not None else {}
        try:
            answer = await self._http.request(method, path, content=body, params=params, headers=headers)
        except httpx.RequestError as error:
            raise ServiceAwayError(f"{self._service} cannot be reached: {type(error).__name__}") from error
        except OSError as error:
            raise ServiceAwayError(f"the token for {self._service} cannot be read: {type(error).__name__}") from error
        if answer.status_code in PASSING:
            raise ServiceAwayError(f"{self._service} answers {answer.status_code}")
        if not answer.is_success:
            raise ServiceRefusalError(self._service, answer.status_code, f"{method} {path}")
        return answer.content
