"""Leased work: done once, done again by another when a lease is lost, retried with back-off, given up."""

import asyncio
import json
from collections.abc import AsyncGenerator
from datetime import datetime, timedelta
from urllib.parse import urlsplit
from uuid import UUID, uuid4

import pytest
from structlog.testing import capture_logs

from contracts.kit import worker
from contracts.kit.errors import RetryLaterError
from contracts.kit.worker import LEASE, Job, Task, Worker
from integration.kit.harness import OTHER_TENANT, TENANT, Harness
from integration.kit.work_shop import NOON, Shop
from support.service_environment import run_sql
from support.waiting import eventually


@pytest.fixture
async def shop(harness: Harness) -> AsyncGenerator[Shop]:
    database = harness.service().database
    await database.open()
    yield Shop(harness, database)
    await database.close()


async def test_work_is_done_once_and_leaves_with_its_outcome(shop: Shop) -> None:
    id = await shop.enqueue()
    await shop.enqueue(id=id)
    async with shop.working(shop.done), shop.working(shop.done):
        await eventually(lambda: _notes(shop, [str(id)]))
    assert await shop.rows() == []
    assert [(task.id, task.attempt, task.tenant) for task in shop.seen] == [(id, 1, TENANT)]


async def test_work_that_is_not_due_waits(shop: Shop) -> None:
    later, now = await shop.enqueue(NOON + timedelta(hours=1)), await shop.enqueue()
    async with shop.working(shop.done) as it:
        await eventually(lambda: _notes(shop, [str(now)]))
        shop.now += timedelta(hours=1)
        it.wake()
        await eventually(lambda: _notes(shop, [str(now), str(later)]))


async def test_who_lost_the_lease_stores_nothing(shop: Shop) -> None:
    id = await shop.enqueue()
    reached, go_on = asyncio.Event(), asyncio.Event()
    outcomes: list[bool] = []

    async def slow(task: Task) -> None:
        if task.attempt == 1:
            reached.set()
            await go_on.wait()
        outcomes.append(await shop.done(task))

    async with shop.working(slow):
        await reached.wait()
        shop.now += LEASE + timedelta(seconds=1)  # as if the first worker had hung so long
        async with shop.working(slow):
            await eventually(lambda: _notes(shop, [str(id)]))
        go_on.set()
        await eventually(lambda: _true(len(outcomes) == 2))
    assert outcomes == [True, False]
    assert await shop.harness.notes() == [str(id)]


async def test_the_work_of_a_killed_worker_is_taken_by_another_when_its_lease_is_over(shop: Shop) -> None:
    id = await shop.enqueue()
    await shop.harness.sql("UPDATE work SET lease = $1, leased_until = $2, attempts = 1", uuid4(), NOON + LEASE)
    async with shop.working(shop.done) as it:
        other = await shop.enqueue()
        await eventually(lambda: _notes(shop, [str(other)]))
        shop.now += LEASE + timedelta(seconds=1)
        it.wake()
        await eventually(lambda: _notes(shop, [str(other), str(id)]))
    assert shop.seen[-1].attempt == 2


async def test_how_long_a_lease_lasts_can_be_set(shop: Shop) -> None:
    await shop.enqueue()

    seen: list[datetime] = []

    async def look(task: Task) -> None:
        seen.extend([row["leased_until"] for row in await shop.harness.sql("SELECT leased_until FROM work")])
        await shop.done(task)

    job = Job(look, shop.give_up)
    working = asyncio.create_task(Worker(shop.database, {"write": job}, shop.clock, lease=timedelta(seconds=7)).run())
    await eventually(shop.harness.notes)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert seen == [NOON + timedelta(seconds=7)]


async def test_failed_work_is_tried_again_with_growing_pauses_and_then_given_up(shop: Shop) -> None:
    await shop.enqueue()

    async def fail(_: Task) -> None:
        raise RetryLaterError("no printer")

    async with shop.working(fail, attempts=3) as it:
        for pause in (10, 20):
            due = (await eventually(lambda: _put_off(shop)))[0][2]
            assert timedelta(seconds=0.8 * pause) <= due - shop.now <= timedelta(seconds=1.2 * pause)
            shop.now = due
            it.wake()
        await eventually(lambda: _true(bool(shop.given_up)))
        await eventually(lambda: _nothing_left(shop))
    assert [task.attempt for task in shop.seen] == [1, 2, 3]
    assert shop.given_up == ["no printer"]


async def test_work_that_would_fail_again_is_given_up_at_once(shop: Shop) -> None:
    await shop.enqueue()

    async def fail(_: Task) -> None:
        raise ValueError("no printer at ada@example.com")

    async with shop.working(fail, attempts=8):
        await eventually(lambda: _nothing_left(shop))
    assert [task.attempt for task in shop.seen] == [1]
    assert shop.given_up == ["this is a defect of the service (ValueError)"]


async def test_a_provider_may_say_when_to_try_again(shop: Shop) -> None:
    await shop.enqueue()

    async def busy(_: Task) -> None:
        raise RetryLaterError("busy", after_s=120)

    async with shop.working(busy):
        rows = await eventually(lambda: _put_off(shop))
    assert rows == [(1, False, NOON + timedelta(seconds=120), "busy")]


@pytest.mark.invariant(10)
async def test_an_outage_of_our_own_servers_costs_no_attempt(shop: Shop) -> None:
    await shop.enqueue()

    async def cut_off(task: Task) -> None:
        if len(shop.seen) <= 5:
            raise ConnectionRefusedError
        await shop.done(task)

    async with shop.working(cut_off, attempts=2) as it:
        for n in range(5):
            await eventually(lambda n=n: _put_off_after(shop, n + 1))  # type: ignore[misc]
            shop.now += timedelta(minutes=1)
            it.wake()
        await eventually(lambda: _nothing_left(shop))
    assert shop.given_up == []
    assert [task.attempt for task in shop.seen] == [1] * 6


async def test_work_that_an_outage_interrupts_is_put_off_when_the_database_is_back_and_loses_no_lease(
    shop: Shop, postgres: str
) -> None:
    name = urlsplit(shop.harness.superuser_dsn).path.removeprefix("/")
    await shop.enqueue()

    async def cut_off(_: Task) -> None:
        await run_sql(postgres, f"ALTER ROLE {name}_app CONNECTION LIMIT 0")
        await run_sql(postgres, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", name)
        raise ConnectionRefusedError

    with capture_logs() as logs:
        async with shop.working(cut_off):
            await eventually(lambda: _true(any(one["event"] == "work waits for the database" for one in logs)))
            await run_sql(postgres, f"ALTER ROLE {name}_app CONNECTION LIMIT -1")
            ((attempts, leased, run_at, _),) = await eventually(lambda: _put_off(shop))
    assert (attempts, leased, run_at > shop.now) == (0, False, True)
    assert [row["lost"] for row in await shop.harness.sql("SELECT lost FROM work")] == [0]


async def test_work_that_cannot_even_be_given_up_stays_and_is_tried_again(shop: Shop) -> None:
    await shop.enqueue()

    async def fail(_: Task) -> None:
        raise ValueError("a defect")

    async def fail_too(_: Task, __: str) -> None:
        raise ValueError("another defect")

    job = Job(fail, fail_too, attempts=1, backoff_s=10)
    it = Worker(shop.database, {"write": job}, shop.clock)
    running = asyncio.create_task(it.run())
    rows = await eventually(lambda: _put_off(shop))
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert rows[0][3] == "this is a defect of the service (ValueError)"


async def test_work_that_nobody_has_begun_can_be_dropped_and_other_work_cannot(shop: Shop) -> None:
    begun, waiting = await shop.enqueue(), await shop.enqueue(NOON + timedelta(hours=1))
    reached, go_on = asyncio.Event(), asyncio.Event()

    async def slow(task: Task) -> None:
        reached.set()
        await go_on.wait()
        await shop.done(task)

    async with shop.working(slow):
        await reached.wait()
        async with shop.database.transaction(TENANT) as tx:
            assert not await worker.cancel(tx, TENANT, begun)
            assert await worker.cancel(tx, TENANT, waiting)
            assert not await worker.cancel(tx, TENANT, waiting)
        go_on.set()
        await eventually(lambda: _nothing_left(shop))
    assert await shop.harness.notes() == [str(begun)]


async def test_stopping_lets_the_work_under_way_end(shop: Shop) -> None:
    id = await shop.enqueue()
    reached = asyncio.Event()

    async def slow(task: Task) -> None:
        reached.set()
        await asyncio.sleep(0)
        await shop.done(task)

    async with shop.working(slow):
        await reached.wait()
    assert await shop.harness.notes() == [str(id)]


async def test_beside_a_tenant_with_thousands_of_pieces_another_ones_is_the_next_that_is_taken(shop: Shop) -> None:
    await shop.enqueue_many(5_000)
    begun, go_on = asyncio.Semaphore(0), asyncio.Semaphore(0)

    async def one_at_a_time(task: Task) -> None:
        begun.release()
        await go_on.acquire()
        await shop.done(task)

    async with shop.working(one_at_a_time):
        await begun.acquire()
        late = await shop.enqueue(tenant=OTHER_TENANT)
        go_on.release()
        await eventually(lambda: _begun(shop, late))
        in_turns = [task.tenant for task in shop.seen]
        for _ in range(5_001):
            go_on.release()
        await shop.harness.sql("DELETE FROM work WHERE lease IS NULL")
    assert in_turns.count(TENANT) <= 8


async def test_slow_pieces_of_one_tenant_leave_a_quarter_of_the_places_to_others(shop: Shop) -> None:
    await shop.enqueue_many(20)
    stuck = asyncio.Event()

    async def hang_for_one_tenant(task: Task) -> None:
        if task.tenant == TENANT:
            await stuck.wait()
        await shop.done(task)

    async with shop.working(hang_for_one_tenant) as it:
        await eventually(lambda: _true(len(shop.seen) == 6))
        others = [await shop.enqueue(tenant=OTHER_TENANT) for _ in range(10)]
        it.wake()
        await eventually(lambda: _others_notes(shop, others))
        assert [task.tenant for task in shop.seen].count(TENANT) == 6
        await shop.harness.sql("DELETE FROM work WHERE lease IS NULL")
        stuck.set()


async def test_long_work_that_hands_itself_back_takes_turns_with_other_tenants(shop: Shop) -> None:
    long, short = await shop.enqueue(), UUID(int=0)
    turns: list[int] = []

    async def a_turn(task: Task) -> None:
        nonlocal short
        if task.tenant == OTHER_TENANT or turns.count(task.attempt) == 3:
            await shop.done(task)
            return
        turns.append(task.attempt)
        short = short if short.int else await shop.enqueue(tenant=OTHER_TENANT)
        shop.now += timedelta(seconds=1)
        async with shop.database.transaction(TENANT) as tx:
            assert await task.hand_back(tx, shop.now)
            assert not await task.hand_back(tx, shop.now)

    async with shop.working(a_turn):
        await eventually(lambda: _notes(shop, [str(long)]))
        await eventually(lambda: _others_notes(shop, [short]))
    assert turns == [1, 1, 1]
    assert [task.id for task in shop.seen].index(short) <= 2


async def test_taking_one_of_a_hundred_thousand_pieces_reads_a_few_pages(shop: Shop) -> None:
    await shop.enqueue_many(100_000)
    for number in range(50):
        await shop.enqueue(tenant=UUID(int=number + 1))
    for statistics in ("none", "fresh"):
        if statistics == "fresh":
            await shop.harness.sql("ANALYZE work")
        (row,) = await shop.harness.sql(
            f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {worker.LEASE_ONE}",
            *(uuid4(), NOON + LEASE, NOON, ["write", "read"], [TENANT], [2], 6, UUID(int=0)),
        )
        plan = json.loads(row[0])[0]["Plan"]
        assert plan["Actual Rows"] == 1, statistics
        assert plan["Shared Hit Blocks"] + plan["Shared Read Blocks"] < 1_000, statistics


async def _true(it: bool) -> bool:
    return it


async def _notes(shop: Shop, texts: list[str]) -> bool:
    return await shop.harness.notes() == texts


async def _begun(shop: Shop, id: UUID) -> bool:
    return id in [task.id for task in shop.seen]


async def _others_notes(shop: Shop, ids: list[UUID]) -> bool:
    return set(await shop.harness.notes(OTHER_TENANT)) == {str(id) for id in ids}


async def _put_off(shop: Shop) -> list[tuple[int, bool, datetime, str | None]]:
    """The work when it is in nobody's hands and due later."""
    rows = await shop.rows()
    return rows if rows and not rows[0][1] and rows[0][2] > shop.now else []


async def _put_off_after(shop: Shop, count: int) -> bool:
    return len(shop.seen) == count and bool(await _put_off(shop))


async def _nothing_left(shop: Shop) -> bool:
    return await shop.rows() == []
