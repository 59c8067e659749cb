"""Diagnoses: what runs wait for is gathered from rows, from the outbox and dead letters, and from entity-service."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from contracts.contexts import EmployeeRef
from contracts.kit.auth import Caller
from contracts.kit.broker import OutageError
from contracts.kit.clock import Clock
from contracts.kit.database import Connection, Database
from contracts.kit.dead_letter.store import letters, parked_rows
from rule_engine import messages
from rule_engine.application.permissions import demand, hidden
from rule_engine.domain.execution.diagnosis import AskedEmployee, Diagnosis, Look, SentCommand
from rule_engine.gateway import EntityService
from rule_engine.store import Store
from rule_engine.store.commands import OpenCommand
from rule_engine.store.runs import Run

MAX_RUNS = 100
"""Open runs of one item that are looked at."""


@dataclass(frozen=True, slots=True)
class DiagnosedRun:
    """A run, and what was found out about it."""

    run: Run
    diagnosis: Diagnosis


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the rows say of runs, by run."""

    runs: Sequence[Run]
    looks: Mapping[UUID, Look]
    commands: Mapping[UUID, Sequence[OpenCommand]]
    changed_at: Mapping[UUID, Mapping[int, datetime]]
    assignees: Mapping[UUID, Sequence[tuple[int, UUID]]]
    put_aside: Mapping[str, int]
    queued_behind: Mapping[UUID, Sequence[UUID]]


class Diagnoses:
    """Looks at runs, and at what has become of their commands."""

    def __init__(
        self, database: Database, store: Store, entity_service: EntityService, clock: Clock, result_deadline: timedelta
    ) -> None:
        self._database = database
        self._store = store
        self._entity_service = entity_service
        self._clock = clock
        self._result_deadline = result_deadline

    async def of_run(self, who: Caller, run_id: UUID) -> DiagnosedRun | None:
        """Null when there is no such run. Raises `ForbiddenError`."""
        tenant = who.tenant
        async with self._database.transaction(tenant) as tx:
            row = await self._store.runs.get(tx, tenant, run_id)
            if row is None:
                return None
            if row.workflow:
                await demand(tx, self._store.workflows, who, row.rule_set, "see")
            seen = await self._seen(tx, tenant, [await self._store.programs.of_run(tx, row)])
        return (await self._diagnosed(tenant, seen))[0]

    async def of_item(self, who: Caller, item: UUID) -> list[DiagnosedRun] | None:
        """The unfinished runs of an item that they may see, the one that needs somebody most first; null when it is not
        known.
        """
        tenant = who.tenant
        async with self._database.transaction(tenant) as tx:
            if not await self._store.entries.is_known(tx, tenant, item):
                return None
            unseen = await hidden(tx, self._store.workflows, who)
            rows = await self._store.runs.open_of_item(tx, tenant, item, MAX_RUNS)
            rows = [row for row in rows if not (row.workflow and row.rule_set in unseen)]
            seen = await self._seen(tx, tenant, [await self._store.programs.of_run(tx, row) for row in rows])
        return sorted(await self._diagnosed(tenant, seen), key=_urgency)

    async def _seen(self, tx: Connection, tenant: UUID, runs: Sequence[Run]) -> _Seen:
        ids = [run.id for run in runs]
        timers = await self._store.timers.by_runs(tx, ids)
        commands = await self._store.commands.of_runs(tx, tenant, ids)
        keys = {one.key: one.sent_at for sent in commands.values() for one in sent}
        since = min(keys.values(), default=self._clock())
        assignees = defaultdict[UUID, list[tuple[int, UUID]]](list)
        for run, step, assignee in await self._store.assignments.open_of_runs(tx, tenant, ids):
            assignees[run].append((step, assignee))
        return _Seen(
            runs=runs,
            looks={id: Look(timer.wake_at, timer.failures) for id, timer in timers.items()},
            commands=commands,
            changed_at={run.id: await self._changed_at(tx, run) for run in runs},
            assignees=assignees,
            queued_behind={
                run.id: await self._store.keyed_runs.before(tx, tenant, run.id) for run in runs if run.concurrency_key
            },
            put_aside=await letters.open_of_keys(tx, tenant, list(keys), since) if keys else {},
        )

    async def _changed_at(self, tx: Connection, run: Run) -> Mapping[int, datetime]:
        return await self._store.rule_runs.changed_at(tx, run, [*run.state.executions, *run.state.frames])

    async def _diagnosed(self, tenant: UUID, seen: _Seen) -> list[DiagnosedRun]:
        keys = sorted({one.key for sent in seen.commands.values() for one in sent})
        async with self._database.delivery() as tx:
            parked = await parked_rows.of_keys(tx, keys) if keys else {}
        employees = await self._employees(tenant) if seen.assignees else {}
        return [DiagnosedRun(run, self._diagnosis(run, seen, parked, employees)) for run in seen.runs]

    async def _employees(self, tenant: UUID) -> Mapping[UUID, EmployeeRef]:
        """None while entity-service is away: they are named by id then."""
        try:
            schema = await self._entity_service.schema(tenant)
        except OutageError:
            return {}
        return {one.id: one for one in (*schema.employees, *schema.archived_employees)}

    def _diagnosis(
        self, run: Run, seen: _Seen, parked: Mapping[str, str], employees: Mapping[UUID, EmployeeRef]
    ) -> Diagnosis:
        commands = {
            one.id: SentCommand(
                messages.topic_named(one.topic).owner, one.sent_at, parked.get(one.key), seen.put_aside.get(one.key, 0)
            )
            for one in seen.commands.get(run.id, ())
        }
        asked = defaultdict[int, list[AskedEmployee]](list)
        for step, id in seen.assignees.get(run.id, ()):
            asked[step].append(_asked(id, employees))
        look = seen.looks.get(run.id, Look(None))
        return Diagnosis(
            program=run.program,
            state=run.state,
            now=self._clock(),
            look=look,
            commands=commands,
            result_deadline=self._result_deadline,
            asked=asked,
            changed_at=seen.changed_at[run.id],
            queued_behind=seen.queued_behind.get(run.id, ()),
        )


def _asked(id: UUID, employees: Mapping[UUID, EmployeeRef]) -> AskedEmployee:
    known = employees.get(id)
    if known is None:
        return AskedEmployee(str(id))
    substitute = employees.get(known.substitute_id) if known.substitute_id else None
    return AskedEmployee(known.name, known.absent_until, substitute.name if substitute else None)


def _urgency(one: DiagnosedRun) -> tuple[int, str]:
    findings = one.diagnosis.findings()
    return (findings[0].urgency if findings else 9, str(one.run.id))
