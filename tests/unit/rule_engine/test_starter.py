"""What the starter does when a server goes while it is at several runs at once."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any
from uuid import UUID

import pytest

from rule_engine.open_runs import OpenRuns
from rule_engine.settings import Settings
from rule_engine.starter import Starter
from rule_engine.store.wakes import Counts, Wake
from support.waiting import eventually

NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
WAKES = [Wake(UUID(int=number), UUID(int=9), 1, 0, NOW, parked=False, misses=0) for number in (1, 2)]


class Wakes:
    """Two runs to be started; noting that they are fails as often as there are errors."""

    def __init__(self, *errors: Exception) -> None:
        self._errors = list(errors)
        self.driven_ids: set[UUID] = set()

    async def undriven(self, *_: Any) -> list[Wake]:
        return [wake for wake in WAKES if wake.run_id not in self.driven_ids]

    async def driven(self, _: Any, wakes: Sequence[Wake]) -> None:
        if self._errors:
            raise self._errors.pop()
        self.driven_ids |= {wake.run_id for wake in wakes}

    async def none(self, *_: Any) -> list[Any]:
        return []

    overdue = deadlines = parked = none

    async def counts(self, *_: Any) -> dict[UUID, Counts]:
        return {}


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


def starter(wakes: Wakes) -> Starter:
    settings: Any = Settings.model_construct()
    database: Any = Database()
    store: Any = SimpleNamespace(wakes=wakes)
    outbox: Any = None
    return Starter(settings, database, store, outbox, OpenRuns(), lambda: NOW)


async def test_a_server_that_goes_while_several_runs_are_started_is_waited_for() -> None:
    wakes, client = Wakes(ConnectionRefusedError(), ConnectionRefusedError()), Client()
    running = asyncio.create_task(starter(wakes).run(client))  # type: ignore[arg-type]

    async def settled() -> bool:
        return running.done() or len(wakes.driven_ids) == len(WAKES)

    await eventually(settled)
    assert not running.done()
    running.cancel()
    with suppress(asyncio.CancelledError):
        await running


async def test_a_defect_among_outages_is_not_taken_for_one() -> None:
    wakes, client = Wakes(ConnectionRefusedError(), ZeroDivisionError()), Client()
    with pytest.raises(BaseExceptionGroup) as raised:
        await starter(wakes).run(client)  # type: ignore[arg-type]
    assert raised.group_contains(ZeroDivisionError)


async def test_a_row_that_somebody_holds_is_not_asked_for_without_a_rest() -> None:
    class HeldWakes(Wakes):
        rounds = 0

        async def undriven(self, *_: Any) -> list[Wake]:
            self.rounds += 1
            return WAKES

    wakes: Any = HeldWakes()
    client: Any = Client()
    await starter(wakes)._drive(client)
    assert wakes.rounds == 2
