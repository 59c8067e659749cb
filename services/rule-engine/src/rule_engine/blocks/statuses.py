"""`statuses`: a workflow that is driven by its status. Each status says what is done on entering and on leaving it, and
what leads to another one: a command, a time, or a `set_status` among what is done on entering.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from datetime import datetime
from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from contracts.envelope import rfc3339
from contracts.issues import unknown
from contracts.texts import MAX_TITLE
from rule_engine.blocks.if_ import Branch
from rule_engine.domain.errors import NotMovableError
from rule_engine.domain.execution.blocks import BlockType, Child, ChildState, Done, Environment, Moving, Next, Run, Wait
from rule_engine.domain.execution.state import Frame
from rule_engine.domain.language.variables import Name
from rule_engine.domain.schedule.run_time import RunTime

EXIT = ".exit"
"""Ends the name of the branch that runs when a status is left; the branch for entering has the status's name."""


class _Options(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Command(_Options):
    """What people can tell the workflow while it is in a status: `command.<name>`."""

    name: Name
    title: Annotated[str, Field(max_length=MAX_TITLE)] = ""
    to: Name


class Status(_Options):
    """A status; one without commands and time is final."""

    name: Name
    title: Annotated[str, Field(max_length=MAX_TITLE)] = ""
    commands: Annotated[tuple[Command, ...], Field(max_length=20)] = ()
    after: RunTime | None = None
    then: Name | None = None
    """Where it goes `after` a time."""


class StatusesOptions(_Options):
    """The workflow begins in the first status."""

    statuses: Annotated[tuple[Status, ...], Field(min_length=1, max_length=50)]
    branches: tuple[Branch, ...] = ()

    @model_validator(mode="after")
    def _leads_to_what_there_is(self) -> Self:
        known = [one.name for one in self.statuses]
        for one in self.statuses:
            if (one.after is None) is not (one.then is None):
                raise ValueError(f"status {one.name}: after and then go together")
            for to in (*(command.to for command in one.commands), *filter(None, [one.then])):
                if to not in known:
                    raise ValueError(unknown("status", to, known))
        return self

    def status(self, name: JsonValue) -> Status:
        return next(one for one in self.statuses if one.name == name)

    def names(self) -> Sequence[str]:
        return [one.name for one in self.statuses]


class Statuses(BlockType[StatusesOptions]):
    """Goes from status to status until it is in a final one."""

    type = "statuses"
    title = "Driven by a status"
    branches = "many"
    options = StatusesOptions

    def start(self, options: StatusesOptions, frame: Frame, env: Environment) -> Next:
        return self._enter(options, options.statuses[0].name, env)

    def child_ended(self, options: StatusesOptions, frame: Frame, child: ChildState, env: Environment) -> Next:
        if child.stops:
            return Done(child.state or "failed", child.reason)
        if frame.data.get("leaves_for") is not None:
            return self._enter(options, str(frame.data["leaves_for"]), env)
        return self._stay(options, str(frame.data["status"]), env)

    def received(
        self, options: StatusesOptions, frame: Frame, name: str, value: Mapping[str, JsonValue], env: Environment
    ) -> Next:
        status = options.status(frame.data["status"])
        command = next(one for one in status.commands if name == f"command.{one.name}")
        return self._leave(options, status.name, command.to, env)

    def due(self, options: StatusesOptions, frame: Frame, env: Environment) -> Next:
        status = options.status(frame.data["status"])
        return self._leave(options, status.name, str(status.then), env)

    def may_begin(self, frame: Frame, begun: Set[int], count: int) -> Iterable[int]:
        return range(count)

    def _enter(self, options: StatusesOptions, name: str, env: Environment) -> Next:
        env.set_status(name)
        index = _branch(options, name)
        if index is None:
            return self._stay(options, name, env)
        return Run((Child(index),), data={"status": name})

    def _stay(self, options: StatusesOptions, name: str, env: Environment) -> Next:
        """What was done on entering may have set another status."""
        if env.status != name and env.status in options.names():
            return self._leave(options, name, str(env.status), env)
        status = options.status(name)
        awaits = tuple(f"command.{one.name}" for one in status.commands)
        if status.after is None and not awaits:
            return Done(outputs={"status": name})
        until = env.due(status.after) if status.after is not None else None
        since = rfc3339(env.now)
        return Wait(until, awaits, f"is {status.title or name}", data={"status": name, "since": since})

    def migrated(self, before: StatusesOptions, options: StatusesOptions, frame: Frame, moving: Moving) -> Frame:
        for name in (frame.data.get("status"), frame.data.get("leaves_for")):
            if name is not None and name not in options.names():
                raise NotMovableError(f"it has no status {name!r} any more")
        if "since" not in frame.data:
            return frame
        was, status = before.status(frame.data["status"]), options.status(frame.data["status"])
        awaits = tuple(f"command.{one.name}" for one in status.commands)
        if status.after is None and not awaits:
            raise NotMovableError(f"its status {status.name!r} is final there: nothing would end it")
        since = datetime.fromisoformat(str(frame.data["since"]))
        return moving.retimed(frame, was.after, status.after, since).to(awaits=awaits)

    def _leave(self, options: StatusesOptions, name: str, to: str, env: Environment) -> Next:
        index = _branch(options, f"{name}{EXIT}")
        if index is None:
            return self._enter(options, to, env)
        return Run((Child(index),), data={"status": name, "leaves_for": to})


def _branch(options: StatusesOptions, name: str) -> int | None:
    return next((index for index, one in enumerate(options.branches) if one.name == name), None)
