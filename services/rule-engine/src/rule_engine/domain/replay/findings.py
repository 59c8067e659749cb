"""What a replay has found, as it is answered."""

from datetime import datetime
from typing import Literal
from uuid import UUID

from pydantic import BaseModel

Did = Literal["acted", "did not act", "was refused", "failed", "was not there"]
Would = Literal["act", "act otherwise", "not act", "fail"]


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
    """What a rule did, and would do instead, so many times; the newest of them by name."""

    was: Did
    would: Would
    times: int
    items: list[Example]


class NotSaid(BaseModel):
    """Why it cannot be said what a rule would have done: paths that were not recorded, or a reason in words."""

    what: str
    times: int
    items: list[Example]


class RuleReplay(BaseModel):
    """One rule: how many of its decisions would be the same, otherwise, or cannot be said."""

    stage: str
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
