"""Blocks one after another."""

from collections.abc import Iterable, Mapping, Set

from pydantic import JsonValue

from rule_engine.domain.execution.blocks import (
    BlockType,
    Child,
    ChildState,
    Done,
    Environment,
    Next,
    NoOptions,
    Run,
    Wait,
)
from rule_engine.domain.execution.program import RuleBlock
from rule_engine.domain.execution.running import stop_reason
from rule_engine.domain.execution.state import Frame


class Sequence(BlockType[NoOptions]):
    """Each child is started when the one before it has ended; a failure that stops cancels what is left."""

    type = "sequence"
    title = "One after another"
    reads = False
    written = False
    journaled = False
    branches = "many"
    options = NoOptions

    def outputs_on_jump(self, options: NoOptions, index: int) -> Mapping[str, JsonValue]:
        return {}

    def start(self, options: NoOptions, frame: Frame, env: Environment) -> Next:
        return self._from(0, env)

    def child_ended(self, options: NoOptions, frame: Frame, child: ChildState, env: Environment) -> Next:
        if child.stops:
            return self._stop_after(child, env)
        return self._from(child.index + 1, env)

    def may_begin(self, frame: Frame, begun: Set[int], count: int) -> Iterable[int]:
        return range(min(begun, default=-1) + 1, count)

    def _from(self, index: int, env: Environment) -> Next:
        """The next child that has not ended; with none left it is done, unless one before it is open again."""
        for child in map(env.child, range(index, len(env.blocks))):
            if child.state in (None, "planned", "waiting"):
                return Run((Child(child.index),))
            if child.stops:
                return self._stop_after(child, env)
            if not child.ended:
                return Wait()
        before = map(env.child, range(index))
        return Wait() if any(child.state in ("planned", "waiting", "running") for child in before) else Done()

    def _stop_after(self, stopping: ChildState, env: Environment) -> Next:
        """A later rule that an operator has started again goes on: its command is under way."""
        if not isinstance(stopping.block, RuleBlock):
            return Done(stopping.state or "failed", stopping.reason)
        rest = [env.child(index) for index in range(stopping.index + 1, len(env.blocks))]
        for child in rest:
            if child.state in ("planned", "waiting"):
                env.cancel(child.index, stop_reason(stopping.block, stopping.state or "failed"))
        return self._from(len(env.blocks), env)
