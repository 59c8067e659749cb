"""`parallel`: branches side by side."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from rule_engine.blocks.if_ import Branch
from rule_engine.domain.execution.blocks import BlockType, Child, ChildState, Done, Environment, Moving, Next, Run, Wait
from rule_engine.domain.execution.state import Frame


class ParallelOptions(BaseModel):
    """It goes on when all branches have ended, the first one, or so many."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    wait_for: Literal["all", "any"] | Annotated[int, Field(ge=1, le=100)] = "all"
    branches: tuple[Branch, ...] = ()


class Parallel(BlockType[ParallelOptions]):
    """Starts all branches at once; those that are still open when it goes on are cancelled."""

    type = "parallel"
    title = "Side by side"
    reads = False
    branches = "many"
    options = ParallelOptions

    def start(self, options: ParallelOptions, frame: Frame, env: Environment) -> Next:
        if not env.blocks:
            return Done()
        return Run(tuple(Child(index) for index in range(len(env.blocks))), data={"ended": 0})

    def child_ended(self, options: ParallelOptions, frame: Frame, child: ChildState, env: Environment) -> Next:
        if child.stops:
            return Done(child.state or "failed", child.reason)
        ended = _ended(frame)
        if ended + 1 >= _wanted(options, len(env.blocks)):
            first = options.branches[child.index].name if options.branches else ""
            return Done(outputs={"last": first or str(child.index + 1)})
        return Wait(data={"ended": ended + 1})

    def migrated(self, before: ParallelOptions, options: ParallelOptions, frame: Frame, moving: Moving) -> Frame:
        """New branches do not begin any more, so they are not waited for."""
        if not moving.begun:
            return frame
        still_to_end = min(_wanted(options, len(moving.blocks)) - _ended(frame), len(moving.begun))
        return frame.to(data={"ended": _wanted(options, len(moving.blocks)) - max(still_to_end, 1)})


def _wanted(options: ParallelOptions, branches: int) -> int:
    """How many branches must have ended."""
    wanted = {"all": branches, "any": 1}.get(str(options.wait_for), options.wait_for)
    return min(int(wanted), branches)


def _ended(frame: Frame) -> int:
    ended = frame.data["ended"]
    assert isinstance(ended, int)  # noqa: S101 - as written above
    return ended
