"""Calling a route of the table, and what is looked at in the answer."""

import re
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from security.estate import SECRETIVE, Estate
from security.routes import OUTSIDE, PLATFORM, Route


async def ask(
    estate: Estate, service: str, call: str, route: Route, headers: dict[str, str], content: bytes | None = None
) -> httpx.Response:
    """Calls the route about the estate's records, with its own body or another."""
    method, path = call.split(" ")
    fillers: Iterator[str] = iter(route.of)
    path = re.sub(r"{[^}]+}", lambda _: estate.id(service, next(fillers)), path)
    body: dict[str, Any] = {"json": route.body} if content is None else {"content": content}
    return await estate.town.ask(service, method, path, headers, params=route.query, **body)


def entitled(estate: Estate, service: str, call: str, role: str) -> dict[str, str]:
    """The header of somebody who may make the call, which needs the role."""
    return outsider(estate, service, call, role) if role in OUTSIDE else estate.person("admin")


def outsider(estate: Estate, service: str, call: str, role: str) -> dict[str, str]:
    """The header of another service that may make the call, or of the platform."""
    return estate.town.platform() if role == PLATFORM else estate.town.service(service, call)


@asynccontextmanager
async def unchanged(estate: Estate) -> AsyncGenerator[None]:
    """Fails when a row of the estate is another one afterwards."""
    before = await estate.rows()
    yield
    assert await estate.rows() == before


def problem(answer: httpx.Response) -> Any:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.json()


def nothing_of(estate: Estate, answer: httpx.Response) -> bool:
    """Neither texts nor ids of the estate but those that the caller named himself."""
    named = f"{answer.request.url} {answer.request.content.decode()} {estate.ids['head']}"
    return not any(secret in answer.text for secret in (SECRETIVE, *estate.ids.values()) if secret not in named)
