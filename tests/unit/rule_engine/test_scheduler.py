"""What the scheduler does when a server goes while it is at several runs at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from rule_engine.scheduler import Scheduler
from rule_engine.settings import Settings
from rule_engine.store.timers import Timer
from support.waiting import eventually

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
TIMERS = [Timer(UUID(int=number), UUID(int=9), 1, 0, NOW, has_execution=False, failures=0) for number in (1, 2)]


class Timers:
    """Two runs to be started; noting that they are fails as often as there are errors."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.scheduled_ids: set[UUID] = set()

    async def unscheduled(self, *_: Any) -> list[Timer]:
        return [timer for timer in TIMERS if timer.run_id not in self.scheduled_ids]

    async def scheduled(self, _: Any, timers: Sequence[Timer]) -> None:
        if self._errors:
            raise self._errors.pop()
        self.scheduled_ids |= {timer.run_id for timer in timers}

    async def none(self, *_: Any) -> list[Any]:
        return []

    overdue = deadlines = with_execution = none


class Database:
    @asynccontextmanager
    async def delivery(self) -> AsyncIterator[None]:
        yield None


class Client:
    async def start_workflow(self, *_: Any, **__: Any) -> None: ...

    async def list_workflows(self, _: str) -> AsyncIterator[Any]:
        nothing: list[Any] = []
        for execution in nothing:
            yield execution


def scheduler(timers: Timers) -> Scheduler:
    settings: Any = Settings.model_construct()
    database: Any = Database()
    store: Any = SimpleNamespace(timers=timers)
    outbox: Any = None
    return Scheduler(settings, database, store, outbox, lambda: NOW)


async def test_a_server_that_goes_while_several_runs_are_started_is_waited_for() -> None:
    timers, client = Timers(ConnectionRefusedError(), ConnectionRefusedError()), Client()
    running = asyncio.create_task(scheduler(timers).run(client))  # type: ignore[arg-type]

    async def settled() -> bool:
        return running.done() or len(timers.scheduled_ids) == len(TIMERS)

    await eventually(settled)
    assert not running.done()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_defect_among_outages_is_not_taken_for_one() -> None:
    timers, client = Timers(ConnectionRefusedError(), ZeroDivisionError()), Client()
    with pytest.raises(BaseExceptionGroup) as raised:
        await scheduler(timers).run(client)  # type: ignore[arg-type]
    assert raised.group_contains(ZeroDivisionError)


async def test_a_row_that_somebody_holds_is_not_asked_for_without_a_rest() -> None:
    class HeldTimers(Timers):
        rounds = 0

        async def unscheduled(self, *_: Any) -> list[Timer]:
            self.rounds += 1
            return TIMERS

    timers: Any = HeldTimers()
    client: Any = Client()
    await scheduler(timers)._schedule(client)
    assert timers.rounds == 2
