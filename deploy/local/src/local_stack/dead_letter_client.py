"""Asks services for their dead letters, and to replay or discard them, over their internal listeners."""

import getpass
from collections.abc import Iterator
from typing import Any
from uuid import UUID

import httpx

from contracts.kit.authorities import trusted_authorities
from local_stack.addresses import Addresses
from local_stack.errors import StackError
from local_stack.stack import Stack

type Json = dict[str, Any]


class SilentServiceError(StackError):
    """A service does not answer."""


class DeadLetterClient:
    """Asks every service that runs about its dead letters, as the platform, in the name of the user of this machine."""

    def __init__(self, addresses: Addresses, token: str, services: list[str]) -> None:
        self._addresses = addresses
        self.services = services
        self._silent: list[str] = []
        headers = {"Authorization": f"Bearer {token}"}
        self._http = httpx.Client(headers=headers, timeout=30, verify=trusted_authorities())

    @classmethod
    def of(cls, stack: Stack, service: str | None) -> "DeadLetterClient":
        names = [part.name for part in stack.present_services if service in (None, part.name)]
        if not names:
            raise StackError(f"no service {service}; there are: {', '.join(p.name for p in stack.present_services)}")
        token = stack.credentials.platform_token(getpass.getuser(), 3600)
        return cls(stack.addresses, token, names)

    def close(self) -> None:
        self._http.close()

    def request(self, service: str, method: str, path: str, **more: Any) -> Json:
        """The answer; raises StackError with what the service says is wrong."""
        response = self._send(service, method, path, **more)
        if response.is_success:
            found: Json = response.json()
            return found
        problem = response.json()
        places = [f"{each['where']}: {each['what']}" for each in problem.get("errors", [])]
        raise StackError(f"{service}: {'; '.join([problem['detail'], *places])}")

    def _send(self, service: str, method: str, path: str, **more: Any) -> httpx.Response:
        try:
            return self._http.request(method, self._addresses.url_of(service, f"/internal{path}"), **more)
        except httpx.TransportError as error:
            what = f"{service} does not answer ({error}); is the stack up? `./stack status` says"
            raise SilentServiceError(what) from error

    def pages(self, path: str, params: Json) -> Iterator[tuple[str, Json]]:
        """Everything that a list has, of each service that answers; `complain` names the others."""
        for service in self.services:
            try:
                yield from ((service, item) for item in self._pages(service, path, params))
            except SilentServiceError as error:
                self._silent.append(str(error))

    def _pages(self, service: str, path: str, params: Json) -> Iterator[Json]:
        cursor: str | None = None
        while True:
            page = self.request(service, "GET", path, params=given(**params, cursor=cursor, limit=200))
            yield from page["items"]
            cursor = page["next_cursor"]
            if cursor is None:
                break

    def complain(self) -> None:
        """Raises StackError when a list that was read lacks what a silent service has."""
        if self._silent:
            raise StackError("; ".join(self._silent))

    def owner(self, id: UUID) -> tuple[str, Json]:
        """The service that has a dead letter, and the dead letter."""
        for service in self.services:
            response = self._send(service, "GET", f"/dead-letters/{id}")
            if response.status_code != 404:
                return service, self.request(service, "GET", f"/dead-letters/{id}")
        raise StackError(f"no service has a dead letter {id}; `./stack dlq list` shows those there are")

    def choices(self, ids: list[UUID], filter: Json) -> Iterator[tuple[str, Json]]:
        """Which dead letters an action is about, service by service."""
        if not ids:
            yield from ((service, {"filter": filter}) for service in self.services)
            return
        owners = [(self.owner(id)[0], str(id)) for id in ids]
        for service in sorted({service for service, _ in owners}):
            yield service, {"ids": [id for owner, id in owners if owner == service]}


def given(**values: Any) -> Json:
    """Those that are not null."""
    return {name: value for name, value in values.items() if value is not None}
