"""Temporal: executions that wait until they are due, refuse a used id, and may all be lost at once."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

from temporalio.client import WorkflowExecutionStatus
from temporalio.exceptions import WorkflowAlreadyStartedError
from temporalio.service import RPCError, RPCStatusCode

from rule_engine.activities import Activities, RunRef
from simulation.sim_context import SimContext
from simulation.steps import pause


@dataclass(slots=True)
class Execution:
    """`in_hands`: a worker is at it. A worker that is killed lets go, and another one begins anew."""

    ref: RunRef
    fires_at: datetime
    open: bool = True
    in_hands: bool = False


class Temporal:
    """The server. `listed` is what its listing shows, which lags behind."""

    def __init__(self, sim_context: SimContext) -> None:
        self.sim_context = sim_context
        self.executions: dict[str, Execution] = {}
        self.listed: list[str] = []

    def open(self) -> list[Execution]:
        return [execution for execution in self.executions.values() if execution.open]

    def due(self) -> list[Execution]:
        return [execution for execution in self.open() if execution.fires_at <= self.sim_context.now]

    def wipe(self) -> None:
        """The database is gone."""
        self.sim_context.say("temporal is wiped")
        self.executions.clear()
        self.listed = []

    def catch_up(self) -> None:
        """The listing shows what is open now."""
        self.listed = [execution.ref.workflow_id for execution in self.open()]


class SimulatedClient:
    """As much of Temporal's client as the scheduler uses. A call, or its answer, may be lost."""

    def __init__(self, server: Temporal) -> None:
        self._server = server

    async def start_workflow(
        self, _: Any, ref: RunRef, *, id: str, start_delay: timedelta | None = None, **options: Any
    ) -> None:
        fires_at = self._server.sim_context.now + (start_delay or timedelta(0))  # calls are slow, but do not take days
        await self._travel()
        if id in self._server.executions:
            raise WorkflowAlreadyStartedError(id, "RuleRun")
        self._server.sim_context.say("temporal starts", ref.run_id, ref.generation, "for", fires_at)
        self._server.executions[id] = Execution(ref, fires_at)
        await self._travel()

    def get_workflow_handle(self, id: str) -> "_Handle":
        return _Handle(self._server, id, self._travel)

    async def list_workflows(self, query: str) -> AsyncIterator[Any]:
        await self._travel()
        wanted = re.findall(r"'(run/[^']+)'", query)
        for id in list(self._server.listed):
            if not wanted or id in wanted:
                yield SimpleNamespace(id=id)

    async def _travel(self) -> None:
        if self._server.sim_context.bad_luck(0.02):
            raise RPCError("away", RPCStatusCode.UNAVAILABLE, b"")
        await pause()


@dataclass(frozen=True, slots=True)
class _Handle:
    server: Temporal
    id: str
    travel: Any

    async def terminate(self, reason: str) -> None:
        await self.travel()
        execution = self.server.executions.get(self.id)
        if execution is None or not execution.open:
            raise RPCError("no such execution", RPCStatusCode.NOT_FOUND, b"")
        self.server.sim_context.say("temporal ends", execution.ref.run_id, execution.ref.generation, reason)
        execution.open = False

    async def describe(self) -> Any:
        await self.travel()
        execution = self.server.executions.get(self.id)
        if execution is None:
            raise RPCError("no such execution", RPCStatusCode.NOT_FOUND, b"")
        status = WorkflowExecutionStatus.RUNNING if execution.open else WorkflowExecutionStatus.COMPLETED
        return SimpleNamespace(status=status)


async def work(server: Temporal, activities: Activities) -> None:
    """A worker's turn: an execution that is due calls the activity and ends. Now and then two workers have it."""
    doubled = server.sim_context.bad_luck(0.1)
    execution = server.sim_context.one_of([one for one in server.due() if doubled or not one.in_hands])
    if execution is None:
        return
    execution.in_hands = True
    try:
        await activities.advance_run(execution.ref)
        await pause()
        execution.open = False
    finally:
        execution.in_hands = False
