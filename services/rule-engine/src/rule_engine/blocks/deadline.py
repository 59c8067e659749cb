"""`deadline`: something that must be done in time, and what is done when it is not."""

from collections.abc import Iterable, Set
from typing import Literal

from pydantic import BaseModel, ConfigDict

from rule_engine.blocks.if_ import Branch
from rule_engine.domain.execution.blocks import BlockType, Child, ChildState, Done, Environment, Moving, Next, Run, Wait
from rule_engine.domain.execution.state import Frame
from rule_engine.domain.schedule.run_time import RunTime

WORK, LATE = 0, 1
"""The branches, by index."""


class DeadlineOptions(BaseModel):
    """How long the work may take, and whether it goes on once it is late."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    within: RunTime
    then: Literal["cancel", "go_on"] = "cancel"
    """`cancel`: the work is cancelled, and the other branch takes its place. `go_on`: both go on."""
    branches: tuple[Branch, ...] = ()


class Deadline(BlockType[DeadlineOptions]):
    """Runs `work`; when that is not over in time, runs `late`."""

    type = "deadline"
    title = "In time, or else"
    branches = ("work", "late")
    options = DeadlineOptions

    def start(self, options: DeadlineOptions, frame: Frame, env: Environment) -> Next:
        due = env.due(options.within)
        if due is None:
            return Done("skipped", "the date that its time counts from is empty")
        return Run((Child(WORK),), until=due, data={"open": 1, "late": False})

    def due(self, options: DeadlineOptions, frame: Frame, env: Environment) -> Next:
        env.put_out({"late": True})
        if options.then == "go_on":
            return Run((Child(LATE),), data={"open": 2, "late": True})
        env.cancel(WORK, "it was not done in time")
        return Run((Child(LATE),), data={"open": 2, "late": True})

    def migrated(self, before: DeadlineOptions, options: DeadlineOptions, frame: Frame, moving: Moving) -> Frame:
        return moving.retimed(frame, before.within, options.within, frame.started_at) if frame.until else frame

    def may_begin(self, frame: Frame, begun: Set[int], count: int) -> Iterable[int]:
        over = bool(frame.data.get("late"))
        return range(LATE if begun else WORK, LATE if over else count)

    def child_ended(self, options: DeadlineOptions, frame: Frame, child: ChildState, env: Environment) -> Next:
        if child.stops:
            return Done(child.state or "failed", child.reason)
        opened = frame.data["open"]
        assert isinstance(opened, int)  # noqa: S101 - as written above
        if opened > 1:
            return Wait(frame.until, frame.awaits, data=frame.data | {"open": opened - 1})
        return Done() if frame.data["late"] else Done(outputs={"late": False})
