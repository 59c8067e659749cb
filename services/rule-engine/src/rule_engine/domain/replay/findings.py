"""What a replay has found, as it is answered."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

Did = Literal["acted", "did not act", "was refused", "failed", "was not there", "chose"]
Would = Literal["act", "act otherwise", "not act", "fail", "choose"]


class Example(BaseModel):
    """One item of which something is said."""

    item_id: UUID
    run_id: UUID | None
    """Null for an entry that the rule was not there for yet."""
    at: datetime
    was: str | None
    """The reason that was recorded, if any."""
    would: str | None
    """Why it would be otherwise, or with which values."""


class Difference(BaseModel):
    """What a rule or block did, and would do instead, so many times; the newest of them by name."""

    was: Did
    chose: str | None
    """The branch that a block took, or what else it chose; null: it failed, or this is a rule."""
    would: Would
    choose: str | None
    """What it would choose instead; null: nothing, or this is a rule."""
    times: int
    items: list[Example]


class NotSaid(BaseModel):
    """Why it cannot be said what it would have done: paths that were not recorded, or a reason in words."""

    what: str
    times: int
    items: list[Example]


class RuleReplay(BaseModel):
    """One rule, or block that chooses by conditions: how many of its decisions would be the same, otherwise, or cannot
    be said.
    """

    stage: str
    block: bool
    """Whether it is such a block; `rule_id` and `rule` are its id and name."""
    rule_id: str
    rule: str
    change: Literal["none", "changed", "added", "removed"]
    decisions: int
    same: int
    otherwise: int
    not_said: int
    differences: list[Difference]
    unsaid: list[NotSaid]


class ReplayFindings(BaseModel):
    """What would have been decided otherwise. `version` null: the draft."""

    code: str
    version: int | None
    since: datetime
    until: datetime
    decisions: int
    items: int
    same: int
    otherwise: int
    not_said: int
    rules: list[RuleReplay]
    """Those with differences first."""
    cut: list[str]
    """What is missing from all this, and why."""
