"""Those who act in the story: everyone has a browser, some have a token. They know addresses and nothing else."""

import time
from collections.abc import Collection, Mapping
from typing import Any
from uuid import uuid4

import httpx

from contracts.kit.authorities import trusted_authorities
from local_stack.addresses import Addresses
from local_stack.errors import StackError

_PATIENCE_S = 120.0
_PAUSE_S = 0.05
_AWAY = (502, 503)


class Person:
    """Calls services and peers by name. While one of them is away it tries again, as a browser's owner would."""

    def __init__(self, addresses: Addresses, token: str = "") -> None:
        self.token = token
        self._addresses = addresses
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._http = httpx.Client(headers=headers, timeout=30, verify=trusted_authorities())

    def close(self) -> None:
        self._http.close()

    def url(self, part: str, path: str) -> str:
        return self._addresses.url_of(part, path)

    def find(self, part: str, path: str) -> dict[str, Any] | None:
        """The JSON that is there, if it is."""
        answer = self.send("GET", part, path, also=[httpx.codes.NOT_FOUND])
        return answer.json() if answer.is_success else None

    def get(self, part: str, path: str, **query: str) -> Any:
        """The JSON that is there."""
        return self.send("GET", part, path, params=query or None).json()

    def list(self, part: str, path: str, **query: str) -> list[dict[str, Any]]:
        """The items of a list's first page."""
        found: list[dict[str, Any]] = self.get(part, path, **query)["items"]
        return found

    def post(self, part: str, path: str, body: Mapping[str, Any]) -> Any:
        """The answer to something that is done once, however often it has to be sent."""
        headers = {"Idempotency-Key": str(uuid4())}
        return self.send("POST", part, path, json=body, headers=headers).json()

    def put(self, part: str, path: str, body: Mapping[str, Any]) -> Any:
        return self.send("PUT", part, path, json=body).json()

    def send(self, method: str, part: str, path: str, also: Collection[int] = (), **more: Any) -> httpx.Response:
        """Raises StackError for no answer at all, or one that is neither a success nor among `also`."""
        response = self._answer(method, part, path, more)
        if not response.is_success and response.status_code not in also:
            raise StackError(f"{part} answered {response.status_code} to {method} {path}: {response.text[:1000]}")
        return response

    def _answer(self, method: str, part: str, path: str, more: Mapping[str, Any]) -> httpx.Response:
        deadline = time.monotonic() + _PATIENCE_S
        while True:
            try:
                response = self._http.request(method, self.url(part, path), **more)
            except httpx.TransportError as error:
                seen = f"{type(error).__name__}: {error}"
            else:
                if response.status_code not in _AWAY:
                    return response
                seen = f"{response.status_code}: {response.text[:200]}"
            if time.monotonic() > deadline:
                raise StackError(f"{part} has been away for {_PATIENCE_S:.0f} s ({seen}): {method} {path}")
            time.sleep(_PAUSE_S)
