"""`acknowledge` and `request_information`: employees take note, or fill in a form."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import Field, JsonValue

from rule_engine.blocks.asking import AsksPeople, Employees, Given, PeopleOptions, Result, comments
from rule_engine.domain.execution.assignments import Ask, Fields


class AcknowledgeOptions(PeopleOptions):
    """It goes on when all of them have acknowledged, or the first."""

    assignees: Employees
    wait_for: Literal["all", "any"] = "all"
    fields: Fields = Field(default_factory=dict)
    """What each of them is asked for besides."""


class Acknowledge(AsksPeople[AcknowledgeOptions]):
    """Employees say that they have taken note."""

    type = "acknowledge"
    title = "Acknowledgement"
    branches = ("acknowledged", "timed_out")
    options = AcknowledgeOptions

    def employees(self, options: AcknowledgeOptions) -> JsonValue:
        return options.assignees

    def ask(self, options: AcknowledgeOptions, subject: str, text: str, due_at: datetime | None) -> Ask:
        return Ask(
            kind="acknowledge",
            subject=subject,
            text=text,
            fields=options.fields,
            may_delegate=options.delegation,
            due_at=due_at,
        )

    def result(self, options: AcknowledgeOptions, asked: int, given: Given, *, over: bool) -> Result | None:
        needed = asked if options.wait_for == "all" else 1
        said, outputs = f"{len(given)} of {asked} acknowledged", self.outputs(options, given)
        if len(given) >= needed:
            return Result("acknowledged", said, outputs)
        return Result("timed_out", f"{said}; the time was over", outputs) if over else None

    def outputs(self, options: AcknowledgeOptions, given: Given) -> dict[str, JsonValue]:
        answers: list[JsonValue] = [
            {"employee": one["employee"], "by": one["by"], "values": one["values"], "at": one["at"]} for one in given
        ]
        return {"answers": answers, "comments": comments(given)}


class RequestInformationOptions(PeopleOptions):
    """A form that the first of them fills in."""

    assignees: Employees
    fields: Annotated[Fields, Field(min_length=1)]
    refusal: bool = False
    """Whether they may refuse."""


class RequestInformation(AsksPeople[RequestInformationOptions]):
    """Employees are asked for values; the first answer ends it."""

    type = "request_information"
    title = "Request for information"
    branches = ("provided", "refused", "timed_out")
    options = RequestInformationOptions

    def employees(self, options: RequestInformationOptions) -> JsonValue:
        return options.assignees

    def ask(self, options: RequestInformationOptions, subject: str, text: str, due_at: datetime | None) -> Ask:
        return Ask(
            kind="request_information",
            subject=subject,
            text=text,
            fields=options.fields,
            may_refuse=options.refusal,
            may_delegate=options.delegation,
            due_at=due_at,
        )

    def result(self, options: RequestInformationOptions, asked: int, given: Given, *, over: bool) -> Result | None:
        if not given:
            return Result("timed_out", "nobody has answered in time") if over else None
        first = given[0]
        outputs: dict[str, JsonValue] = {name: first[name] for name in ("employee", "by", "values", "comment", "at")}
        refused = first["choice"] == "refuse"
        return Result("refused" if refused else "provided", "refused" if refused else "provided", outputs)
