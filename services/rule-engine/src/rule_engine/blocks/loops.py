"""`while` and `foreach`: the body again and again, or for each value of a list."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from contracts.conditions import Condition
from rule_engine.domain.execution.blocks import BlockType, Child, ChildState, Done, Environment, Next, Run, Wait
from rule_engine.domain.execution.state import Frame
from rule_engine.domain.language.variables import MAX_VALUES

MAX_TURNS = 10_000
SIDE_BY_SIDE = 50
"""Turns of a `foreach` that are open at one time."""


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
    options = WhileOptions

    def start(self, options: WhileOptions, frame: Frame, env: Environment) -> Next:
        return self._turn(options, 0, env)

    def child_ended(self, options: WhileOptions, frame: Frame, child: ChildState, env: Environment) -> Next:
        if child.stops:
            return Done(child.state or "failed", child.reason)
        return self._turn(options, child.iteration + 1, env)

    def _turn(self, options: WhileOptions, turn: int, env: Environment) -> Next:
        if not env.holds(options.condition):
            return Done()
        if turn >= options.limit:
            return Done("failed", f"the loop has come to its limit of {options.limit} turns")
        return Run((Child(0, turn, {"loop": {"index": turn}}),))


class ForEachOptions(BaseModel):
    """The values are taken once, at the start."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    values: JsonValue
    """`{path}` or `{expr}` of a list, or a list."""
    order: Literal["one_by_one", "side_by_side"] = "one_by_one"


class ForEach(BlockType[ForEachOptions]):
    """Runs its body for each value, `loop.value`; `loop.index` counts from 0."""

    type = "foreach"
    title = "For each value"
    branches = "body"
    options = ForEachOptions

    def start(self, options: ForEachOptions, frame: Frame, env: Environment) -> Next:
        given = env.value(options.values)
        values = given if isinstance(given, list) else [] if given is None else [given]
        if len(values) > MAX_VALUES:
            return Done("failed", f"there are {len(values)} values: a loop takes at most {MAX_VALUES}")
        at_once = 1 if options.order == "one_by_one" else SIDE_BY_SIDE
        return self._go_on({"values": values, "next": 0, "open": 0}, at_once)

    def child_ended(self, options: ForEachOptions, frame: Frame, child: ChildState, env: Environment) -> Next:
        if child.stops:
            return Done(child.state or "failed", child.reason)
        opened = frame.data["open"]
        assert isinstance(opened, int)  # noqa: S101 - as written below
        return self._go_on(frame.data | {"open": opened - 1}, opened)

    def _go_on(self, data: dict[str, JsonValue], at_once: int) -> Next:
        """Starts as many turns as there is room for."""
        values, turn, opened = data["values"], data["next"], data["open"]
        assert isinstance(values, list)  # noqa: S101
        assert isinstance(turn, int)  # noqa: S101
        assert isinstance(opened, int)  # noqa: S101
        until = min(len(values), turn + at_once - opened)
        if until > turn:
            turns = tuple(
                Child(0, index, {"loop": {"index": index, "value": values[index]}}) for index in range(turn, until)
            )
            return Run(turns, data=data | {"next": until, "open": opened + len(turns)})
        return Wait(data=data) if opened else Done()
