"""Starts workflows for rules and waits for services, and ends workflows that others replace."""

from uuid import UUID

import structlog

from contracts.kit.broker import OutageError
from contracts.kit.clock import Clock
from contracts.kit.commands import Commands
from contracts.kit.database import Connection, Database
from contracts.kit.errors import RetryLaterError
from contracts.kit.quotas import OverQuotaError
from contracts.kit.worker import Job, Task
from contracts.messages.results import CommandFailed, CommandRefused, FinalResult
from contracts.texts import readable_reason
from contracts.values import ItemSnapshot
from rule_engine.application.concurrency import KeyInUseError
from rule_engine.application.recorder import Recorder
from rule_engine.application.waits import Waits
from rule_engine.application.workflow_runs import NoSuchWorkflowError, WorkflowStarts
from rule_engine.domain.authoring.workflow_starts import BadStartError
from rule_engine.domain.execution.waits import WAIT
from rule_engine.domain.execution.workflows import terminate
from rule_engine.messages import wait_under_way, workflow_started, workflow_under_way
from rule_engine.store import Store
from rule_engine.store.workflow_starts import StartRequest

logger = structlog.get_logger(__name__)


class StartJob:
    """Starts the workflows and waits that were asked for. Starting the same twice is one run."""

    def __init__(
        self, database: Database, store: Store, starts: WorkflowStarts, waits: Waits, answers: Commands
    ) -> None:
        self._database = database
        self._store = store
        self._starts = starts
        self._waits = waits
        self._answers = answers

    def job(self) -> Job:
        return Job(self.run, self.give_up, attempts=100)

    async def run(self, task: Task) -> None:
        """Starts one, unless it was cancelled meanwhile; a refusal is the answer to its command."""
        async with self._database.transaction(task.tenant) as tx:
            request = await self._store.start_requests.get(tx, task.tenant, task.id)
        try:
            item = await self._starts.item(task.tenant, request.item_id) if request else None
            async with self._database.transaction(task.tenant) as tx:
                if await self._is_ended(tx, task) and request and item:
                    await self._start(tx, request, item)
        except OutageError as error:
            raise RetryLaterError(str(error)) from error
        except NoSuchWorkflowError as error:
            await self._answer(task, CommandRefused(command_id=task.id, reason=f"there is no {error}"))
        except BadStartError as error:
            reason = "; ".join(f"{where}: {what}" for where, what in error.issues)
            await self._answer(task, CommandRefused(command_id=task.id, reason=readable_reason(reason)))
        except (OverQuotaError, KeyInUseError) as error:
            await self._answer(task, CommandRefused(command_id=task.id, reason=str(error)))

    async def give_up(self, task: Task, reason: str) -> None:
        said = readable_reason(f"the workflow could not be started: {reason}")
        await self._answer(task, CommandFailed(command_id=task.id, reason=said, retryable=True))

    async def _start(self, tx: Connection, request: StartRequest, item: ItemSnapshot) -> None:
        if request.workflow == WAIT:
            await self._waits.start(tx, request, item)
            await self._answers.progress(tx, request.tenant_id, wait_under_way(request))
            return
        run_id = await self._starts.start(tx, request, item)
        if request.wait_for_end:
            progress = workflow_under_way(request.id, request.workflow, run_id)
            await self._answers.progress(tx, request.tenant_id, progress)
        else:
            await self._answers.finish(tx, request.tenant_id, workflow_started(request.id, run_id))

    async def _answer(self, task: Task, result: FinalResult) -> None:
        async with self._database.transaction(task.tenant) as tx:
            if await self._is_ended(tx, task):
                await self._answers.finish(tx, task.tenant, result)

    async def _is_ended(self, tx: Connection, task: Task) -> bool:
        """Ends the work; false when another worker has it, or its command was cancelled."""
        return await task.complete(tx) and await self._store.start_requests.delete(tx, task.tenant, task.id)


class ReplaceJob:
    """Ends the runs that a later run of the same concurrency key replaces, each in a transaction of its own."""

    def __init__(self, database: Database, store: Store, recorder: Recorder, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._recorder = recorder
        self._clock = clock

    def job(self) -> Job:
        return Job(self.run, self.give_up, attempts=100)

    async def run(self, task: Task) -> None:
        """`task.id` is the later run; once it goes on itself, or has ended, nothing is left to do."""
        try:
            async with self._database.transaction(task.tenant) as tx:
                earlier = await self._store.keyed_runs.before(tx, task.tenant, task.id)
            for run_id in earlier:
                await self._end(task, run_id)
        except OutageError as error:
            raise RetryLaterError(str(error)) from error
        async with self._database.transaction(task.tenant) as tx:
            await task.complete(tx)

    async def give_up(self, task: Task, reason: str) -> None:
        """The later run waits until the earlier ones have ended by themselves."""
        logger.error("runs could not be replaced", run_id=task.id, reason=reason)
        async with self._database.transaction(task.tenant) as tx:
            await task.complete(tx)

    async def _end(self, task: Task, run_id: UUID) -> None:
        async with self._database.transaction(task.tenant) as tx:
            row = await self._store.runs.get(tx, task.tenant, run_id, lock=True)
            run = await self._store.programs.of_run(tx, row) if row and not row.finished else None
            if run is not None and run.state.outcome is None:
                now = self._clock()
                step = terminate(run.program, run.state, f"replaced by run {task.id}", now)
                await self._recorder.record(tx, run, step, now)
