"""Runs parked for months: how fast our scheduler parks them beside raw delayed starts, and what a waiting run takes."""

import sqlite3
from contextlib import closing
from time import perf_counter
from uuid import uuid4

from bench.engine import Engine, open_engine
from bench.figures import Row, at_least_share, at_most, in_turns
from bench.temporal import BareRuns, Watched, bare_runs, driving, many
from bench.world import Shop, World, open_shop, stage_changed
from local_stack.servers import Temporal
from support.waiting import eventually

ROUNDS, RUNS = 4, 500
TABLES = ("item_heads", "entries", "runs", "rule_runs", "timers")
"""What a waiting run is made of, its entry included; inbox rows go after some days."""


async def measure(world: World) -> list[Row]:
    async with open_shop(world) as shop, open_engine(world, shop) as engine:
        taken = {"floor": 0, "ours": 0, "engine": 0}

        async def floor() -> float:
            before = _size(world.temporal)
            rate = await _bare(bare)
            taken["floor"] += _size(world.temporal) - before
            return rate

        async def ours() -> float:
            before, tables_before = _size(world.temporal), await _table_size(engine)
            async with driving(engine, Watched.of(engine)):
                rate = await _ours(engine, shop)
            grown = await _table_size(engine) - tables_before
            taken["engine"] += grown
            taken["ours"] += grown + _size(world.temporal) - before
            return rate

        async with bare_runs(world.temporal.address, engine.settings) as bare:
            await _bare(bare)  # warm
            with world.report.step(f"parked: {RUNS} runs for months", ROUNDS) as done:
                raw, mine = await in_turns(ROUNDS, floor, ours, done)
    kilobytes = {whose: size / (ROUNDS * RUNS) / 1000 for whose, size in taken.items()}
    return [
        at_least_share(0.8, "parked: starts for months", raw, mine, "runs/s"),
        at_most(16, "parked: size of a waiting run", kilobytes["ours"], "kB", kilobytes["floor"]),
        at_most(3, "parked: the engine's share of that", kilobytes["engine"], "kB"),
    ]


async def _bare(bare: BareRuns) -> float:
    started = perf_counter()
    await many(bare.park, range(RUNS))
    return RUNS / (perf_counter() - started)


async def _ours(engine: Engine, shop: Shop) -> float:
    """Runs a second, from the planner's commit until Temporal was told of all."""
    events = [stage_changed(shop.tenant, uuid4(), "waiting") for _ in range(RUNS)]
    await engine.plan(events)
    started = perf_counter()
    await all_scheduled(engine)
    return RUNS / (perf_counter() - started)


async def all_scheduled(engine: Engine) -> None:
    """Temporal was told of every generation."""

    async def look() -> bool:
        async with engine.database.delivery() as tx:
            return not await engine.store.timers.unscheduled(tx, 1)

    await eventually(look, "the last start", within_s=1800)


def _size(temporal: Temporal) -> int:
    """Bytes of its database, what is still in the log included."""
    with closing(sqlite3.connect(f"file:{temporal.home / 'temporal.db'}?mode=ro", uri=True)) as database:
        (pages,), (size,) = (database.execute(f"PRAGMA {what}").fetchone() for what in ("page_count", "page_size"))
    return int(pages) * int(size)


async def _table_size(engine: Engine) -> int:
    """Bytes of the engine's tables with their indexes."""
    rows = await engine.service_environment.sql(
        "SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest($1::text[]) AS t (name)", TABLES
    )
    return int(rows[0][0])
