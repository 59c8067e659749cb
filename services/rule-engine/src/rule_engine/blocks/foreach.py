"""`foreach`: the body for each value of a list."""

from collections.abc import Iterable, Set
from typing import Literal

from pydantic import BaseModel, ConfigDict, JsonValue

from rule_engine.domain.execution.blocks import BlockType, Child, ChildState, Done, Environment, Next, Run, Wait
from rule_engine.domain.execution.state import Frame
from rule_engine.domain.language.variables import MAX_VALUES

SIDE_BY_SIDE = 50
"""Turns that are open at one time."""


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

    def may_begin(self, frame: Frame, begun: Set[int], count: int) -> Iterable[int]:
        return range(count)

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
