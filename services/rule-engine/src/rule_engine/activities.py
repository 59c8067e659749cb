"""The one activity: advance a run as far as it goes now."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from prometheus_client import Counter, Histogram
from pydantic import BaseModel
from temporalio import activity

from contracts.contexts import ItemContext
from contracts.kit import telemetry
from contracts.kit.broker import OUTAGES, OutageError
from contracts.kit.clock import Clock
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Connection, Database
from contracts.kit.shares import Shares
from rule_engine.application.recorder import Recorder
from rule_engine.domain.execution.advance import advance, fail, fail_turn
from rule_engine.domain.execution.step import Registry, RunFacts, Step, needs_context
from rule_engine.domain.language.variables import NOTHING_STORED, Stored
from rule_engine.gateway import ContextTooLargeError, EntityService
from rule_engine.store import Store
from rule_engine.store.runs import NewerFormatError, Run
from rule_engine.store.timers import Timer
from rule_engine.store.variables import Owner

logger = structlog.get_logger(__name__)

TIMER_LATENESS = Histogram(
    "timer_lateness_seconds",
    "From the moment that a waiting run was due until its step was committed",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)

PUT_OFF = Counter("runs_put_off_total", "Times that a run could not go on and is looked at again later", ["cause"])
telemetry.show(PUT_OFF, ("newer_format", "outage", "defect"))
UNWRITABLE = Counter(
    "steps_unwritable_total", "Steps of runs that PostgreSQL or the outbox refused, even in the smallest step"
)

ADVANCED_AT_ONCE = 32
"""Fewer than there are workflow slots, so that runs that have a slot take turns by tenant, too."""
MAX_PAUSE = timedelta(minutes=5)
UNSTORABLE = "what it decided cannot be stored: a value is too large or has characters that cannot be kept"


class RunRef(BaseModel):
    """A generation of a run. No personal data goes into Temporal."""

    tenant: UUID
    run_id: UUID
    generation: int

    @property
    def workflow_id(self) -> str:
        return f"run/{self.run_id}/{self.generation}"


class _ChangedMeanwhileError(Exception):
    """Another transaction set a variable that this step was computed from."""


class Activities:
    """Advances runs; the transaction commits only what was computed from the newest revision."""

    def __init__(
        self,
        database: Database,
        store: Store,
        recorder: Recorder,
        entity_service: EntityService,
        registry: Registry,
        clock: Clock,
    ) -> None:
        self._database = database
        self._store = store
        self._recorder = recorder
        self._entity_service = entity_service
        self._registry = registry
        self._clock = clock
        self._places = Shares("advance_run", ADVANCED_AT_ONCE)

    @activity.defn(name="advance_run")
    async def advance_run(self, ref: RunRef) -> None:
        """Advances the run if `ref` is still its generation. Computed again when the run changed meanwhile.

        Raises only while PostgreSQL is away. Any other failure postpones the run: another execution starts later, at
        growing distances, and this one's slot is free for others.
        """
        try:
            async with self._places.place(ref.tenant):
                while not await self._try(ref):
                    pass
        except NewerFormatError as error:
            await self._put_off(ref, str(error), "newer_format")
        except OutageError as error:
            await self._put_off(ref, str(error), "outage")
        except INFRASTRUCTURE_ERRORS:
            raise
        except Exception as error:
            logger.exception("a run could not be advanced", run_id=ref.run_id)
            await self._put_off(ref, type(error).__name__, "defect")

    async def _try(self, ref: RunRef) -> bool:
        async with self._database.transaction(ref.tenant) as tx:
            found = await self._read(tx, ref)
        if found is None:
            return True
        run, timer = found
        now = max(self._clock(), timer.wake_at or self._clock())
        span = telemetry.span("advance run", run.last_traceparent, since=run.updated_at, links=(run.traceparent,))
        with span, telemetry.about(tenant_id=run.tenant, item_id=run.item_id, run_id=run.id):
            stored = await self._stored(run)
            try:
                context = await self._context(run, now)
            except ContextTooLargeError as error:
                return await self._commit(ref, run, fail(run.program, run.state, str(error), now), stored, now)
            try:
                if not await self._take_step(ref, run, context, stored, now):
                    return False
            except _ChangedMeanwhileError:
                return False
            self._measure(run, timer)
        return True

    async def _take_step(
        self, ref: RunRef, run: Run, context: ItemContext | None, stored: Stored, now: datetime
    ) -> bool:
        """Commits the step; when it cannot be written, the next smaller one.

        The whole step first, then the first rule's turn alone, then that rule as failed, then the run.
        """
        whole = self._advance(run, context, stored, now)
        for step in self._smaller_steps(whole, run, context, stored, now):
            try:
                return await self._commit(ref, run, step, stored, now)
            except (_ChangedMeanwhileError, *OUTAGES):
                raise
            except Exception as error:
                UNWRITABLE.inc()
                logger.exception("a step could not be written", stage=run.stage)
                refused = error
        raise refused

    def _smaller_steps(
        self, whole: Step, run: Run, context: ItemContext | None, stored: Stored, now: datetime
    ) -> Iterator[Step]:
        yield whole
        turn = whole
        if len(whole.decisions) > 1:
            yield (turn := self._advance(run, context, stored, now, one_turn=True))
        reason = UNSTORABLE
        if turn.decisions:
            yield fail_turn(run.program, run.state, turn, reason, now)
        yield fail(run.program, run.state, reason, now)

    async def _commit(self, ref: RunRef, run: Run, step: Step, stored: Stored, now: datetime) -> bool:
        """Whether nothing is left to do: false when the run changed while the step was made."""
        async with self._database.transaction(ref.tenant) as tx:
            again = await self._read(tx, ref, lock=True)
            if again is None:
                return True
            if again[0].rev != run.rev:
                return False
            await self._assign(tx, run, step, stored, now)
            await self._recorder.record(tx, run, step, now, ran=True)
        return True

    async def _stored(self, run: Run) -> Stored:
        if not run.program.stored:
            return NOTHING_STORED
        async with self._database.transaction(run.tenant) as tx:
            return await self._store.variables.stored(tx, Owner(run.tenant, run.item_id, run.id))

    async def _assign(self, tx: Connection, run: Run, step: Step, stored: Stored, now: datetime) -> None:
        """Sets variables, each once, in the order of their codes, so that two runs do not wait for each other."""
        owner = Owner(run.tenant, run.item_id, run.id)
        newest = {one.code: one for one in step.assigned}
        for code in sorted(newest):
            if not await self._store.variables.set(tx, owner, newest[code], stored.versions.get(code), now):
                raise _ChangedMeanwhileError

    def _measure(self, run: Run, timer: Timer) -> None:
        """Only runs that waited for their timer count: not those already due when they were last written."""
        if timer.wake_at is not None and timer.wake_at > run.updated_at:
            telemetry.observe(TIMER_LATENESS, (self._clock() - timer.wake_at).total_seconds())

    async def _read(self, tx: Connection, ref: RunRef, *, lock: bool = False) -> tuple[Run, Timer] | None:
        """The run and its timer; null when the generation is not this one any more."""
        row = await self._store.runs.get(tx, ref.tenant, ref.run_id, lock=lock)
        timer = await (self._store.timers.lock if lock else self._store.timers.get)(tx, ref.run_id)
        if row is None or timer is None or timer.generation != ref.generation or timer.wake_at is None:
            return None
        return await self._store.programs.of_run(tx, row), timer

    async def _context(self, run: Run, now: datetime) -> ItemContext | None:
        if not needs_context(run.program, run.state, now):
            return None
        return await self._entity_service.context(run.tenant, run.item_id, run.program.parts)

    def _advance(
        self, run: Run, context: ItemContext | None, stored: Stored, now: datetime, *, one_turn: bool = False
    ) -> Step:
        """A defect of the core fails the run with its reason: trying again would fail again."""
        try:
            facts = RunFacts(run.id, self._registry, stored, one_turn)
            return advance(run.program, run.state, run.entry, context, now, facts)
        except Exception as error:
            logger.exception("a run failed by a defect", stage=run.stage)
            return fail(run.program, run.state, f"a defect of the engine: {type(error).__name__}", now)

    async def _put_off(self, ref: RunRef, reason: str, cause: str) -> None:
        """Another execution later, at growing distances; nothing else of the run is touched."""
        async with self._database.transaction(ref.tenant) as tx:
            timer = await self._store.timers.get(tx, ref.run_id)
            if timer is None or timer.generation != ref.generation:
                return
            pause = min(timedelta(seconds=2 ** min(timer.failures, 10)), MAX_PAUSE)
            await self._store.timers.defer(tx, timer, self._clock() + pause)
        PUT_OFF.labels(cause).inc()
        logger.warning("a run is put off", run_id=ref.run_id, reason=reason, pause_s=pause.total_seconds())
