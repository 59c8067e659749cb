"""The people: users who move items about, operators who interfere with runs, an author who changes the rules."""

from datetime import timedelta

from contracts.kit.auth import Caller, Role
from rule_engine.store.runs import Run
from simulation.engine import Engine
from simulation.entity import EntityService
from simulation.rules import STAGES, rule_set
from simulation.sim_context import TENANT, SimContext


class People:
    """Everything they do they do at random, but not for ever."""

    def __init__(self, sim_context: SimContext, entity: EntityService, engine: Engine) -> None:
        self._sim_context = sim_context
        self._random = sim_context.random
        self._entity = entity
        self._engine = engine

    def publish(self) -> None:
        """The author's new version; runs that were planned keep theirs."""
        self._engine.rule_sets.published.append(rule_set(self._random))

    def use(self) -> None:
        """A user's click."""
        item = self._sim_context.one_of(list(self._entity.items))
        match self._random.random():
            case chance if item is None or chance < 0.15:
                self._entity.create(automation=chance > 0.01)
            case chance if chance < 0.65:
                self._entity.move(item, self._random.choice(STAGES))
            case chance if chance < 0.95:
                count = self._entity.items[item].activity_count
                self._entity.edit(item, activity_count=max(0, count + self._random.choice((-1, 1))))
            case _:
                self._entity.delete(item)

    async def operate(self) -> None:
        """An operator's action; one that makes no sense in the run's state is refused."""
        rows = list(self._engine.runs.rows.values())
        run = self._sim_context.one_of([row for row in rows if _begun(row)] or rows)
        if run is not None:
            await self._act_on(run, self._random.choice(_begun(run) or list(run.state.rules)))

    async def _act_on(self, run: Run, rule: str) -> None:
        actions, by = self._engine.operator_actions, Caller(TENANT, "olga", frozenset({Role.OPERATOR}))
        match self._random.choice(("run now", "postpone", "cancel", "cancel", "cancel run", "retry", "retry", "retry")):
            case "run now":
                await actions.run_now(by, run.id, rule)
            case "postpone":
                until = self._sim_context.now + timedelta(minutes=self._random.choice((1, 100, 40_000)))
                await actions.postpone(by, run.id, rule, until)
            case "cancel":
                await actions.cancel(by, run.id, rule)
            case "cancel run":
                await actions.cancel(by, run.id, None)
            case _:
                await actions.retry(by, run.id, rule)


def _begun(run: Run) -> list[str]:
    """The rules that an operator has most to do with."""
    return [id for id, progress in run.state.rules.items() if progress.state in ("failed", "refused", "running")]
