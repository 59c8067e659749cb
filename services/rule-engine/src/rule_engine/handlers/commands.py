"""What the engine consumes: commands, its own and others', which start and stop workflows, automation and waits."""

from collections.abc import Callable, Sequence
from datetime import datetime
from uuid import UUID

from contracts import topics
from contracts.catalogue import MESSAGES
from contracts.envelope import Body, Envelope, rfc3339
from contracts.kit import worker
from contracts.kit.broker import Subscription
from contracts.kit.clock import Clock
from contracts.kit.commands import CommandHandler, Commands
from contracts.kit.database import Connection
from contracts.kit.errors import RefusalError
from contracts.loops import find_loop
from contracts.messages.results import CommandDone
from contracts.messages.rule_commands import ScheduleWait, StartWorkflow, StopAutomation, StopWorkflows
from rule_engine.application.recorder import Recorder
from rule_engine.application.workflow_runs import START_WORKFLOW, cause_of_start
from rule_engine.domain.execution.operator_actions import cancel
from rule_engine.domain.execution.step import Step
from rule_engine.domain.execution.waits import PAYLOAD, WAIT
from rule_engine.domain.execution.workflows import terminate
from rule_engine.store import Store
from rule_engine.store.entries import ItemKey
from rule_engine.store.runs import Run
from rule_engine.store.workflow_starts import StartRequest


class Handlers:
    """Handles the commands of `crm.rule.commands.v1`."""

    def __init__(self, store: Store, recorder: Recorder, clock: Clock) -> None:
        self._store = store
        self._recorder = recorder
        self._clock = clock

    async def start_workflow(self, command: Envelope[StartWorkflow], tx: Connection) -> None:
        """Records the start; a worker asks for the item and starts the workflow. Refuses what runs in a circle."""
        asked = command.data
        causes = (*command.causepath, cause_of_start(asked.workflow, asked.item_id))
        if loop := find_loop(causes):
            raise RefusalError(loop)
        request = StartRequest(
            tenant_id=command.tenant,
            id=command.command_id,
            item_id=asked.item_id,
            workflow=asked.workflow,
            parameters=asked.parameters,
            started_by=asked.started_by,
            correlation=command.correlation,
            causepath=causes,
            root=command.root_cause,
            how="rule",
            wait_for_end=asked.wait_for_end,
        )
        await self._begin(tx, request)

    async def schedule_wait(self, command: Envelope[ScheduleWait], tx: Connection) -> None:
        """Records the wait; a worker asks for the item and begins it. Its end is the result."""
        asked = command.data
        request = StartRequest(
            tenant_id=command.tenant,
            id=command.command_id,
            item_id=asked.item_id,
            workflow=WAIT,
            parameters={"until": rfc3339(asked.until), PAYLOAD: asked.payload},
            started_by=command.issuer or command.source,
            correlation=command.correlation,
            causepath=command.causepath,
            root=command.root_cause,
            how="rule",
            wait_for_end=True,
        )
        await self._begin(tx, request)

    async def _begin(self, tx: Connection, request: StartRequest) -> None:
        await self._store.start_requests.add(tx, request)
        await worker.enqueue(tx, id=request.id, tenant=request.tenant_id, kind=START_WORKFLOW, run_at=self._clock())

    async def stop_workflows(self, command: Envelope[StopWorkflows], tx: Connection) -> CommandDone:
        """Ends the workflows that run on the item; a start that waits for one of them fails with the reason.

        Waits that services have asked for are theirs to cancel.
        """
        asked = command.data
        open_runs = await self._open(tx, (command.tenant, asked.item_id), asked.except_run)
        runs = [run for run in open_runs if run.workflow and run.rule_set != WAIT]
        wanted = [run for run in runs if asked.workflow in (None, run.rule_set)]

        def end(run: Run, now: datetime) -> Step:
            return terminate(run.program, run.state, asked.reason, now, delete_data=asked.delete_data)

        return await self._stop(tx, command.command_id, wanted, end)

    async def stop_automation(self, command: Envelope[StopAutomation], tx: Connection) -> CommandDone:
        """Cancels the rules of the item's stages that have not ended, as an operator would."""
        asked = command.data
        runs = await self._open(tx, (command.tenant, asked.item_id), asked.except_run)
        wanted = [run for run in runs if not run.workflow and asked.stage in (None, run.stage)]

        def end(run: Run, now: datetime) -> Step:
            return cancel(run.program, run.state, None, now, asked.reason)

        return await self._stop(tx, command.command_id, wanted, end)

    async def _open(self, tx: Connection, item: ItemKey, but: UUID | None) -> list[Run]:
        rows = await self._store.runs.lock_open_of_items(tx, [item])
        return [await self._store.programs.of_run(tx, row) for row in rows if row.id != but]

    async def _stop(
        self, tx: Connection, command_id: UUID, runs: Sequence[Run], end: Callable[[Run, datetime], Step]
    ) -> CommandDone:
        now, unended = self._clock(), [run for run in runs if run.state.outcome is None]
        for run in unended:
            await self._recorder.record(tx, run, end(run, now), now)
        return CommandDone(command_id=command_id, outputs={"stopped": len(unended)})

    async def cancel(self, tenant: UUID, target: UUID, tx: Connection) -> bool:
        """Cancels a start that is only asked for; one whose end is waited for is ended, and that is its result."""
        if await self._store.start_requests.delete(tx, tenant, target):
            return True
        for row in await self._store.runs.of_entries(tx, tenant, [target]):
            locked = await self._store.runs.get(tx, tenant, row.id, lock=True)
            if locked is not None and not locked.finished:
                await self._end(tx, await self._store.programs.of_run(tx, locked))
        return False

    async def _end(self, tx: Connection, run: Run) -> None:
        if run.state.outcome is None:
            now = self._clock()
            step = terminate(run.program, run.state, "whoever started it has cancelled that", now)
            await self._recorder.record(tx, run, step, now)


def handling(commands: Commands, handlers: Handlers) -> Subscription:
    """Each command to the engine itself goes to its method."""
    routes: dict[type[Body], CommandHandler] = {
        StartWorkflow: handlers.start_workflow,
        ScheduleWait: handlers.schedule_wait,
        StopWorkflows: handlers.stop_workflows,
        StopAutomation: handlers.stop_automation,
    }
    expected = MESSAGES[topics.RULE_COMMANDS]
    return commands.subscription(topics.RULE_COMMANDS, routes, expected=expected, cancel=handlers.cancel)
