"""`approve`: employees vote."""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, JsonValue

from rule_engine.blocks.asking import AsksPeople, Employees, Given, PeopleOptions, Result, comments
from rule_engine.domain.execution.assignments import Ask, CommentRequired


class Percent(BaseModel):
    """At least so many of the hundred."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    percent: Annotated[int, Field(ge=1, le=100)]


class ApproveOptions(PeopleOptions):
    """It is approved when all voters approve, any one of them, or at least so many percent."""

    voters: Employees
    quorum: Literal["all", "any"] | Percent = "all"
    wait_for_all: bool = False
    """Whether it waits for all answers; else it ends as soon as the result is certain."""
    comment_required: CommentRequired = "never"

    def needed(self, asked: int) -> int:
        """Approvals of so many voters that make it approved."""
        if isinstance(self.quorum, Percent):
            return -(-asked * self.quorum.percent // 100)
        return asked if self.quorum == "all" else 1


class Approve(AsksPeople[ApproveOptions]):
    """Voters approve or reject. Who has not answered when the time is over has not approved."""

    type = "approve"
    title = "Approval"
    branches = ("approved", "rejected")
    options = ApproveOptions

    def employees(self, options: ApproveOptions) -> JsonValue:
        return options.voters

    def ask(self, options: ApproveOptions, subject: str, text: str, due_at: datetime | None) -> Ask:
        return Ask(
            kind="approve",
            subject=subject,
            text=text,
            comment_required=options.comment_required,
            may_delegate=options.delegation,
            due_at=due_at,
        )

    def result(self, options: ApproveOptions, asked: int, given: Given, *, over: bool) -> Result | None:
        needed, open_votes = options.needed(asked), 0 if over else asked - len(given)
        approvals = sum(one["choice"] == "approve" for one in given)
        approved = approvals >= needed
        certain = approved or approvals + open_votes < needed
        if not certain or (options.wait_for_all and open_votes):
            return None
        said = f"{approvals} of {asked} approved, {needed} needed"
        late = "; the time was over" if over else ""
        outputs: dict[str, JsonValue] = {"approved": approved, **self.outputs(options, given)}
        return Result("approved" if approved else "rejected", said + late, outputs)

    def outputs(self, options: ApproveOptions, given: Given) -> dict[str, JsonValue]:
        votes: list[JsonValue] = [
            {"employee": one["employee"], "by": one["by"], "approved": one["choice"] == "approve", "at": one["at"]}
            for one in given
        ]
        return {"votes": votes, "comments": comments(given)}
