"""An item changes its stage over HTTP: entity-service's own application, beside a bare one with the same statements.

Both are served by uvicorn in this process and asked over one connection each, in turns. What a process does beside its
requests (relay, consumers, workers) is left out of both.
"""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from typing import Any
from uuid import UUID

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bench.figures import Row, at_most_times, p50, p99, published
from bench.item import Mover, open_mover
from bench.world import Shop, World, open_shop
from contracts.kit import telemetry
from contracts.kit.clock import new_id, utc_now
from contracts.kit.listeners import bind
from contracts.kit.service import Service
from entity_service.api import items
from entity_service.api.responses import install_errors
from entity_service.application import make_changes

MOVES = 2000
HOST = "127.0.0.1"


@dataclass
class Wire:
    """One connection that is kept; a client as lean as possible, since it costs both sides the same."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter
    authorization: str

    async def put(self, path: str, body: bytes) -> bytes:
        """The body of the answer."""
        head = f"PUT {path} HTTP/1.1\r\nHost: {HOST}\r\nAuthorization: {self.authorization}\r\nIf-Match: *\r\n"
        head += f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        self.writer.write(head.encode() + body)
        answered = (await self.reader.readuntil(b"\r\n\r\n")).lower()
        length = int(answered.partition(b"content-length: ")[2].split(b"\r\n")[0])
        said = await self.reader.readexactly(length)
        assert answered.startswith(b"http/1.1 200"), said
        return said


@dataclass
class Sides:
    """Both applications, and the deals that are moved by each."""

    mover: Mover
    deals: list[UUID]
    ours: Wire
    floor: Wire

    def __post_init__(self) -> None:
        self._next = cycle(self.deals)
        self._stages = {deal: cycle(("talks", "offer")) for deal in self.deals}

    async def move(self) -> tuple[float, float]:
        """Milliseconds, by the clock and of this process's CPU, of one move by the service."""
        deal = next(self._next)
        body = json.dumps({"stage": next(self._stages[deal])}).encode()
        return await _timed(lambda: self.ours.put(f"/v1/items/{deal}/stage", body))

    async def move_bare(self) -> tuple[float, float]:
        """The same of the bare application, which runs what was rehearsed before."""
        deal = await self.mover.rehearse()
        return await _timed(lambda: self.floor.put(f"/v1/items/{deal}/stage", b'{"stage": "talks"}'))


async def _timed(work: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    started, worked = time.perf_counter(), time.process_time()
    await work()
    return (time.perf_counter() - started) * 1000, (time.process_time() - worked) * 1000


@asynccontextmanager
async def open_sides(shop: Shop) -> AsyncGenerator[Sides]:
    """Both are up, and closed afterwards."""
    authorization = shop.service_environment.authorization(shop.tenant, "agent")["authorization"]
    deals = await shop.deals(100)
    async with open_mover(shop) as mover, AsyncExitStack() as life:
        service = Service("entity-service", shop.settings)
        provider = telemetry.set_up(service.name, shop.settings)
        life.callback(provider.shutdown)
        await service.database.open()
        life.push_async_callback(service.database.close)
        router = items.router(service, make_changes(service.outbox, utc_now, new_id, "http://localhost"))
        ours = service.app(service.name, [router])
        install_errors(ours)
        wires = [await life.enter_async_context(_served(app, authorization)) for app in (ours, _bare(mover))]
        yield Sides(mover, deals, wires[0], wires[1])


def _bare(mover: Mover) -> Starlette:
    """Reads the request, says the statements, and answers with as much as the service does."""
    answer = {"id": str(UUID(int=0)), "filling": "x" * 900}

    async def move(request: Request) -> Response:
        await request.json()
        await mover.run_rehearsed()
        return Response(json.dumps(answer), media_type="application/json")

    return Starlette(routes=[Route("/v1/items/{id}/stage", move, methods=["PUT"])])


@asynccontextmanager
async def _served(app: Any, authorization: str) -> AsyncGenerator[Wire]:
    server = uvicorn.Server(uvicorn.Config(app, lifespan="off", log_config=None, access_log=False))
    listening = bind(HOST, 0)
    serving = asyncio.create_task(server.serve([listening]))
    reader, writer = await _connected(listening.getsockname()[1])
    try:
        yield Wire(reader, writer, authorization)
    finally:
        writer.close()
        server.should_exit = True
        await serving


async def _connected(port: int) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """As soon as the server listens."""
    for _ in range(1000):
        try:
            return await asyncio.open_connection(HOST, port)
        except ConnectionRefusedError:
            await asyncio.sleep(0.01)
    raise TimeoutError


async def measure(world: World) -> list[Row]:
    """One move by each in turns."""
    bare, ours = list[tuple[float, float]](), list[tuple[float, float]]()
    async with open_shop(world) as shop, open_sides(shop) as sides:
        with world.report.step("item: stage changes over HTTP", MOVES) as done:
            for _ in range(MOVES):
                bare.append(await sides.move_bare())
                ours.append(await sides.move())
                done()
    (bare_ms, bare_cpu), (our_ms, our_cpu) = zip(*bare, strict=True), zip(*ours, strict=True)
    return [
        at_most_times(1.3, "item: stage change over HTTP, p50", p50(bare_ms), p50(our_ms), "ms"),
        at_most_times(1.5, "item: stage change over HTTP, p99", p99(bare_ms), p99(our_ms), "ms"),
        published("item: stage change over HTTP, CPU of the process, p50", p50(our_cpu), "ms", p50(bare_cpu)),
    ]
