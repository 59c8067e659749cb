"""The tables `timers` and `command_deadlines`, statement by statement as the SQL of the same names."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from uuid import UUID

from contracts.kit.database import Connection
from rule_engine.store.timers import Timer, Timers


class SimulatedTimers(Timers):
    """Rows by run. `last_generation` is the column of `runs` that outlives a timer's row. `writes` counts."""

    def __init__(self) -> None:
        self.rows: dict[UUID, Timer] = {}
        self.last_generation: dict[UUID, int] = {}
        self.deadline_rows: dict[UUID, tuple[UUID, datetime]] = {}
        self.writes = 0

    def _put(self, timer: Timer) -> None:
        self.rows[timer.run_id] = timer
        self.writes += 1

    def _at(self, run_id: UUID, generation: int) -> Timer | None:
        """The row if it is still at this generation."""
        timer = self.rows.get(run_id)
        return timer if timer and timer.generation == generation else None

    async def add(self, tx: Connection, timers: Iterable[tuple[UUID, UUID, datetime]]) -> None:
        for run_id, tenant, wake_at in timers:
            if run_id not in self.rows:
                self._put(Timer(run_id, tenant, 1, 0, wake_at, False, 0))

    async def lock(self, tx: Connection, run_id: UUID) -> Timer | None:
        return self.rows.get(run_id)

    async def get(self, tx: Connection, run_id: UUID) -> Timer | None:
        return self.rows.get(run_id)

    async def start_at(self, tx: Connection, run_id: UUID, tenant: UUID, wake_at: datetime, *, ran: bool) -> None:
        old = self.rows.get(run_id)
        if old is None:
            self._put(Timer(run_id, tenant, self.last_generation.get(run_id, 0) + 1, 0, wake_at, False, 0))
        else:
            self._put(
                replace(
                    old,
                    generation=old.generation + 1,
                    wake_at=wake_at,
                    has_execution=old.has_execution and not ran,
                    failures=0,
                )
            )

    async def await_result(self, tx: Connection, run_id: UUID, look_again_at: datetime, *, ran: bool) -> None:
        if old := self.rows.get(run_id):
            has_execution = old.has_execution and not ran
            scheduled = old.scheduled_generation if has_execution else old.generation + 1
            self._put(
                replace(
                    old,
                    generation=old.generation + 1,
                    scheduled_generation=scheduled,
                    wake_at=look_again_at,
                    has_execution=has_execution,
                    failures=0,
                )
            )

    async def finish(self, tx: Connection, run_id: UUID, tenant: UUID, *, ran: bool) -> None:
        old = self.rows.get(run_id)
        self.last_generation[run_id] = old.generation if old else 0
        if old and (not old.has_execution or ran):
            del self.rows[run_id]
            self.writes += 1
        elif old:
            self.last_generation[run_id] += 1
            self._put(replace(old, generation=old.generation + 1, wake_at=None))

    async def defer(self, tx: Connection, timer: Timer, wake_at: datetime) -> bool:
        if old := self._at(timer.run_id, timer.generation):
            self._put(
                replace(
                    old, generation=old.generation + 1, wake_at=wake_at, has_execution=False, failures=old.failures + 1
                )
            )
        return old is not None

    async def unscheduled(self, tx: Connection, limit: int) -> list[Timer]:
        return [timer for timer in self.rows.values() if timer.scheduled_generation < timer.generation][:limit]

    async def scheduled(self, tx: Connection, timers: Sequence[Timer]) -> None:
        for timer in timers:
            old = self._at(timer.run_id, timer.generation)
            if old and old.scheduled_generation < old.generation:
                self._put(replace(old, scheduled_generation=old.generation, has_execution=True))

    async def delete(self, tx: Connection, timer: Timer) -> None:
        old = self._at(timer.run_id, timer.generation)
        if old and old.wake_at is None:
            del self.rows[timer.run_id]
            self.writes += 1

    async def overdue(self, tx: Connection, before: datetime, limit: int) -> list[Timer]:
        scheduled = (timer for timer in self.rows.values() if timer.scheduled_generation == timer.generation)
        return [timer for timer in scheduled if timer.wake_at and timer.wake_at < before][:limit]

    async def with_execution(self, tx: Connection, after: UUID | None, limit: int) -> list[Timer]:
        scheduled = (one for one in self.rows.values() if one.scheduled_generation == one.generation)
        found = (one for one in scheduled if one.has_execution)
        page = sorted(found, key=lambda timer: timer.run_id)
        return [timer for timer in page if after is None or timer.run_id > after][:limit]

    async def by_runs(self, tx: Connection, runs: Sequence[UUID]) -> dict[UUID, Timer]:
        return {run: self.rows[run] for run in runs if run in self.rows}

    async def lost(self, tx: Connection, timer: Timer) -> bool:
        if old := self._at(timer.run_id, timer.generation):
            self._put(replace(old, generation=old.generation + 1, has_execution=False))
        return old is not None

    async def deadlines(self, tx: Connection, now: datetime, next_at: datetime, limit: int) -> list[tuple[UUID, UUID]]:
        past_deadline = [command for command, (_, at) in self.deadline_rows.items() if at < now][:limit]
        found = [(self.deadline_rows[command][0], command) for command in past_deadline]
        self.deadline_rows |= {command: (tenant, next_at) for tenant, command in found}
        return found
