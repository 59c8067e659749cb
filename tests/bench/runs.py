"""Runs due at once: our driver beside raw eager workflows that do one such transaction."""

from collections.abc import Sequence
from itertools import batched
from time import perf_counter
from uuid import UUID

from bench.engine import Engine, open_engine
from bench.figures import Row, at_least_share, in_turns
from bench.temporal import BareRuns, Watched, bare_runs, driving, many
from bench.world import Shop, World, open_shop, stage_changed

ROUNDS, RUNS = 3, 400


async def measure(world: World) -> list[Row]:
    async with open_shop(world) as shop, open_engine(world, shop) as engine:
        deals = batched(await shop.deals(RUNS * (2 * ROUNDS + 1)), RUNS, strict=True)
        watched = Watched.of(engine)

        async def ours() -> float:
            async with driving(engine, watched):
                return await _ours(engine, watched, shop, next(deals))

        async with bare_runs(world.temporal.address, engine.settings) as bare:
            await ours()  # warm
            with world.report.step(f"runs: {RUNS} due at once", ROUNDS) as done:
                floor, mine = await in_turns(ROUNDS, lambda: _bare(engine, bare, shop, next(deals)), ours, done)
    return [at_least_share(0.8, "runs: due at once", floor, mine, "runs/s")]


async def _ours(engine: Engine, watched: Watched, shop: Shop, deals: Sequence[UUID]) -> float:
    """Runs a second, from the planner's commit to the last run advanced."""
    events = [stage_changed(shop.tenant, deal, "new") for deal in deals]
    runs = await engine.plan(events)
    started = perf_counter()
    await watched.have_ended(runs)
    return len(deals) / (perf_counter() - started)


async def _bare(engine: Engine, bare: BareRuns, shop: Shop, deals: Sequence[UUID]) -> float:
    """The same of raw workflows; what each of them writes was found out before."""
    runs = await engine.plan([stage_changed(shop.tenant, deal, "new") for deal in deals])
    bare.transactions.scripts = await engine.transactions_of(runs, shop.tenant)
    started = perf_counter()
    await many(bare.run, range(len(deals)))
    return len(deals) / (perf_counter() - started)
