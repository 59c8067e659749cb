"""What operators do to runs: run now, postpone, cancel, retry; each recorded in the same transaction."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from contracts.kit import telemetry
from contracts.kit.auth import Caller
from contracts.kit.clock import Clock, NewId
from contracts.kit.database import Database
from rule_engine.application.permissions import demand
from rule_engine.application.recorder import Recorder
from rule_engine.domain.execution import operator_actions
from rule_engine.domain.execution.step import Step
from rule_engine.store import Store
from rule_engine.store.runs import Run


class OperatorActions:
    """Each method returns the run after the action, or null when the tenant has no such run.

    Raises `RunError` when the action makes no sense in the run's state, and `ForbiddenError`; nothing is changed then.
    """

    def __init__(self, database: Database, store: Store, recorder: Recorder, clock: Clock, new_id: NewId) -> None:
        self._database = database
        self._store = store
        self._recorder = recorder
        self._clock = clock
        self._new_id = new_id

    async def run_now(self, operator: Caller, run_id: UUID, rule_id: str) -> Run | None:
        def step(run: Run, now: datetime) -> Step:
            return operator_actions.run_now(run.program, run.state, rule_id, now)

        return await self._act(operator, run_id, rule_id, "run_now", step)

    async def postpone(self, operator: Caller, run_id: UUID, rule_id: str, until: datetime) -> Run | None:
        def step(run: Run, now: datetime) -> Step:
            return operator_actions.postpone(run.program, run.state, rule_id, until, now)

        return await self._act(operator, run_id, rule_id, f"postpone to {until.isoformat()}", step)

    async def cancel(self, operator: Caller, run_id: UUID, rule_id: str | None) -> Run | None:
        """Of one rule, or (null) of all that is left of the run."""

        def step(run: Run, now: datetime) -> Step:
            return operator_actions.cancel(run.program, run.state, rule_id, now)

        return await self._act(operator, run_id, rule_id, "cancel", step)

    async def retry(self, operator: Caller, run_id: UUID, rule_id: str) -> Run | None:
        def step(run: Run, now: datetime) -> Step:
            return operator_actions.retry(run.program, run.state, rule_id, now)

        return await self._act(operator, run_id, rule_id, "retry", step)

    async def _act(
        self, operator: Caller, run_id: UUID, rule_id: str | None, action: str, step: Callable[[Run, datetime], Step]
    ) -> Run | None:
        async with self._database.transaction(operator.tenant) as tx:
            row = await self._store.runs.get(tx, operator.tenant, run_id, lock=True)
            if row is None:
                return None
            telemetry.note(item_id=row.item_id)
            if row.workflow:
                await demand(tx, self._store.workflows, operator, row.rule_set, "operate")
            run, now = await self._store.programs.of_run(tx, row), self._clock()
            after = await self._recorder.record(tx, run, step(run, now), now)
            await self._store.operator_actions.add(
                tx, run, id=self._new_id(), at=now, subject=operator.subject, action=action, rule_id=rule_id
            )
            return after
