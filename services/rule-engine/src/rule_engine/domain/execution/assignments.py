"""Assignments: what a block asks of employees, and the answers that they may give."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Annotated, Literal
from uuid import UUID, uuid5

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue

from contracts.issues import Issue
from contracts.texts import MAX_TITLE
from rule_engine.domain.execution.program import Path
from rule_engine.domain.language.asked import AskedDocument, MisfitsError, fitting_values
from rule_engine.domain.language.limits import refuse_outputs
from rule_engine.domain.language.variables import Name

MAX_ASKED = 50
"""Employees whom one block asks."""
MAX_COMMENT = 1_000

AssignmentKind = Literal["approve", "acknowledge", "request_information"]
CommentRequired = Literal["never", "always", "on_rejection"]
Choice = Literal["approve", "reject", "acknowledge", "provide", "refuse"]
CHOICES: Mapping[AssignmentKind, tuple[Choice, ...]] = {
    "approve": ("approve", "reject"),
    "acknowledge": ("acknowledge",),
    "request_information": ("provide", "refuse"),
}
Fields = Annotated[dict[Name, AskedDocument], Field(max_length=100)]


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Ask(_Strict):
    """What one employee is asked for."""

    kind: AssignmentKind
    subject: Annotated[str, Field(max_length=MAX_TITLE)]
    text: str = ""
    fields: Fields = Field(default_factory=dict)
    """The form."""
    comment_required: CommentRequired = "never"
    may_refuse: bool = True
    may_delegate: bool = False
    due_at: AwareDatetime | None = None

    @property
    def choices(self) -> tuple[Choice, ...]:
        return tuple(one for one in CHOICES[self.kind] if one != "refuse" or self.may_refuse)

    def needs_comment(self, choice: Choice) -> bool:
        return self.comment_required == "always" or (self.comment_required == "on_rejection" and choice == "reject")


class Answer(_Strict):
    """What an employee says."""

    choice: Choice
    comment: Annotated[str, Field(max_length=MAX_COMMENT)] = ""
    values: Annotated[dict[str, JsonValue], Field(max_length=100)] = Field(default_factory=dict)
    """Of the form, by field."""


@dataclass(frozen=True, slots=True)
class Asked:
    """An employee is asked; `number` counts the assignments of a frame."""

    step: int
    path: Path
    number: int
    employee: UUID
    ask: Ask
    substitute: UUID | None = None
    """Who is told instead: the employee is absent now."""

    def id_in(self, run: UUID) -> UUID:
        return uuid5(run, f"assignment/{self.step}/{self.number}")


@dataclass(frozen=True, slots=True)
class Reminded:
    """Those whose assignments of a frame are open are told again; for those who are absent, their substitutes."""

    step: int
    substitutes: Mapping[UUID, UUID] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """The assignments of a frame that are open are not needed any more."""

    step: int


@dataclass(frozen=True, slots=True)
class Moved:
    """A frame waits until another moment: its open assignments are due then."""

    step: int
    due_at: AwareDatetime


type AssignmentChange = Asked | Reminded | Withdrawn | Moved


def answers_to(step: int) -> str:
    """The name of what a frame awaits that has asked somebody."""
    return f"assignment.{step}"


def checked(ask: Ask, answer: Answer) -> Answer:
    """The answer with its values as their types keep them. Raises `MisfitsError` for one that is no answer to this."""
    if answer.choice not in ask.choices:
        raise MisfitsError(Issue("choice", f"answer with one of {', '.join(ask.choices)}"))
    if ask.needs_comment(answer.choice) and not answer.comment.strip():
        raise MisfitsError(Issue("comment", "is required: say why"))
    if answer.choice == "refuse":
        return answer.model_copy(update={"values": {}})
    values = fitting_values(ask.fields, answer.values, "values", "the form")
    if refusal := refuse_outputs(values, ()):
        raise MisfitsError(Issue("values", refusal))
    return answer.model_copy(update={"values": values})
