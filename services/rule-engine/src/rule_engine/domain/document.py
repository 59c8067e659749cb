"""The rule set as its author writes it: one document per pipeline, a list of rules per stage."""

from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from contracts.conditions import Condition
from contracts.values import Code

Execution = Literal["parallel", "wait"]
OnLeave = Literal["cancel", "finish", "run_now"]
OnFailure = Literal["stop", "continue"]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Now(_Strict):
    """As soon as the rule's turn comes."""

    when: Literal["now"] = "now"


class After(_Strict):
    """So long after the item entered the stage.

    Months, weeks and days are calendar ones in the company's time zone (31 August + 6 months is 28 or 29 February);
    hours, minutes and seconds are exact.
    """

    when: Literal["after"] = "after"
    months: Annotated[int, Field(ge=0, le=1200)] = 0
    weeks: Annotated[int, Field(ge=0, le=5200)] = 0
    days: Annotated[int, Field(ge=0, le=36500)] = 0
    hours: Annotated[int, Field(ge=0, le=876000)] = 0
    minutes: Annotated[int, Field(ge=0, le=52560000)] = 0
    seconds: Annotated[int, Field(ge=0, le=3153600000)] = 0

    @model_validator(mode="after")
    def _is_some_time(self) -> "After":
        if not any((self.months, self.weeks, self.days, self.hours, self.minutes, self.seconds)):
            raise ValueError("after: give at least one of months, weeks, days, hours, minutes, seconds")
        return self


RunTime = Annotated[Now | After, Field(discriminator="when")]


class RuleDocument(_Strict):
    """One rule of a stage. `params` are those of its type; a string in them is a Liquid template."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    """Unique in its stage, and the key of its outputs: `steps.<name>.<output>`."""
    id: UUID | None = None
    """Given by the server; send it back to rename a rule without making it another one."""
    title: Annotated[str, Field(max_length=200)] = ""
    type: Annotated[str, Field(max_length=64)]
    execution: Execution = "wait"
    run: RunTime = Now()
    condition: Condition | None = None
    on_leave: OnLeave = "cancel"
    on_failure: OnFailure = "stop"
    enabled: bool = True
    params: dict[str, JsonValue] = Field(default_factory=dict)


class StageDocument(_Strict):
    """The rules of a stage, in order."""

    rules: Annotated[tuple[RuleDocument, ...], Field(max_length=200)] = ()


class RuleSetDocument(_Strict):
    """Everything that happens by itself in one pipeline."""

    pipeline: Code
    name: Annotated[str, Field(max_length=200)] = ""
    stages: dict[Code, StageDocument]
