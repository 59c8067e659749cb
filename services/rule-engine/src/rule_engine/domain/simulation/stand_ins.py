"""Stand-ins for the owners of commands: they answer as the caller says, and the same command always in the same way."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from hashlib import sha256
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, JsonValue, model_validator

from rule_engine.domain.execution.assignments import MAX_COMMENT, Ask, Choice
from rule_engine.domain.language.variables import Name

Share = Annotated[float, Field(ge=0, le=1)]
Reason = Annotated[str, Field(min_length=1, max_length=500)]
Seconds = Annotated[int, Field(ge=0, le=31_536_000)]


class StandIn(BaseModel):
    """How commands are answered: of one rule, of one type of rules, or, with neither, of all.

    Shares are of 1, and what is left of them is done. Which commands they meet is decided by a hash of the item, the
    rule and how often it has acted.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    rule: Name | None = None
    """Name of a rule, or of an action of a workflow."""
    type: Annotated[str, Field(max_length=64)] | None = None
    """A type of rules, such as `send_sms`."""
    after_seconds: Seconds = 0
    """How long it takes."""
    refused: Share = 0
    failed: Share = 0
    unanswered: Share = 0
    """Of these nothing is ever heard."""
    reason: Reason = "as the simulation was asked to"
    """Of those that are refused or fail."""
    retryable: bool = True
    """Whether trying again may help those that fail."""
    outputs: dict[str, JsonValue] = Field(default_factory=dict)
    """In place of made-up ones, such as the number of a document."""

    @model_validator(mode="after")
    def _shares_are_of_one(self) -> Self:
        if self.refused + self.failed + self.unanswered > 1:
            raise ValueError("the shares of refused, failed and unanswered commands are more than 1 together")
        return self

    def stands_for(self, rule: str, type: str) -> bool:
        return self.rule in (None, rule) and self.type in (None, type)


class EmployeeStandIn(BaseModel):
    """How employees answer what a block of a workflow asks of them: of one block, or of all."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    block: Name | None = None
    choice: Choice
    share: Share = 1
    """The share of those who are asked that answers so; the others are left to the next stand-in, if any."""
    after_seconds: Seconds = 3600
    comment: Annotated[str, Field(max_length=MAX_COMMENT)] = ""
    values: Annotated[dict[str, JsonValue], Field(max_length=100)] = Field(default_factory=dict)
    """What they fill in, by field of the form."""

    def fits(self, block: str, ask: Ask) -> bool:
        return self.block in (None, block) and self.choice in ask.choices


def employees_answer(
    stand_ins: Sequence[EmployeeStandIn], block: str, ask: Ask, drawn_from: str
) -> EmployeeStandIn | None:
    """What one employee says; null: nothing, ever."""
    for number, one in enumerate(stand_ins):
        if one.fits(block, ask) and fraction(f"{drawn_from}/{number}") < one.share:
            return one
    return None


@dataclass(frozen=True, slots=True)
class Answer:
    """What becomes of a command, and after how long."""

    outcome: Literal["done", "refused", "failed", "unanswered"] = "done"
    after: timedelta = timedelta(0)
    reason: str = ""
    retryable: bool = False
    outputs: Mapping[str, JsonValue] = field(default_factory=dict)


DONE_AT_ONCE = Answer()


def answer(stand_ins: Sequence[StandIn], rule: str, type: str, drawn_from: str) -> Answer:
    """Of the first that stands for the rule; without one it is done at once. `drawn_from` decides the shares."""
    for one in stand_ins:
        if one.stands_for(rule, type):
            after = timedelta(seconds=one.after_seconds)
            return Answer(_outcome(one, fraction(drawn_from)), after, one.reason, one.retryable, one.outputs)
    return DONE_AT_ONCE


def _outcome(stand_in: StandIn, drawn: float) -> Literal["done", "refused", "failed", "unanswered"]:
    if drawn < stand_in.refused:
        return "refused"
    if drawn < stand_in.refused + stand_in.failed:
        return "failed"
    return "unanswered" if drawn < stand_in.refused + stand_in.failed + stand_in.unanswered else "done"


def fraction(text: str) -> float:
    """A number from 0 to 1 (exclusive) that looks random and is always the same."""
    return int.from_bytes(sha256(text.encode()).digest()[:6]) / 2**48
