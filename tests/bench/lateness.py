"""How late timers are: runs that fall due one by one, and many at once, while others wait for months."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from bench.engine import FIVE_MINUTES, Engine, open_engine
from bench.figures import Row, at_most, p50, p99, published
from bench.parked import all_scheduled
from bench.temporal import Watched, driving
from bench.world import Shop, World, open_shop, stage_changed
from contracts.kit.clock import utc_now

PER_SECOND, SECONDS = 10, 30
PARKED_PER_SECOND = 50
"""Slower than any machine parks: so long before they are due, runs are planned."""


async def measure(world: World) -> list[Row]:
    async with open_shop(world) as shop, open_engine(world, shop) as engine:
        watched = Watched.of(engine)
        async with driving(engine, watched):
            await _park(world, engine, shop)
            steady = await shop.deals(PER_SECOND * SECONDS)
            with world.report.step(f"lateness: {PER_SECOND} due a second for {SECONDS} s"):
                one_by_one = await _lateness(engine, watched, shop, steady, timedelta(seconds=SECONDS))
            burst = await shop.deals(world.due_at_once)
            with world.report.step(f"lateness: {world.due_at_once:,} due in one second"):
                at_once = await _lateness(engine, watched, shop, burst, timedelta(seconds=1))
    beside = f"{world.waiting:,} waiting"
    return [
        at_most(1, f"lateness: {PER_SECOND} due a second, {beside}, p99", p99(one_by_one), "s"),
        published(f"lateness: {PER_SECOND} due a second, {beside}, p50", p50(one_by_one), "s"),
        published(f"lateness: {world.due_at_once:,} due in a second, {beside}, p99", p99(at_once), "s"),
    ]


async def _park(world: World, engine: Engine, shop: Shop) -> None:
    at_once = 1000
    with world.report.step(f"lateness: {world.waiting:,} runs to wait", world.waiting // at_once) as done:
        for _ in range(world.waiting // at_once):
            await engine.plan([stage_changed(shop.tenant, uuid4(), "waiting") for _ in range(at_once)])
            await all_scheduled(engine)
            done()


async def _lateness(
    engine: Engine, watched: Watched, shop: Shop, deals: Sequence[UUID], within: timedelta
) -> list[float]:
    """Seconds from the moment each run is due to its commit; the moments are spread evenly."""
    first = utc_now() + timedelta(seconds=5 + len(deals) / PARKED_PER_SECOND)
    due = [first + within * number / len(deals) for number in range(len(deals))]
    entered = zip(deals, (moment - FIVE_MINUTES for moment in due), strict=True)
    runs = await engine.plan([stage_changed(shop.tenant, deal, "talks", at) for deal, at in entered])
    await all_scheduled(engine)
    assert utc_now() < first, "the runs were parked too slowly: they were due before that"
    await watched.have_ended(runs)
    return [_seconds(watched.ended[run], moment) for run, moment in zip(runs, due, strict=True)]


def _seconds(at: datetime, due: datetime) -> float:
    return (at - due).total_seconds()
