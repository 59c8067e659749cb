"""Other services, asked over HTTP in this service's own name."""

from pathlib import Path
from typing import Any

import httpx

from contracts.kit import telemetry
from contracts.kit.auth import ServiceToken
from contracts.kit.broker import OutageError
from contracts.kit.errors import KitError

BUSY = (401, 403, 429)
"""Answers below 500 that pass: keys and tokens are being rotated, or there is too much to do."""


class ServiceAwayError(OutageError, ConnectionError):
    """The service cannot be asked now: consumers wait, leased work is done later, requests are answered 503."""


class ServiceRefusalError(KitError):
    """The service was asked and says no: what it was asked for does not exist, or one of the two has a defect."""

    def __init__(self, service: str, status: int, request: str) -> None:
        super().__init__(f"{service} answers {status} to {request}")
        self.status = status


class ServiceClient:
    """One service; `token_file` is this service's own token."""

    def __init__(self, service: str, url: str, token_file: Path | None) -> None:
        self._service = service
        self._http = httpx.AsyncClient(
            base_url=url,
            auth=ServiceToken(token_file),
            timeout=httpx.Timeout(10, connect=3),
            limits=httpx.Limits(max_connections=50),
        )

    async def close(self) -> None:
        await self._http.aclose()

    async def ask(self, method: str, path: str, *, body: str | None = None, params: Any = None) -> bytes:
        """The answer to a JSON `body`. Raises `ServiceAwayError`, `ServiceRefusalError`."""
        headers = {"content-type": "application/json"} if body is not None else {}
        if traceparent := telemetry.traceparent():
            headers["traceparent"] = traceparent
        try:
            answer = await self._http.request(method, path, content=body, params=params, headers=headers)
        except httpx.RequestError as error:
            raise ServiceAwayError(f"{self._service} cannot be reached: {type(error).__name__}") from error
        if answer.status_code in BUSY or answer.status_code >= 500:
            raise ServiceAwayError(f"{self._service} answers {answer.status_code}")
        if not answer.is_success:
            raise ServiceRefusalError(self._service, answer.status_code, f"{method} {path}")
        return answer.content
