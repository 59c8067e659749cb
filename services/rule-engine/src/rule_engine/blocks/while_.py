"""`while`: the body again and again."""

from collections.abc import Iterable, Set
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from contracts.conditions import Condition
from rule_engine.domain.execution.blocks import BlockType, Child, ChildState, Choice, Done, Environment, Next, Run
from rule_engine.domain.execution.state import Frame

MAX_TURNS = 10_000


class WhileOptions(BaseModel):
    """The condition is tested before each turn, and the body always runs to its end."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    condition: Condition
    limit: Annotated[int, Field(ge=1, le=1_000_000)] = MAX_TURNS
    """Turns after which the workflow fails."""


class While(BlockType[WhileOptions]):
    """Runs its body for as long as the condition holds."""

    type = "while"
    title = "Repeat while"
    branches = "body"
    otherwise = "end"
    options = WhileOptions

    def choices(self, options: WhileOptions) -> tuple[Choice, ...]:
        return (Choice("turn", options.condition),)

    def start(self, options: WhileOptions, frame: Frame, env: Environment) -> Next:
        return self._turn(options, 0, env)

    def child_ended(self, options: WhileOptions, frame: Frame, child: ChildState, env: Environment) -> Next:
        if child.stops:
            return Done(child.state or "failed", child.reason)
        return self._turn(options, child.iteration + 1, env)

    def may_begin(self, frame: Frame, begun: Set[int], count: int) -> Iterable[int]:
        return range(count)

    def _turn(self, options: WhileOptions, turn: int, env: Environment) -> Next:
        if env.choose() is None:
            return Done()
        if turn >= options.limit:
            return Done("failed", f"the loop has come to its limit of {options.limit} turns")
        return Run((Child(0, turn, {"loop": {"index": turn}}),))
