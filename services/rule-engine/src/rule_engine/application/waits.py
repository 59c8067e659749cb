"""Begins the waits that services ask for."""

from uuid import UUID, uuid5

from contracts.kit import telemetry
from contracts.kit.clock import Clock
from contracts.kit.database import Connection, after_commit
from contracts.kit.quotas import OverQuotaError
from contracts.values import ItemSnapshot
from rule_engine.application.open_runs import OpenRuns
from rule_engine.domain.execution.planning import OpenRun
from rule_engine.domain.execution.state import Entry
from rule_engine.domain.execution.waits import PAYLOAD, PROGRAM, VERSION, WAIT, begin_wait
from rule_engine.store import Store
from rule_engine.store.entries import Start, StoredEntry
from rule_engine.store.runs import new_run
from rule_engine.store.workflow_starts import StartRequest


class Waits:
    """A wait is a run of the engine's own program, so that it survives whatever a workflow's pause survives."""

    def __init__(self, store: Store, open_runs: OpenRuns, clock: Clock) -> None:
        self._store = store
        self._open_runs = open_runs
        self._clock = clock

    async def start(self, tx: Connection, request: StartRequest, item: ItemSnapshot) -> UUID:
        """Begins it, once, and returns the run's id. Raises `OverQuotaError`."""
        tenant, run_id, now = request.tenant_id, uuid5(request.id, WAIT), self._clock()
        if refusal := (await self._open_runs.refusals(tx, [tenant])).get(tenant):
            raise OverQuotaError(refusal)
        entry = Entry(item.id, item.entry_seq, now, item)
        trace = telemetry.traceparent()
        origin = StoredEntry(tenant, request.id, entry, request.correlation, request.causepath, request.root, trace)
        until, payload = str(request.parameters["until"]), str(request.parameters[PAYLOAD])
        planned = OpenRun(run_id, entry, PROGRAM, begin_wait(until, payload, request.started_by, now))
        run = new_run(planned, origin, (WAIT, VERSION), trace, now)
        await self._store.entries.add_starts(tx, [Start(origin, WAIT, VERSION, request.how, request.started_by)])
        await self._store.runs.add(tx, [run], now)
        await self._store.timers.add(tx, [(run_id, tenant, now)])
        after_commit(lambda: self._open_runs.add([tenant]))
        return run_id
