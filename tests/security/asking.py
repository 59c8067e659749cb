"""Calling a route of the table, and what is looked at in the answer."""

import asyncio
import re
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping
from contextlib import asynccontextmanager
from typing import Any

import httpx

from security.routes import OUTSIDE, PLATFORM, Route
from security.seeded_tenant import SECRETIVE, SeededTenant

AT_ONCE = 4
"""Calls that are made at the same time."""


async def ask(
    seeded_tenant: SeededTenant,
    service: str,
    call: str,
    route: Route,
    headers: dict[str, str],
    content: bytes | None = None,
) -> httpx.Response:
    """Calls the route about the seeded tenant's records, with its own body or another."""
    method, path = call.split(" ")
    fillers: Iterator[str] = iter(route.of)
    path = re.sub(r"{[^}]+}", lambda _: seeded_tenant.id(service, next(fillers)), path)
    body: dict[str, Any] = {"json": route.body} if content is None else {"content": content}
    return await seeded_tenant.running_stack.ask(service, method, path, headers, params=route.query, **body)


def entitled(seeded_tenant: SeededTenant, service: str, call: str, role: str) -> dict[str, str]:
    """The header of somebody who may make the call, which needs the role."""
    return outsider(seeded_tenant, service, call, role) if role in OUTSIDE else seeded_tenant.person("admin")


def outsider(seeded_tenant: SeededTenant, service: str, call: str, role: str) -> dict[str, str]:
    """The header of another service that may make the call, or of the platform."""
    return (
        seeded_tenant.running_stack.platform()
        if role == PLATFORM
        else seeded_tenant.running_stack.service(service, call)
    )


@asynccontextmanager
async def unchanged(seeded_tenant: SeededTenant) -> AsyncGenerator[None]:
    """Fails when a row of the seeded tenant is another one afterwards."""
    before = await seeded_tenant.rows()
    yield
    assert await seeded_tenant.rows() == before


async def change_nothing(seeded_tenant: SeededTenant, calls: Mapping[str, Callable[[], Awaitable[None]]]) -> None:
    """Makes all calls, each of which looks at its own answer; fails when a row of the tenant differs afterwards.

    Some are made at the same time. Rows are compared once for all. When they differ, the calls are made again by
    halves, to name the one.
    """
    if await _changes(seeded_tenant, calls):
        suspects = list(calls)
        while len(suspects) > 1:
            half = suspects[: len(suspects) // 2]
            changed = await _changes(seeded_tenant, {name: calls[name] for name in half})
            suspects = half if changed else suspects[len(half) :]
        raise AssertionError(f"rows of the tenant were changed, it seems by: {suspects[0]}")


async def _changes(seeded_tenant: SeededTenant, calls: Mapping[str, Callable[[], Awaitable[None]]]) -> bool:
    before = await seeded_tenant.rows()
    left = iter(calls.values())  # shared by those who take the next one

    async def make_calls() -> None:
        for call in left:
            await call()

    async with asyncio.TaskGroup() as group:
        for _ in range(AT_ONCE):
            group.create_task(make_calls())
    return await seeded_tenant.rows() != before


def problem(answer: httpx.Response) -> Any:
    assert answer.headers["content-type"] == "application/problem+json", answer.text
    return answer.json()


def nothing_of(seeded_tenant: SeededTenant, answer: httpx.Response) -> bool:
    """Neither texts nor ids of the seeded tenant but those that the caller named himself."""
    named = f"{answer.request.url} {answer.request.content.decode()} {seeded_tenant.ids['head']}"
    return not any(secret in answer.text for secret in (SECRETIVE, *seeded_tenant.ids.values()) if secret not in named)
