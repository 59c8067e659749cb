"""The audit can fail: services with a fault built in are found out within some worlds."""

import random
from collections.abc import Callable, Sequence
from datetime import datetime
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from rule_engine.activities import Activities, RunRef
from rule_engine.application.recorder import Recorder
from rule_engine.domain.execution import step
from rule_engine.domain.execution.state import RuleProgress
from rule_engine.scheduler import Scheduler
from rule_engine.store.timers import Timer
from simulation.entity import EntityService
from simulation.outbox import SimulatedOutbox
from simulation.owners import LeasedOwner, Owner
from simulation.store import SimulatedRuns
from simulation.timers import SimulatedTimers
from simulation.world import World

ENOUGH = 400

type Fault = Callable[[pytest.MonkeyPatch], None]


def a_planner_that_forgets_to_leave(patch: pytest.MonkeyPatch) -> None:
    async def none(*_: Any) -> list[Any]:
        return []

    patch.setattr(SimulatedRuns, "lock_open_of_items", none)


def a_scheduler_that_overlooks_timers(patch: pytest.MonkeyPatch) -> None:
    right = SimulatedTimers.unscheduled

    async def some(self: SimulatedTimers, tx: Any, limit: int) -> list[Timer]:
        return [timer for timer in await right(self, tx, limit) if timer.generation != 2]

    patch.setattr(SimulatedTimers, "unscheduled", some)


def a_scheduler_that_leaves_the_old_execution_open_and_a_reconciliation_that_does_not_look(
    patch: pytest.MonkeyPatch,
) -> None:
    async def nothing(*_: Any) -> bool:
        return False

    patch.setattr("rule_engine.scheduler._terminate", nothing)


def a_reconciliation_that_believes_everything_is_open(patch: pytest.MonkeyPatch) -> None:
    async def always(*_: Any) -> bool:
        return True

    patch.setattr("rule_engine.scheduler._is_open", always)


def a_timer_that_takes_an_older_generation_for_its_own(patch: pytest.MonkeyPatch) -> None:
    async def scheduled(self: SimulatedTimers, tx: Any, timers: Sequence[Timer]) -> None:
        for row in filter(None, (self.rows.get(timer.run_id) for timer in timers)):
            self.rows[row.run_id] = Timer(
                row.run_id, row.tenant, row.generation, row.generation, row.wake_at, False, row.failures
            )

    patch.setattr(SimulatedTimers, "scheduled", scheduled)


def an_activity_that_does_not_look_at_the_generation(patch: pytest.MonkeyPatch) -> None:
    right = Activities._read

    async def read(self: Activities, tx: Any, ref: RunRef, *, lock: bool = False) -> Any:
        timer = await self._store.timers.get(tx, ref.run_id)
        return await right(
            self, tx, ref.model_copy(update={"generation": timer.generation}) if timer else ref, lock=lock
        )

    patch.setattr(Activities, "_read", read)


def a_sweep_that_never_asks_again(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any) -> None: ...

    patch.setattr(Scheduler, "_ask_again", nothing)


def a_recorder_that_sends_nothing_back(patch: pytest.MonkeyPatch) -> None:
    patch.setattr("rule_engine.messages.cancellations", lambda *_: iter(()))


def a_recorder_that_sets_no_timer(patch: pytest.MonkeyPatch) -> None:
    async def nothing(*_: Any, **__: Any) -> None: ...

    patch.setattr(Recorder, "_set_timer", nothing)


def an_owner_that_forgets_its_commands(patch: pytest.MonkeyPatch) -> None:
    right = Owner._register

    def register(self: Owner, message: Any) -> bool:
        right(self, message)
        return True

    patch.setattr(Owner, "_register", register)


def an_owner_that_drops_what_may_be_out(patch: pytest.MonkeyPatch) -> None:
    def cancel(self: LeasedOwner, target: UUID) -> bool:
        return self.work.pop(target, None) is not None

    patch.setattr(LeasedOwner, "cancel", cancel)


def an_entity_service_that_does_not_look_at_the_guard(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(EntityService, "_refusal", lambda *_: None)


def a_relay_that_shuffles(patch: pytest.MonkeyPatch) -> None:
    right = SimulatedOutbox.relay

    async def relay(self: SimulatedOutbox) -> None:
        random.Random(1).shuffle(self.rows)
        await right(self)

    patch.setattr(SimulatedOutbox, "relay", relay)


def a_core_in_which_a_disabled_rule_is_waited_for(patch: pytest.MonkeyPatch) -> None:
    def due(progress: RuleProgress, now: datetime) -> datetime:
        return progress.due_at or now

    patch.setattr(step, "_due", due)


FAULTS: tuple[Fault, ...] = (
    a_planner_that_forgets_to_leave,
    a_scheduler_that_overlooks_timers,
    a_scheduler_that_leaves_the_old_execution_open_and_a_reconciliation_that_does_not_look,
    a_reconciliation_that_believes_everything_is_open,
    a_timer_that_takes_an_older_generation_for_its_own,
    an_activity_that_does_not_look_at_the_generation,
    a_sweep_that_never_asks_again,
    a_recorder_that_sends_nothing_back,
    a_recorder_that_sets_no_timer,
    an_owner_that_forgets_its_commands,
    an_owner_that_drops_what_may_be_out,
    an_entity_service_that_does_not_look_at_the_guard,
    a_relay_that_shuffles,
    a_core_in_which_a_disabled_rule_is_waited_for,
)


@pytest.mark.verify
@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.__name__)
def test_a_fault_is_found_out(fault: Fault, monkeypatch: pytest.MonkeyPatch) -> None:
    fault(monkeypatch)
    for seed in count():
        assert seed < ENOUGH, "nothing was found"
        try:
            World(seed).play()
        except AssertionError:
            return
