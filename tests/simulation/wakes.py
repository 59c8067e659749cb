"""The tables `wakes` and `command_deadlines`, statement by statement as the SQL of the same names."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from contracts.kit.database import Connection
from rule_engine.store.wakes import Counts, Wake, Wakes
from simulation.ground import TENANT


class SimulatedWakes(Wakes):
    """Rows by run. `last_gen` is the column of `runs` that outlives a wake's row. `writes` counts what was written."""

    def __init__(self) -> None:
        self.rows: dict[UUID, Wake] = {}
        self.last_gen: dict[UUID, int] = {}
        self.deadline_rows: dict[UUID, tuple[UUID, datetime]] = {}
        self.writes = 0

    def _put(self, wake: Wake) -> None:
        self.rows[wake.run_id] = wake
        self.writes += 1

    def _at(self, run_id: UUID, gen: int) -> Wake | None:
        """The row if it is still at this generation."""
        wake = self.rows.get(run_id)
        return wake if wake and wake.gen == gen else None

    async def add(self, tx: Connection, wakes: Iterable[tuple[UUID, UUID, datetime]]) -> None:
        for run_id, tenant, wake_at in wakes:
            if run_id not in self.rows:
                self._put(Wake(run_id, tenant, 1, 0, wake_at, False, 0))

    async def lock(self, tx: Connection, run_id: UUID) -> Wake | None:
        return self.rows.get(run_id)

    async def get(self, tx: Connection, run_id: UUID) -> Wake | None:
        return self.rows.get(run_id)

    async def start_at(self, tx: Connection, run_id: UUID, tenant: UUID, wake_at: datetime, *, ran: bool) -> None:
        old = self.rows.get(run_id)
        if old is None:
            self._put(Wake(run_id, tenant, self.last_gen.get(run_id, 0) + 1, 0, wake_at, False, 0))
        else:
            self._put(replace(old, gen=old.gen + 1, wake_at=wake_at, parked=old.parked and not ran, misses=0))

    async def await_result(self, tx: Connection, run_id: UUID, look_again_at: datetime, *, ran: bool) -> None:
        if old := self.rows.get(run_id):
            parked = old.parked and not ran
            driven = old.driven_gen if parked else old.gen + 1
            self._put(replace(old, gen=old.gen + 1, driven_gen=driven, wake_at=look_again_at, parked=parked, misses=0))

    async def finish(self, tx: Connection, run_id: UUID, tenant: UUID, *, ran: bool) -> None:
        old = self.rows.get(run_id)
        self.last_gen[run_id] = old.gen if old else 0
        if old and (not old.parked or ran):
            del self.rows[run_id]
            self.writes += 1
        elif old:
            self.last_gen[run_id] += 1
            self._put(replace(old, gen=old.gen + 1, wake_at=None))

    async def miss(self, tx: Connection, wake: Wake, wake_at: datetime) -> bool:
        if old := self._at(wake.run_id, wake.gen):
            self._put(replace(old, gen=old.gen + 1, wake_at=wake_at, parked=False, misses=old.misses + 1))
        return old is not None

    async def undriven(self, tx: Connection, limit: int) -> list[Wake]:
        return [wake for wake in self.rows.values() if wake.driven_gen < wake.gen][:limit]

    async def driven(self, tx: Connection, wakes: Sequence[Wake]) -> None:
        for wake in wakes:
            old = self._at(wake.run_id, wake.gen)
            if old and old.driven_gen < old.gen:
                self._put(replace(old, driven_gen=old.gen, parked=True))

    async def drop(self, tx: Connection, wake: Wake) -> None:
        old = self._at(wake.run_id, wake.gen)
        if old and old.wake_at is None:
            del self.rows[wake.run_id]
            self.writes += 1

    async def overdue(self, tx: Connection, before: datetime, limit: int) -> list[Wake]:
        driven = (wake for wake in self.rows.values() if wake.driven_gen == wake.gen)
        return [wake for wake in driven if wake.wake_at and wake.wake_at < before][:limit]

    async def parked(self, tx: Connection, after: UUID | None, limit: int) -> list[Wake]:
        parked = (wake for wake in self.rows.values() if wake.parked and wake.driven_gen == wake.gen)
        page = sorted(parked, key=lambda wake: wake.run_id)
        return [wake for wake in page if after is None or wake.run_id > after][:limit]

    async def by_runs(self, tx: Connection, runs: Sequence[UUID]) -> dict[UUID, Wake]:
        return {run: self.rows[run] for run in runs if run in self.rows}

    async def lost(self, tx: Connection, wake: Wake) -> bool:
        if old := self._at(wake.run_id, wake.gen):
            self._put(replace(old, gen=old.gen + 1, parked=False))
        return old is not None

    async def deadlines(self, tx: Connection, now: datetime, next_at: datetime, limit: int) -> list[tuple[UUID, UUID]]:
        late = [command for command, (_, at) in self.deadline_rows.items() if at < now][:limit]
        found = [(self.deadline_rows[command][0], command) for command in late]
        self.deadline_rows |= {command: (tenant, next_at) for tenant, command in found}
        return found

    async def counts(self, tx: Connection, now: datetime) -> dict[UUID, Counts]:
        return {TENANT: Counts(len(self.rows), 0, 0)}
