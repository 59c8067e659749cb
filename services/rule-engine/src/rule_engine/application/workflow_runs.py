"""Runs of workflows: how they start, and what people do to them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from pydantic import JsonValue

from contracts.envelope import Cause, Envelope
from contracts.issues import Issue
from contracts.kit import telemetry
from contracts.kit.clock import Clock, NewId
from contracts.kit.configuration import Who
from contracts.kit.database import Connection, after_commit
from contracts.kit.quotas import OverQuotaError
from contracts.messages.entity_events import FieldsChanged, StageChanged
from contracts.values import ItemSnapshot
from rule_engine.application.open_runs import OpenRuns
from rule_engine.domain.authoring.workflow_starts import (
    BadStartError,
    default_parameters,
    is_started_by,
    parameters_of,
    runs_on,
)
from rule_engine.domain.execution import workflows
from rule_engine.domain.execution.planning import OpenRun
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import Entry
from rule_engine.gateway import EntityService
from rule_engine.store import Store
from rule_engine.store.entries import Start, StoredEntry
from rule_engine.store.runs import Run, new_run
from rule_engine.store.workflow_starts import StartRequest
from rule_engine.store.workflows import InForce

START_WORKFLOW = "start_workflow"
"""The kind of work that starts what a rule has asked for."""


class NoSuchWorkflowError(Exception):
    """There is nothing to start, or no item to start it on; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class _Wanted:
    """A run that is to be started."""

    workflow: InForce
    program: Program
    start: Start
    parameters: Mapping[str, JsonValue]
    run_id: UUID


class WorkflowStarts:
    """Starts workflows: by themselves after an item's event, or by hand. Starting the same twice is one run."""

    def __init__(
        self,
        store: Store,
        entity_service: EntityService,
        open_runs: OpenRuns,
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._store = store
        self._entity_service = entity_service
        self._open_runs = open_runs
        self._clock = clock
        self._new_id = new_id

    async def by_hand(
        self, tx: Connection, who: Who, code: str, item: ItemSnapshot, parameters: Mapping[str, JsonValue]
    ) -> UUID:
        """Returns the run's id. Raises as `start` does."""
        id = self._new_id()
        request = StartRequest(
            tenant_id=who.tenant,
            id=id,
            item_id=item.id,
            workflow=code,
            parameters=parameters,
            started_by=who.subject,
            correlation=f"start/{id}",
            causepath=(cause_of_start(code, item.id),),
            root=str(id),
        )
        return await self.start(tx, request, item)

    async def item(self, tenant: UUID, item: UUID) -> ItemSnapshot:
        """The item to start it on, as it is now. Raises `NoSuchWorkflowError`, and `OutageError` when entity-service is
        away.
        """
        context = await self._entity_service.context(tenant, item, ())
        if context is None:
            raise NoSuchWorkflowError(f"item {item}")
        return context.item

    async def start(self, tx: Connection, request: StartRequest, item: ItemSnapshot) -> UUID:
        """Starts the newest published version, and returns the run's id.

        Raises `NoSuchWorkflowError`, `BadStartError`, `OverQuotaError`.
        """
        tenant, code = request.tenant_id, request.workflow
        workflow = await self._store.workflows.in_force(tx, (tenant, code))
        if workflow is None:
            raise NoSuchWorkflowError(f"published workflow {code!r}")
        if not runs_on(workflow.document, item):
            wanted = workflow.document.pipeline or workflow.document.kind
            raise BadStartError(Issue("item_id", f"the workflow runs on items of {wanted} alone"))
        made = parameters_of(workflow.document, request.parameters)
        if refusal := (await self._open_runs.refusals(tx, [tenant])).get(tenant):
            raise OverQuotaError(refusal)
        entry = Entry(item.id, item.entry_seq, self._clock(), item)
        trace = telemetry.traceparent()
        origin = StoredEntry(tenant, request.id, entry, request.correlation, request.causepath, request.root, trace)
        start = Start(origin, code, workflow.version, request.how, request.started_by)
        wanted_run = await self._wanted(tx, workflow, start, made)
        await self._record(tx, [wanted_run])
        return wanted_run.run_id

    async def after(self, tx: Connection, events: Sequence[Envelope[Any]]) -> None:
        """Starts what items' events start, in the transaction that plans them."""
        changes = [one for one in events if isinstance(one.data, StageChanged | FieldsChanged)]
        if not changes:
            return
        tenants = {one.tenant for one in changes}
        autorunning = await self._store.workflows.autorunning(tx, tenants)
        if not autorunning:
            return
        refused = await self._open_runs.refusals(tx, autorunning.keys())
        wanted = [
            await self._wanted(tx, workflow, _start_after(event, workflow), {})
            for event in changes
            for workflow in autorunning.get(event.tenant, ())
            if event.tenant not in refused and is_started_by(workflow.document, event.data)
        ]
        await self._record(tx, wanted)

    async def _wanted(
        self, tx: Connection, workflow: InForce, start: Start, parameters: Mapping[str, JsonValue]
    ) -> _Wanted:
        tenant, code = start.origin.tenant, workflow.code
        program = await self._store.programs.of_workflow(tx, tenant, code, workflow.version)
        made = parameters or default_parameters(workflow.document)
        return _Wanted(workflow, program, start, made, uuid5(start.origin.id, code))

    async def _record(self, tx: Connection, wanted: Sequence[_Wanted]) -> None:
        known = await self._store.entries.known(tx, [one.start.origin.id for one in wanted])
        wanted = [one for one in wanted if one.start.origin.id not in known]
        if not wanted:
            return
        now = self._clock()
        runs = [_run(one, now) for one in wanted]
        await self._store.entries.add_starts(tx, [one.start for one in wanted])
        await self._store.runs.add(tx, runs, now)
        await self._store.timers.add(tx, [(run.id, run.tenant, now) for run in runs])
        after_commit(lambda: self._open_runs.add([run.tenant for run in runs]))


def cause_of_start(code: str, item: UUID) -> Cause:
    """The start of a workflow in the chain of causes: a circle of workflows comes to the same one again."""
    return Cause(f"workflow/{code}", str(item))


def _run(wanted: _Wanted, now: datetime) -> Run:
    variables = {name: one.value for name, one in wanted.workflow.document.variables.items()}
    origin = wanted.start.origin
    state = workflows.begin_workflow(wanted.program, wanted.parameters, variables, wanted.start.started_by, now)
    planned = OpenRun(wanted.run_id, origin.entry, wanted.program, state)
    return new_run(planned, origin, (wanted.workflow.code, wanted.workflow.version), origin.traceparent, now)


def _start_after(event: Envelope[Any], workflow: InForce) -> Start:
    data = event.data
    created = isinstance(data, StageChanged) and data.entry_seq == 1
    entry = Entry(data.item.id, data.item.entry_seq, data.at, data.item)
    own = cause_of_start(workflow.code, data.item.id)
    with telemetry.handling("start workflow", event):
        traceparent = telemetry.traceparent()
    origin = StoredEntry(
        tenant=event.tenant,
        id=uuid5(UUID(event.id), workflow.code),
        entry=entry,
        correlation=event.correlation,
        causepath=(*event.causepath, own),
        root=event.root_cause,
        traceparent=traceparent,
    )
    return Start(origin, workflow.code, workflow.version, "create" if created else "change", data.changed_by)
