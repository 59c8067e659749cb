"""Whoever calls the services over HTTP: tries again as long as it takes, so that nothing is asked for twice."""

import asyncio
import time
from collections.abc import AsyncIterator, Collection, Mapping
from typing import Any, Self
from uuid import uuid4

import httpx

from contracts.kit.authorities import trusted_authorities
from local_stack.addresses import Addresses
from local_stack.errors import StackError

type Json = dict[str, Any]

PATIENCE_S = 300.0
PAUSE_S = 0.2
AWAY = (httpx.codes.BAD_GATEWAY, httpx.codes.SERVICE_UNAVAILABLE, httpx.codes.TOO_MANY_REQUESTS)


class Caller:
    """One holder of a token (or none). What is sent must bear repetition: an answer may be lost."""

    def __init__(self, addresses: Addresses, token: str = "") -> None:
        self._addresses = addresses
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.AsyncClient(headers=headers, timeout=30, verify=trusted_authorities())

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    def url(self, part: str, path: str) -> str:
        return self._addresses.url_of(part, path)

    async def get(self, part: str, path: str, **query: str) -> Any:
        return (await self.send("GET", part, path, params=query)).json()

    async def post(self, part: str, path: str, body: Mapping[str, Any], key: str | None = None) -> Any:
        """Once, however often it has to be sent."""
        headers = {"Idempotency-Key": key or str(uuid4())}
        return (await self.send("POST", part, path, json=body, headers=headers)).json()

    async def list(self, part: str, path: str, **query: str) -> AsyncIterator[Json]:
        """All of a list, page by page."""
        more: dict[str, str] = {}
        while True:
            page = await self.get(part, path, limit="200", **query, **more)
            for one in page["items"]:
                yield one
            if page["next_cursor"] is None:
                return
            more = {"cursor": page["next_cursor"]}

    async def send(self, method: str, part: str, path: str, also: Collection[int] = (), **more: Any) -> httpx.Response:
        """Raises StackError for no answer in minutes, or one that is neither a success nor among `also`."""
        deadline = time.monotonic() + PATIENCE_S
        while True:
            response, seen = await self._try(method, part, path, more)
            if response is not None and response.status_code not in AWAY:
                break
            if time.monotonic() > deadline:
                raise StackError(f"{part} has been away for {PATIENCE_S:.0f} s ({seen}): {method} {path}")
            await asyncio.sleep(PAUSE_S)
        if not response.is_success and response.status_code not in also:
            raise StackError(f"{part} answered {response.status_code} to {method} {path}: {response.text[:1000]}")
        return response

    async def attempt(self, method: str, part: str, path: str, **more: Any) -> httpx.Response | None:
        """One try: whatever is answered; null when nothing is."""
        return (await self._try(method, part, path, more))[0]

    async def _try(self, method: str, part: str, path: str, more: Json) -> tuple[httpx.Response | None, str]:
        try:
            response = await self._http.request(method, self.url(part, path), **more)
        except httpx.TransportError as error:
            return None, f"{type(error).__name__}: {error}"
        return response, f"{response.status_code}: {response.text[:200]}"
