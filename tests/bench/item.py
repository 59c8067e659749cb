"""An item changes its stage: what entity-service does for a request, beside the same statements run bare."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import cycle
from time import perf_counter
from uuid import UUID

from fastapi.routing import APIRoute
from starlette.requests import Request
from starlette.responses import Response

from bench.figures import Row, at_most_times, p50, p99, published
from bench.rehearsal import Rehearsal, bare_pool
from bench.world import Shop, World, open_shop
from contracts.kit.auth import Caller, Role
from contracts.kit.clock import new_id, utc_now
from contracts.kit.database import Database, Pool
from contracts.kit.service import Service
from entity_service.api import items
from entity_service.api.items import StageInput
from entity_service.application import make_changes
from entity_service.settings import Settings

type Route = Callable[..., Awaitable[Response]]

MOVES = 2000
ANY_VERSION = Request({"type": "http", "headers": [(b"if-match", b"*")]})


@dataclass
class Mover:
    """Moves deals to and fro, as the route does behind its HTTP, or by the same statements alone."""

    caller: Caller
    deals: list[UUID]
    ours: Route
    rehearsing: Route
    rehearsal: Rehearsal
    pool: Pool

    def __post_init__(self) -> None:
        half = len(self.deals) // 2
        self._bare, self._our = cycle(self.deals[:half]), cycle(self.deals[half:])
        self._stages = {deal: cycle(("talks", "offer")) for deal in self.deals}

    async def move(self) -> float:
        """Milliseconds of one move by the service."""
        deal = next(self._our)
        return await _timed(lambda: self._route(self.ours, deal))

    async def move_bare(self) -> float:
        """Milliseconds of the statements of one move."""
        await self.rehearse()
        return await _timed(self.run_rehearsed)

    async def rehearse(self) -> UUID:
        """Notes the statements of the next move; which deal it would be."""
        deal = next(self._bare)
        await self._route(self.rehearsing, deal)
        return deal

    async def run_rehearsed(self) -> None:
        """Says what was noted last."""
        script = self.rehearsal.scripts.pop()
        async with self.pool.acquire() as connection, connection.transaction():
            await script.run(connection)

    async def _route(self, move: Route, deal: UUID) -> None:
        await move(ANY_VERSION, deal, StageInput(stage=next(self._stages[deal])), caller=self.caller)


async def _timed(work: Callable[[], Awaitable[object]]) -> float:
    started = perf_counter()
    await work()
    return (perf_counter() - started) * 1000


@asynccontextmanager
async def open_mover(shop: Shop, deals: int = 200) -> AsyncGenerator[Mover]:
    """On the shop's database; the shop itself is closed, so that its relay does not compete."""
    rehearsal = Rehearsal(shop.settings, service="entity-service")
    made, rehearsed = await _move(shop.settings), await _move(shop.settings, rehearsal)
    caller = Caller(shop.tenant, "ada", frozenset({Role.AGENT}))
    made_deals = await shop.deals(deals)
    await shop.closes()
    try:
        async with bare_pool(shop.settings.database_url, 1) as pool:
            yield Mover(caller, made_deals, made[0], rehearsed[0], rehearsal, pool)
    finally:
        for _, database in (made, rehearsed):
            await database.close()


async def _move(settings: Settings, database: Database | None = None) -> tuple[Route, Database]:
    service = Service("entity-service", settings)
    service.database = database or service.database
    await service.database.open()
    router = items.router(service, make_changes(service.outbox, utc_now, new_id, "http://localhost"))
    routes = (route for route in router.routes if isinstance(route, APIRoute))
    return next(route.endpoint for route in routes if route.path == "/v1/items/{id}/stage"), service.database


async def measure(world: World) -> list[Row]:
    """One move and one bare move in turns; how events leave is a line of its own."""
    bare: list[float] = []
    ours: list[float] = []
    async with open_shop(world) as shop, open_mover(shop) as mover:
        with world.report.step("item: stage changes", MOVES) as done:
            for _ in range(MOVES):
                bare.append(await mover.move_bare())
                ours.append(await mover.move())
                done()
    return [
        at_most_times(1.3, "item: stage change, HTTP excluded, p99", p99(bare), p99(ours), "ms"),
        published("item: stage change, HTTP excluded, p50", p50(ours), "ms", p50(bare)),
    ]
