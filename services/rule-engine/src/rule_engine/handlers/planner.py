"""What the engine consumes: items' events, which it plans from."""

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts import topics
from contracts.envelope import Envelope
from contracts.kit import telemetry
from contracts.kit.broker import Subscription
from contracts.kit.clock import Clock
from contracts.kit.database import Connection, Database, after_commit
from contracts.messages.entity_events import FieldsChanged, ItemDeleted, StageChanged
from rule_engine.application.open_runs import OpenRuns
from rule_engine.application.recorder import LOOK_AGAIN, Recorder
from rule_engine.application.workflow_runs import WorkflowStarts
from rule_engine.domain.execution.planning import OpenRun, Plan, PlannedEntry, Published, entry_of, goes_by_people, plan
from rule_engine.domain.execution.step import wake_at
from rule_engine.gateway import EntityService, TimesOf
from rule_engine.quotas import OPEN_RUNS
from rule_engine.store import Store
from rule_engine.store.entries import ItemKey, StoredEntry
from rule_engine.store.rule_sets import ForEntries
from rule_engine.store.runs import Run, new_run


class Planner:
    """Turns items' events into entries and runs, a batch at a time."""

    def __init__(  # noqa: PLR0913 - what it works with
        self,
        database: Database,
        store: Store,
        recorder: Recorder,
        entity_service: EntityService,
        open_runs: OpenRuns,
        starts: WorkflowStarts,
        clock: Clock,
    ) -> None:
        self._starts = starts
        self._database = database
        self._store = store
        self._recorder = recorder
        self._entity_service = entity_service
        self._counted = open_runs
        self._clock = clock

    async def prefetch(self, events: Sequence[Envelope[Any]]) -> TimesOf:
        """Before the transaction: the tenants' clocks and calendars, and those of people where rules ask for them.

        While entity-service is away the batch waits; what it refuses to tell, the events are to blame for.
        """
        changes = [event for event in events if isinstance(event.data, StageChanged | FieldsChanged)]
        items = await self._with_peoples_times(changes)
        return await self._entity_service.times({event.tenant for event in events}, items)

    async def _with_peoples_times(self, changes: Sequence[Envelope[Any]]) -> list[ItemKey]:
        """The items in pipelines with a rule that goes by the clock or the calendar of a person."""
        if not changes:
            return []
        pairs = {(event.tenant, event.data.item.pipeline) for event in changes}
        async with self._database.transaction(*{event.tenant for event in changes}) as tx:
            published = await self._published(tx, pairs)
        by_people = {(tenant, code) for tenant, code in pairs if goes_by_people(published[tenant].get(code))}
        return [(e.tenant, e.data.item.id) for e in changes if (e.tenant, e.data.item.pipeline) in by_people]

    async def plan(self, events: Sequence[Envelope[Any]], times: TimesOf, tx: Connection) -> None:
        """Plans a batch: heads are locked first, then runs, so that two planners never wait for each other."""
        by_item: dict[ItemKey, list[Envelope[Any]]] = defaultdict(list)
        for event in events:
            by_item[event.tenant, _item_of(event)].append(event)
        heads = await self._store.entries.lock_heads(tx, by_item)
        entered_before = {key for key, head in heads.items() if head.last_entry_seq}
        known = await self._store.entries.known(tx, [UUID(e.id) for e in events if isinstance(e.data, StageChanged)])
        stored = await self._open_runs(tx, by_item)
        entered = {(e.tenant, e.data.to_pipeline) for e in events if isinstance(e.data, StageChanged)}
        published = await self._published(tx, entered)
        refusals = await self._counted.refusals(tx, {tenant for tenant, _ in entered})
        plans = {
            key: plan(
                heads[key],
                [event for event in messages if UUID(event.id) not in known],
                [OpenRun(run.id, run.entry, run.program, run.state) for run in stored.get(key, [])],
                published.get(key[0], {}),
                times.of(*key),
                refusals.get(key[0]),
            )
            for key, messages in by_item.items()
        }
        await self._write_left(tx, {key: plans[key] for key in entered_before})
        await self._write(tx, plans)
        await self._write_changed(tx, plans, stored, by_item)
        await self._store.entries.save_heads(tx, heads)
        await self._starts.after(tx, events)

    async def _open_runs(
        self, tx: Connection, by_item: Mapping[ItemKey, list[Envelope[Any]]]
    ) -> dict[ItemKey, list[Run]]:
        found: dict[ItemKey, list[Run]] = defaultdict(list)
        for row in await self._store.runs.lock_open_of_items(tx, list(by_item)):
            found[row.tenant, row.item_id].append(await self._store.programs.of_run(tx, row))
        return found

    async def _published(self, tx: Connection, pairs: Collection[tuple[UUID, str]]) -> dict[UUID, dict[str, Published]]:
        """The newest published rule set of pipelines (tenant, code), with its canary, by tenant and pipeline."""
        found: dict[UUID, dict[str, Published]] = defaultdict(dict)
        for (tenant, pipeline), one in (await self._store.rule_sets.for_entries(tx, sorted(pairs))).items():
            programs = await self._store.programs.of_version(tx, tenant, one.code, one.version)
            found[tenant][pipeline] = Published(one.code, one.version, programs, await self._canary(tx, tenant, one))
        return found

    async def _canary(self, tx: Connection, tenant: UUID, one: ForEntries) -> Published | None:
        if one.canary is None:
            return None
        version, percent = one.canary.version, one.canary.percent
        programs = await self._store.programs.of_version(tx, tenant, one.code, version)
        return Published(one.code, version, programs, canary_share=percent)

    async def _write_left(self, tx: Connection, plans: Mapping[ItemKey, Plan]) -> None:
        left = [(*key, made.head.last_entry_seq, *made.left_at) for key, made in plans.items() if made.left_at]
        if left:
            await self._store.entries.leave(tx, left)

    async def _write(self, tx: Connection, plans: Mapping[ItemKey, Plan]) -> None:
        now = self._clock()
        entries = [entry for made in plans.values() for entry in made.entries]
        traces = {entry.event.id: _trace_of(entry) for entry in entries}
        await self._store.entries.add(tx, entries, traces)
        runs = [run for entry in entries for run in _new_runs(entry, traces[entry.event.id], now)]
        await self._store.runs.add(tx, runs, now)
        await self._store.rule_runs.save(tx, [(run, tuple(run.state.executions.values())) for run in runs], now)
        unfinished = [run for run in runs if not run.state.finished]
        await self._store.timers.add(tx, [(run.id, run.tenant, _first_timer(run)) for run in unfinished])
        after_commit(lambda: self._note(entries, unfinished))

    def _note(self, entries: Sequence[PlannedEntry], unfinished: Sequence[Run]) -> None:
        self._counted.add([run.tenant for run in unfinished])
        telemetry.QUOTA_REFUSALS.labels(OPEN_RUNS.name).inc(sum(len(one.runs) for one in entries if one.refused))

    async def _write_changed(
        self,
        tx: Connection,
        plans: Mapping[ItemKey, Plan],
        stored: Mapping[ItemKey, list[Run]],
        by_item: Mapping[ItemKey, list[Envelope[Any]]],
    ) -> None:
        now = self._clock()
        for key, made in plans.items():
            verb, event = _cause_of_change(by_item[key])
            for run in [run for run in stored.get(key, []) if run.id in made.changed]:
                with telemetry.handling(verb, event, links=(run.traceparent,)), telemetry.about(run_id=run.id):
                    await self._recorder.record(tx, run, made.changed[run.id], now)


def _item_of(event: Envelope[Any]) -> UUID:
    data = event.data
    return data.item_id if isinstance(data, ItemDeleted) else data.item.id


def _cause_of_change(events: Sequence[Envelope[Any]]) -> tuple[str, Envelope[Any]]:
    """What the last event that takes the item away from where it was does to runs, else the last that changes it."""
    leaving = [event for event in events if isinstance(event.data, StageChanged | ItemDeleted)]
    return ("leave", leaving[-1]) if leaving else ("redate", events[-1])


def _first_timer(run: Run) -> datetime:
    return wake_at(run.program, run.state, run.entry.entered_at) or run.entry.entered_at + LOOK_AGAIN


def _trace_of(entry: PlannedEntry) -> str | None:
    """The trace that the entry's runs belong to: that of the stage change, one span further on."""
    with telemetry.handling("plan", entry.event):
        return telemetry.traceparent()


def _new_runs(entry: PlannedEntry, traceparent: str | None, now: datetime) -> list[Run]:
    """Only a published rule set gives runs."""
    if entry.published is None:
        return []
    origin, version = _origin(entry, traceparent), (entry.published.code, entry.published.version)
    return [new_run(planned, origin, version, traceparent, now) for planned in entry.runs]


def _origin(entry: PlannedEntry, traceparent: str | None) -> StoredEntry:
    event = entry.event
    return StoredEntry(
        tenant=event.tenant,
        id=UUID(event.id),
        entry=entry_of(event),
        correlation=event.correlation,
        causepath=event.causepath,
        root=event.root_cause,
        traceparent=traceparent,
    )


def planning(planner: Planner) -> Subscription[TimesOf]:
    """Items' events."""
    return Subscription(
        topics=(topics.ENTITY_EVENTS,),
        bodies=(StageChanged, FieldsChanged, ItemDeleted),
        prefetch=planner.prefetch,
        handle=planner.plan,
    )
