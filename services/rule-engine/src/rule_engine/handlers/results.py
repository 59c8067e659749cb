"""What the engine consumes: the results of its own commands."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from contracts import topics
from contracts.envelope import Envelope
from contracts.kit import telemetry
from contracts.kit.broker import Subscription
from contracts.kit.clock import Clock
from contracts.kit.database import Connection
from contracts.messages.results import RESULTS, CommandProgress
from rule_engine.application.recorder import Recorder
from rule_engine.domain.execution.advance import settle
from rule_engine.domain.execution.step import Registry
from rule_engine.messages import SOURCE
from rule_engine.store import Store
from rule_engine.store.runs import Run


class Results:
    """Takes in the results of the engine's commands."""

    def __init__(self, store: Store, recorder: Recorder, registry: Registry, clock: Clock) -> None:
        self._store = store
        self._recorder = recorder
        self._registry = registry
        self._clock = clock

    async def take_in(self, results: Sequence[Envelope[Any]], _: None, tx: Connection) -> None:
        """Settles a batch; a result that nothing waits for (any more) is passed over."""
        waiting = await self._store.runs.lock_by_commands(tx, [(r.tenant, r.data.command_id) for r in results])
        runs: dict[UUID, Run] = {}
        for result in results:
            row = waiting.get(result.data.command_id)
            if row is None or row.tenant != result.tenant:
                continue
            run = runs.get(row.id) or await self._store.programs.of_run(tx, row)
            with telemetry.handling("take in", result, (run.traceparent,)), telemetry.about(run_id=run.id):
                runs[row.id] = await self._settle(tx, run, result)

    async def _settle(self, tx: Connection, run: Run, result: Envelope[Any]) -> Run:
        now = self._clock()
        step = settle(run.program, run.state, result.data.command_id, result.data, now, self._registry)
        if step.changed:
            run = await self._recorder.record(tx, run, step, now)
        if not isinstance(result.data, CommandProgress):
            await self._store.commands.delete(tx, run.tenant, result.data.command_id)
        return run


def results(results: Results) -> Subscription:
    """Results of commands that this engine issued."""
    return Subscription(
        topics=(topics.ENTITY_RESULTS, topics.DOC_RESULTS, topics.COMMS_RESULTS, topics.RULE_RESULTS),
        bodies=RESULTS,
        handle=results.take_in,
        wanted=lambda message: message.issuer == SOURCE,
    )
