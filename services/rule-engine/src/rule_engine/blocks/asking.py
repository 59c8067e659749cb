"""What blocks have in common that ask employees for something, and wait for their answers."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from contracts.envelope import rfc3339
from contracts.texts import MAX_TITLE
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.execution.assignments import MAX_ASKED, Ask, answers_to
from rule_engine.domain.execution.blocks import BlockType, Child, ChildState, Done, Environment, Next, Run, Wait
from rule_engine.domain.execution.state import Frame
from rule_engine.domain.schedule.run_time import RunTime

Employees = Annotated[
    Annotated[list[JsonValue], Field(min_length=1, max_length=MAX_ASKED)] | dict[str, JsonValue],
    Field(json_schema_extra={"refers": "employee"}),
]
"""Codes of employees, or `{path}` or `{expr}` of one or several: `{"path": "item.responsible_id"}`."""
type Given = Sequence[Mapping[str, Any]]
"""Answers, in the order in which they came."""


class PeopleOptions(BaseModel):
    """What all who ask employees have."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subject: Annotated[str, Field(min_length=1, max_length=MAX_TITLE)]
    text: Annotated[str, Field(max_length=10_000)] = ""
    timeout: RunTime | None = None
    """When it goes on with those who have answered by then, counted from when it began; null: it waits for ever."""
    reminders: Annotated[tuple[RunTime, ...], Field(max_length=10)] = ()
    """When those who have not answered are told again."""
    delegation: bool = False
    """Whether those who are asked may pass it on to a colleague."""


@dataclass(frozen=True, slots=True)
class Result:
    """What has come out: the branch that is taken, the block's outputs, and the journal's words."""

    branch: str
    said: str
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)


class AsksPeople[O: PeopleOptions](BlockType[O]):
    """Gives employees assignments, each only one, and goes on when their answers decide which branch is taken.

    It is held while nobody can be asked, or while the date is empty that its time limit counts from.
    """

    needs = ("reassignments",)
    branches: ClassVar[tuple[str, ...]]

    @abstractmethod
    def employees(self, options: O) -> JsonValue:
        """Whom it asks, as written."""

    @abstractmethod
    def ask(self, options: O, subject: str, text: str, due_at: datetime | None) -> Ask:
        """What it asks for."""

    @abstractmethod
    def result(self, options: O, asked: int, given: Given, *, over: bool) -> Result | None:
        """What comes of the answers so far; null: it goes on waiting, unless its time is over."""

    def outputs(self, options: O, given: Given) -> dict[str, JsonValue]:
        """What the journal shows of the answers so far."""
        return {}

    def start(self, options: O, frame: Frame, env: Environment) -> Next:
        employees = _present(self.employees(options), env)
        limit = env.due(options.timeout) if options.timeout else None
        if options.timeout and limit is None:
            raise ValueFailureError("the date that its time limit counts from is empty")
        reminders = sorted(due for one in options.reminders if (due := env.due(one)) and env.now < due)
        subject, text = str(env.value(options.subject))[:MAX_TITLE], str(env.value(options.text))
        ask = self.ask(options, subject, text, limit)
        for employee in employees:
            env.ask(employee, ask)
        data: dict[str, JsonValue] = {
            "asked": len(employees),
            "given": [],
            "limit": rfc3339(limit) if limit else None,
            "reminders": [rfc3339(one) for one in reminders if limit is None or one < limit],
        }
        return _waiting(frame, data, _next_moment(data))

    def received(self, options: O, frame: Frame, name: str, value: Mapping[str, JsonValue], env: Environment) -> Next:
        if any(one["employee"] == value["employee"] for one in _given(frame)):
            return _waiting(frame, frame.data, frame.until)
        given: list[Any] = [*_given(frame), dict(value)]
        result = self.result(options, _asked(frame), given, over=False)
        data: dict[str, JsonValue] = {**frame.data, "given": given}
        if result is not None:
            return self._take(result, data, env)
        env.put_out(self.outputs(options, given))
        return _waiting(frame, data, frame.until)

    def due(self, options: O, frame: Frame, env: Environment) -> Next:
        """Reminds, or the time is over: also when an operator has moved the limit to before the next reminder."""
        limit, reminders = _moment(frame.data["limit"]), _moments(frame.data["reminders"])
        over = limit is not None and (limit <= env.now or not reminders or reminders[0] > env.now)
        if not over:
            env.remind()
            left: list[JsonValue] = [rfc3339(one) for one in reminders[1:] if one > env.now]
            data: dict[str, JsonValue] = {**frame.data, "reminders": left}
            return _waiting(frame, data, _next_moment(data))
        result = self.result(options, _asked(frame), _given(frame), over=True)
        assert result is not None  # noqa: S101 - when the time is over there always is one
        return self._take(result, frame.data, env)

    def child_ended(self, options: O, frame: Frame, child: ChildState, env: Environment) -> Next:
        return super().child_ended(options, frame, child, env) if child.stops else Done(reason=str(frame.data["said"]))

    def _take(self, result: Result, data: dict[str, JsonValue], env: Environment) -> Next:
        env.put_out(result.outputs)
        env.withdraw()
        return Run((Child(self.branches.index(result.branch)),), data=data | {"said": result.said})


def _present(written: JsonValue, env: Environment) -> list[UUID]:
    """Who is asked, each once: for somebody who is archived the one who gets their work."""
    meant = _ids(env.value(written))
    present = list(dict.fromkeys(who for one in meant if (who := env.takes_work_of(one)) is not None))
    if not present:
        raise ValueFailureError("there is nobody to ask: the employees are not set, or archived without a successor")
    if len(present) > MAX_ASKED:
        raise ValueFailureError(f"it asks {len(present)} employees: at most {MAX_ASKED} can be asked")
    return present


def _ids(value: Any) -> list[UUID]:
    match value:
        case None | "":
            return []
        case list():
            return [id for one in value for id in _ids(one)]
        case {"id": id}:
            return _ids(id)
        case _:
            try:
                return [UUID(str(value))]
            except ValueError as error:
                raise ValueFailureError(f"{str(value)[:80]!r} is no employee") from error


def _waiting(frame: Frame, data: dict[str, JsonValue], until: datetime | None) -> Wait:
    given, asked = data["given"], data["asked"]
    assert isinstance(given, list)  # noqa: S101 - as written above
    return Wait(until, (answers_to(frame.step),), f"{len(given)} of {asked} have answered", data)


def _next_moment(data: Mapping[str, JsonValue]) -> datetime | None:
    """The next reminder, else the limit."""
    return next(iter(_moments(data["reminders"])), _moment(data["limit"]))


def _moment(written: JsonValue) -> datetime | None:
    return None if written is None else datetime.fromisoformat(str(written))


def _moments(written: JsonValue) -> list[datetime]:
    assert isinstance(written, list)  # noqa: S101 - as written above
    return [datetime.fromisoformat(str(one)) for one in written]


def _given(frame: Frame) -> list[Any]:
    given: Any = frame.data["given"]
    return list(given)


def _asked(frame: Frame) -> int:
    asked: Any = frame.data["asked"]
    return int(asked)


def comments(given: Given) -> JsonValue:
    """Those that were written, with whose they are."""
    return [{"employee": one["employee"], "comment": one["comment"]} for one in given if one["comment"]]
