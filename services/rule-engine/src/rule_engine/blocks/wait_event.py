"""`wait_event`: waits for something to come, and not for ever."""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, ConfigDict, JsonValue

from contracts.conditions import Condition
from contracts.issues import Written
from rule_engine.blocks.if_ import Branch
from rule_engine.domain.execution.blocks import BlockType, Child, Choice, Done, Environment, Moving, Next, Run, Wait
from rule_engine.domain.execution.state import Frame
from rule_engine.domain.schedule.run_time import RunTime

EventName = Annotated[
    str,
    Written(
        r"^(item\.(stage_changed|fields_changed)|command\.[a-z][a-z0-9_]{0,63}|event\.[a-z0-9._-]{1,128})$",
        "item.stage_changed, item.fields_changed, command. and its name, or event. and the type of an event",
    ),
]


class WaitEventOptions(BaseModel):
    """What it waits for, and for how long."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    event: EventName
    condition: Condition | None = None
    """Which of such events; it can name the event, as `event`."""
    timeout: RunTime
    branches: tuple[Branch, ...] = ()


class WaitEvent(BlockType[WaitEventOptions]):
    """One branch when the event has come, another when it has not come in time."""

    type = "wait_event"
    title = "Wait for an event"
    branches = ("received", "timed_out")
    otherwise = "wait on"
    options = WaitEventOptions

    def choices(self, options: WaitEventOptions) -> tuple[Choice, ...]:
        return (Choice("received", options.condition),)

    def start(self, options: WaitEventOptions, frame: Frame, env: Environment) -> Next:
        due = env.due(options.timeout)
        if due is None:
            return Done("skipped", "the date that its time-out counts from is empty")
        return Wait(until=due, awaits=(options.event,), reason=f"waits for {options.event}")

    def received(
        self, options: WaitEventOptions, frame: Frame, name: str, value: Mapping[str, JsonValue], env: Environment
    ) -> Next:
        if options.condition is not None and env.choose({"event": dict(value)}) is None:
            return Wait(frame.until, frame.awaits, f"waits for {options.event}")
        env.put_out({"event": dict(value)})
        return self._take(0, env)

    def due(self, options: WaitEventOptions, frame: Frame, env: Environment) -> Next:
        return self._take(1, env)

    def migrated(self, before: WaitEventOptions, options: WaitEventOptions, frame: Frame, moving: Moving) -> Frame:
        if not frame.awaits:
            return frame
        frame = moving.retimed(frame, before.timeout, options.timeout, frame.started_at)
        return frame.to(awaits=(options.event,))

    def _take(self, index: int, env: Environment) -> Next:
        return Run((Child(index),), data={"taken": index}) if len(env.blocks) > index else Done()
