"""What people do to runs of workflows."""

from collections.abc import Callable, Mapping
from datetime import datetime
from uuid import UUID

from pydantic import JsonValue

from contracts.kit import telemetry
from contracts.kit.auth import Caller
from contracts.kit.clock import Clock, NewId
from contracts.kit.database import Connection, Database
from rule_engine.application.permissions import demand
from rule_engine.application.recorder import Recorder
from rule_engine.domain.errors import RunError
from rule_engine.domain.execution import workflows
from rule_engine.domain.execution.jumping import jump
from rule_engine.domain.execution.step import Step
from rule_engine.store import Store
from rule_engine.store.runs import Run


class WorkflowActions:
    """What people do to a run of a workflow. Each method returns the run after it, or null when the tenant has no such
    run; raises `RunError` when it makes no sense in the run's state, and `ForbiddenError`; nothing is changed then.
    """

    def __init__(self, database: Database, store: Store, recorder: Recorder, clock: Clock, new_id: NewId) -> None:
        self._database = database
        self._store = store
        self._recorder = recorder
        self._clock = clock
        self._new_id = new_id

    async def send(
        self, tx: Connection, who: Caller, run_id: UUID, name: str, value: Mapping[str, JsonValue]
    ) -> Run | None:
        """Something that the run may wait for has come."""
        said = {**value, "by": who.subject}

        def step(run: Run, now: datetime) -> Step:
            if name not in (awaited := workflows.awaited(run.state)):
                waits = f"it waits for {', '.join(sorted(awaited))}" if awaited else "it waits for nothing of the kind"
                raise RunError(f"the workflow does not wait for {name}: {waits}")
            return workflows.receive(run.program, run.state, name, said, now)

        return await self._act_in(tx, who, run_id, f"send {name}", step)

    async def terminate(self, who: Caller, run_id: UUID, reason: str) -> Run | None:
        def step(run: Run, now: datetime) -> Step:
            return workflows.terminate(run.program, run.state, reason or f"ended by {who.subject}", now)

        return await self._act(who, run_id, "terminate", step)

    async def suspend(self, who: Caller, run_id: UUID) -> Run | None:
        return await self._act(who, run_id, "suspend", lambda run, now: workflows.suspend(run.program, run.state, now))

    async def resume(self, who: Caller, run_id: UUID) -> Run | None:
        return await self._act(who, run_id, "resume", lambda run, now: workflows.resume(run.program, run.state, now))

    async def move_pause(self, who: Caller, run_id: UUID, block: int, until: datetime) -> Run | None:
        """A block that waits for a moment waits for another one; what is past goes on at once."""

        def step(run: Run, now: datetime) -> Step:
            return workflows.move_pause(run.program, run.state, block, until, now)

        return await self._act(who, run_id, f"move block {block} to {until.isoformat()}", step)

    async def retry(self, who: Caller, run_id: UUID, block: int) -> Run | None:
        def step(run: Run, now: datetime) -> Step:
            return workflows.retry(run.program, run.state, block, now)

        return await self._act(who, run_id, f"retry block {block}", step)

    async def skip(self, who: Caller, run_id: UUID, block: int) -> Run | None:
        def step(run: Run, now: datetime) -> Step:
            return workflows.skip(run.program, run.state, block, now)

        return await self._act(who, run_id, f"skip block {block}", step)

    async def jump(self, who: Caller, run_id: UUID, block: str, reason: str) -> Run | None:
        """Cancels what is open, and goes on at the block with this name."""
        said = f"jumped to {block}: {reason}" if reason else f"{who.subject} jumped to {block}"

        def step(run: Run, now: datetime) -> Step:
            return jump(run.program, run.state, block, said, now)

        return await self._act(who, run_id, f"jump to {block}", step)

    async def _act(self, who: Caller, run_id: UUID, action: str, step: Callable[[Run, datetime], Step]) -> Run | None:
        async with self._database.transaction(who.tenant) as tx:
            return await self._act_in(tx, who, run_id, action, step)

    async def _act_in(  # noqa: PLR0913 - what `_act` has, and the transaction
        self, tx: Connection, who: Caller, run_id: UUID, action: str, step: Callable[[Run, datetime], Step]
    ) -> Run | None:
        row = await self._store.runs.get(tx, who.tenant, run_id, lock=True)
        if row is None or not row.workflow:
            return None
        telemetry.note(item_id=row.item_id)
        await demand(tx, self._store.workflows, who, row.rule_set, "operate")
        run, now = await self._store.programs.of_run(tx, row), self._clock()
        after = await self._recorder.record(tx, run, step(run, now), now)
        await self._store.operator_actions.add(
            tx, run, id=self._new_id(), at=now, subject=who.subject, action=action, rule_id=None
        )
        return after
