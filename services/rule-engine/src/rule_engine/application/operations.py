"""What operators do to runs: run now, postpone, cancel, retry; each with an audit entry in the same transaction."""

from collections.abc import Callable
from datetime import datetime
from uuid import UUID

from contracts.kit import telemetry
from contracts.kit.clock import Clock, NewId
from contracts.kit.database import Database
from rule_engine.application.recorder import Recorder
from rule_engine.domain.execution import operator_actions
from rule_engine.domain.execution.step import Step
from rule_engine.store import Store
from rule_engine.store.runs import Run


class Operations:
    """Each method returns the run after the order, or null when the tenant has no such run.

    Raises `RunError` when the order makes no sense in the run's state; nothing is changed then.
    """

    def __init__(self, database: Database, store: Store, recorder: Recorder, clock: Clock, new_id: NewId) -> None:
        self._database = database
        self._store = store
        self._recorder = recorder
        self._clock = clock
        self._new_id = new_id

    async def run_now(self, tenant: UUID, subject: str, run_id: UUID, rule_id: str) -> Run | None:
        return await self._order(
            (tenant, subject, run_id, rule_id, "run_now"),
            lambda run, now: operator_actions.run_now(run.program, run.state, rule_id, now),
        )

    async def postpone(self, tenant: UUID, subject: str, run_id: UUID, rule_id: str, until: datetime) -> Run | None:
        return await self._order(
            (tenant, subject, run_id, rule_id, f"postpone to {until.isoformat()}"),
            lambda run, now: operator_actions.postpone(run.program, run.state, rule_id, until, now),
        )

    async def cancel(self, tenant: UUID, subject: str, run_id: UUID, rule_id: str | None) -> Run | None:
        return await self._order(
            (tenant, subject, run_id, rule_id, "cancel"),
            lambda run, now: operator_actions.cancel(run.program, run.state, rule_id, now),
        )

    async def retry(self, tenant: UUID, subject: str, run_id: UUID, rule_id: str) -> Run | None:
        return await self._order(
            (tenant, subject, run_id, rule_id, "retry"),
            lambda run, now: operator_actions.retry(run.program, run.state, rule_id, now),
        )

    async def _order(
        self, order: tuple[UUID, str, UUID, str | None, str], take: Callable[[Run, datetime], Step]
    ) -> Run | None:
        tenant, subject, run_id, rule_id, action = order
        async with self._database.transaction(tenant) as tx:
            row = await self._store.runs.get(tx, tenant, run_id, lock=True)
            if row is None:
                return None
            telemetry.note(item_id=row.item_id)
            run, now = await self._store.programs.of_run(tx, row), self._clock()
            after = await self._recorder.record(tx, run, take(run, now), now)
            await self._store.runs.add_audit(
                tx, run, id=self._new_id(), at=now, subject=subject, action=action, rule_id=rule_id
            )
            return after
