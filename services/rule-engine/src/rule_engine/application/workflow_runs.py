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
from contracts.kit.auth import Caller
from contracts.kit.clock import Clock, NewId
from contracts.kit.database import Connection, after_commit
from contracts.kit.quotas import OverQuotaError
from contracts.messages.entity_events import FieldsChanged, StageChanged
from contracts.values import ItemSnapshot
from rule_engine.application.concurrency import BEGINS, KeyInUseError, Place, take_place
from rule_engine.application.open_runs import OpenRuns
from rule_engine.application.permissions import demand
from rule_engine.domain.authoring.concurrency import key_of
from rule_engine.domain.authoring.workflow_starts import (
    BadStartError,
    default_parameters,
    is_started_by,
    parameters_of,
    runs_on,
)
from rule_engine.domain.execution import workflows
from rule_engine.domain.execution.advance import refuse
from rule_engine.domain.execution.planning import OpenRun
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import Entry
from rule_engine.domain.execution.step import FURTHEST
from rule_engine.gateway import EntityService
from rule_engine.store import Store
from rule_engine.store.entries import Start, StoredEntry
from rule_engine.store.keyed_runs import KeyOfRuns
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
    key: str | None
    """Of concurrency."""
    refusal: str | None = None
    """Why it is recorded, but does not begin."""

    @property
    def key_of_runs(self) -> KeyOfRuns | None:
        return None if self.key is None else KeyOfRuns(self.start.origin.tenant, self.workflow.code, self.key)


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
        self, tx: Connection, who: Caller, code: str, item: ItemSnapshot, parameters: Mapping[str, JsonValue]
    ) -> UUID:
        """Returns the run's id. Raises `ForbiddenError`, and as `start` does."""
        await demand(tx, self._store.workflows, who, code, "start")
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

        Raises `NoSuchWorkflowError`, `BadStartError`, `OverQuotaError`, `KeyInUseError`.
        """
        tenant, code = request.tenant_id, request.workflow
        if await self._store.entries.known(tx, [request.id]):
            return uuid5(request.id, code)
        workflow = await self._store.workflows.in_force(tx, (tenant, code))
        if workflow is None:
            raise NoSuchWorkflowError(f"published workflow {code!r}")
        workflow = workflow.of(tenant, item.id)
        if not runs_on(workflow.document, item):
            wanted = workflow.document.pipeline or workflow.document.kind
            raise BadStartError(Issue("item_id", f"the workflow runs on items of {wanted} alone"))
        made = parameters_of(workflow.document, request.parameters)
        if refusal := (await self._open_runs.refusals(tx, [tenant])).get(tenant):
            raise OverQuotaError(refusal)
        entry = Entry(item.id, item.entry_seq, self._clock(), item)
        trace = telemetry.traceparent()
        origin = StoredEntry(tenant, request.id, entry, request.correlation, request.causepath, request.root, trace)
        start = Start(origin, code, workflow.version, request.how, request.started_by, workflow.canary_share)
        one = await self._wanted(tx, workflow, start, made)
        place = await self._place(tx, one)
        if place.refusal is not None:
            raise KeyInUseError(place.refusal)
        await self._record(tx, [(one, place)])
        return one.run_id

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
            await self._wanted_by_itself(tx, workflow, _start_after(event, workflow))
            for event in changes
            for workflow in (one.of(event.tenant, event.data.item.id) for one in autorunning.get(event.tenant, ()))
            if event.tenant not in refused and is_started_by(workflow.document, event.data)
        ]
        known = await self._store.entries.known(tx, [one.start.origin.id for one in wanted])
        new = [one for one in wanted if one.start.origin.id not in known]
        new.sort(key=lambda one: (one.start.origin.tenant, one.workflow.code, one.key or ""))
        await self._record(tx, [(one, await self._place(tx, one)) for one in new])

    async def _wanted(
        self, tx: Connection, workflow: InForce, start: Start, parameters: Mapping[str, JsonValue]
    ) -> _Wanted:
        """Raises `BadStartError` when its concurrency key cannot be made."""
        origin, code = start.origin, workflow.code
        program = await self._store.programs.of_workflow(tx, origin.tenant, code, workflow.version)
        key = key_of(workflow.document, origin.entry.snapshot, parameters, self._clock())
        return _Wanted(workflow, program, start, parameters, uuid5(origin.id, code), key)

    async def _wanted_by_itself(self, tx: Connection, workflow: InForce, start: Start) -> _Wanted:
        """Nobody is there to be told of a key that cannot be made: the run is recorded as refused."""
        parameters = default_parameters(workflow.document)
        try:
            return await self._wanted(tx, workflow, start, parameters)
        except BadStartError as error:
            program = await self._store.programs.of_workflow(tx, start.origin.tenant, workflow.code, workflow.version)
            run_id = uuid5(start.origin.id, workflow.code)
            reason = "; ".join(f"{where}: {what}" for where, what in error.issues)
            return _Wanted(workflow, program, start, parameters, run_id, None, reason)

    async def _place(self, tx: Connection, one: _Wanted) -> Place:
        key, concurrency = one.key_of_runs, one.workflow.document.concurrency
        if key is None or concurrency is None:
            return Place(refusal=one.refusal)
        return await take_place(tx, self._store.keyed_runs, key, concurrency.policy, one.run_id, self._clock())

    async def _record(self, tx: Connection, wanted: Sequence[tuple[_Wanted, Place]]) -> None:
        if not wanted:
            return
        now = self._clock()
        runs = [(_run(one, place, now), place) for one, place in wanted]
        begin = [(run.id, run.tenant, now) for run, place in runs if place == BEGINS]
        queued = [(run.id, run.tenant, now + FURTHEST) for run, place in runs if place.queued]
        await self._store.entries.add_starts(tx, [one.start for one, _ in wanted])
        await self._store.runs.add(tx, [run for run, _ in runs], now)
        await self._store.timers.add(tx, begin)
        if queued:
            await self._store.timers.park(tx, queued)
        after_commit(lambda: self._open_runs.add([tenant for _, tenant, _ in (*begin, *queued)]))


def cause_of_start(code: str, item: UUID) -> Cause:
    """The start of a workflow in the chain of causes: a circle of workflows comes to the same one again."""
    return Cause(f"workflow/{code}", str(item))


def _run(wanted: _Wanted, place: Place, now: datetime) -> Run:
    variables = {name: one.value for name, one in wanted.workflow.document.variables.items()}
    origin = wanted.start.origin
    state = workflows.begin_workflow(wanted.program, wanted.parameters, variables, wanted.start.started_by, now)
    if place.refusal is not None:
        state = refuse(wanted.program, state, place.refusal, now).state
    planned = OpenRun(wanted.run_id, origin.entry, wanted.program, state)
    version = wanted.workflow.code, wanted.workflow.version
    return new_run(planned, origin, version, origin.traceparent, now, wanted.key)


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
    how = "create" if created else "change"
    return Start(origin, workflow.code, workflow.version, how, data.changed_by, workflow.canary_share)
