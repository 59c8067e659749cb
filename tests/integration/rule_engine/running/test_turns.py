"""What the scheduler is given when one tenant has thousands of timers: the other one's come with the next batch."""

from collections import Counter
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import pytest

from contracts.kit.database import Database
from rule_engine.store.timers import Timers
from support.engine import Harness

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
BATCH = 200
TIMERS = """INSERT INTO timers (run_id, tenant_id, generation, scheduled_generation, wake_at)
           SELECT gen_random_uuid(), $1, 1, $2, $3::timestamptz + n * interval '1 ms'
           FROM generate_series(1, $4) AS n"""
DEADLINES = """INSERT INTO command_deadlines (command_id, tenant_id, ask_again_at)
               SELECT gen_random_uuid(), $1, $2 FROM generate_series(1, $3)"""


@pytest.fixture
async def database(harness: Harness) -> AsyncIterator[Database]:
    """Without an engine that would work it off."""
    await harness.service_environment.sql("DELETE FROM timers")
    made = Database(harness.settings, service="rule-engine")
    await made.open()
    yield made
    await made.close()
    await harness.service_environment.sql("DELETE FROM timers")
    await harness.service_environment.sql("DELETE FROM command_deadlines")


async def test_of_what_temporal_is_to_be_told_every_tenant_has_its_share(harness: Harness, database: Database) -> None:
    crowd, other = uuid4(), uuid4()
    await harness.service_environment.sql(TIMERS, crowd, 0, NOON, 5_000)
    await harness.service_environment.sql(TIMERS, other, 0, NOON + timedelta(hours=1), 3)
    async with database.delivery() as tx:
        found = await Timers().unscheduled(tx, BATCH)
    assert Counter(timer.tenant for timer in found) == {crowd: BATCH // 2, other: 3}


async def test_a_lone_tenant_has_the_whole_batch(harness: Harness, database: Database) -> None:
    await harness.service_environment.sql(TIMERS, uuid4(), 0, NOON, 5_000)
    async with database.delivery() as tx:
        assert len(await Timers().unscheduled(tx, BATCH)) == BATCH


async def test_more_tenants_than_a_batch_has_rows_are_served_by_age(harness: Harness, database: Database) -> None:
    tenants = [UUID(int=number + 1) for number in range(30)]
    for number, tenant in enumerate(tenants):
        await harness.service_environment.sql(TIMERS, tenant, 0, NOON - timedelta(hours=number), 2)
    async with database.delivery() as tx:
        found = await Timers().unscheduled(tx, 10)
    assert [timer.tenant for timer in found] == tenants[:-11:-1]


async def test_the_sweep_looks_at_every_tenants_overdue_runs(harness: Harness, database: Database) -> None:
    crowd, other, in_time = uuid4(), uuid4(), uuid4()
    await harness.service_environment.sql(TIMERS, crowd, 1, NOON, 5_000)
    await harness.service_environment.sql(TIMERS, other, 1, NOON + timedelta(hours=1), 1)
    await harness.service_environment.sql(TIMERS, in_time, 1, NOON + timedelta(days=1), 1_000)
    async with database.delivery() as tx:
        found = await Timers().overdue(tx, NOON + timedelta(hours=2), BATCH)
        counts = await Timers().counts(tx, NOON + timedelta(hours=2))
    assert Counter(timer.tenant for timer in found) == {crowd: BATCH // 2, other: 1}
    assert counts == {crowd: (5_000, 5_000, 0, 0), other: (1, 1, 0, 0), in_time: (1_000, 0, 0, 0)}


async def test_commands_of_every_tenant_are_asked_for_again(harness: Harness, database: Database) -> None:
    crowd, other = uuid4(), uuid4()
    await harness.service_environment.sql(DEADLINES, crowd, NOON - timedelta(hours=1), 5_000)
    await harness.service_environment.sql(DEADLINES, other, NOON - timedelta(minutes=1), 2)
    later = NOON + timedelta(minutes=10)
    async with database.delivery() as tx:
        first = await Timers().deadlines(tx, NOON, later, BATCH)
        second = await Timers().deadlines(tx, NOON, later, BATCH)
    assert Counter(tenant for tenant, _ in first) == {crowd: BATCH // 2, other: 2}
    assert Counter(tenant for tenant, _ in second) == {crowd: BATCH}
