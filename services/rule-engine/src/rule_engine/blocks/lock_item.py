"""`lock_item`: rules and other workflows do not change the item meanwhile."""

from collections.abc import Iterable, Set

from pydantic import BaseModel, ConfigDict

from rule_engine.blocks.if_ import Branch
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.execution.blocks import BlockType, Child, ChildState, Done, Environment, Moving, Next, Run, Wait
from rule_engine.domain.execution.state import Frame
from rule_engine.domain.schedule.run_time import RunTime

LOCK, LOCKED, TIMED_OUT = 0, 1, 2
"""The rule that locks the item, and the branches, by index."""


class LockItemOptions(BaseModel):
    """How long it waits for another workflow that has locked the item."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    timeout: RunTime | None = None
    """When it goes on without the lock; null: it waits until the other workflow has unlocked it or ended."""
    branches: tuple[Branch, ...] = ()


class LockItem(BlockType[LockItemOptions]):
    """Locks the item, runs `locked`, and unlocks it; however the block ends, the item is unlocked."""

    type = "lock_item"
    title = "Lock the item"
    branches = ("locked", "timed_out")
    locks_with = "lock_item"
    options = LockItemOptions

    def start(self, options: LockItemOptions, frame: Frame, env: Environment) -> Next:
        limit = env.due(options.timeout) if options.timeout else None
        if options.timeout and limit is None:
            raise ValueFailureError("the date that its time limit counts from is empty")
        return Run((Child(LOCK),), until=limit)

    def due(self, options: LockItemOptions, frame: Frame, env: Environment) -> Next:
        """entity-service decides whether it has the lock: its answer to the cancellation says which branch is taken."""
        if env.child(LOCK).ended:
            return _go_on(TIMED_OUT, env)
        env.cancel(LOCK, "the time was over")
        return Wait(data={"over": True})

    def child_ended(self, options: LockItemOptions, frame: Frame, child: ChildState, env: Environment) -> Next:
        if child.stops:
            return Done(child.state or "failed", child.reason)
        if child.index == LOCK:
            return _go_on(LOCKED if child.state == "done" else TIMED_OUT, env)
        return Done()

    def migrated(self, before: LockItemOptions, options: LockItemOptions, frame: Frame, moving: Moving) -> Frame:
        waits = frame.until is not None or (before.timeout is None and moving.begun == {LOCK})
        return moving.retimed(frame, before.timeout, options.timeout, frame.started_at) if waits else frame

    def may_begin(self, frame: Frame, begun: Set[int], count: int) -> Iterable[int]:
        return range(LOCK if not begun else LOCKED, count if not begun - {LOCK} else LOCKED)


def _go_on(branch: int, env: Environment) -> Next:
    env.put_out({"locked": branch == LOCKED})
    return Run((Child(branch),), data={})
