"""What a simulation found, as it is answered."""

from datetime import date, datetime
from typing import Annotated
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue


class _Found(BaseModel):
    model_config = ConfigDict(frozen=True, use_attribute_docstrings=True)


class Totals(_Found):
    """All of it together."""

    items: int
    """That have arrived."""
    runs: int
    decisions: int
    """Of rules: done, skipped, refused or failed, and commands that were sent."""
    commands: int
    messages: int
    """E-mails and SMS to clients."""
    most_open_runs: int
    """Unfinished at one time."""
    open_at_end: int
    """Runs that still wait at the end."""


class DaySummary(_Found):
    """One day of the company's calendar. `done` to `cancelled` are rules that came to their end."""

    date: date
    entered: int
    """Entries of items into stages."""
    done: int
    skipped: int
    refused: int
    failed: int
    cancelled: int
    commands: dict[str, int]
    """Sent, by their type on the wire."""
    messages: int


class ReasonCount(_Found):
    reason: str
    times: int


class RuleSummary(_Found):
    """A rule of a stage, or a block of a workflow, over the whole time."""

    of: str
    """Code of the rule set or workflow."""
    stage: str
    """Empty in a workflow."""
    rule: str
    type: str
    """Of a rule; empty for other blocks."""
    done: int
    skipped: int
    refused: int
    failed: int
    cancelled: int
    commands: int
    first_at: datetime | None
    """When it came to an end, or sent a command, for the first time."""
    last_at: datetime | None
    reasons: list[ReasonCount]
    """The most frequent ones of those that were not done."""


class Collision(_Found):
    """Two rules that want different things of one field, or of the stage, of an item within a day."""

    field: str
    first: str
    second: str
    times: int
    item_id: UUID
    """The first item with it."""
    at: datetime
    values: list[JsonValue]
    """Of that item: what the first one and the second one wanted."""


class Cycle(_Found):
    """Automation that acts on its own consequence; the owner refuses the command."""

    reason: str
    times: int
    item_id: UUID
    at: datetime


class LimitHit(_Found):
    what: str
    times: int


class ManyMessages(_Found):
    """A client with more messages on one day than was asked to be told of."""

    date: date
    to: str
    messages: int
    rules: list[str]


class TraceLine(_Found):
    """One thing that happened to an item."""

    at: datetime
    what: str
    """`entered`, `changed`, `received`, `planned`, `command`, `rule`, `block`, `asked`, `collision` or `circle`."""
    of: str = ""
    """Code of the rule set or workflow."""
    name: str = ""
    """Of the rule, block, stage, field or event."""
    state: str = ""
    reason: str | None = None
    due_at: datetime | None = None
    details: dict[str, JsonValue] | None = None
    """Of a command: its type and what is in it, texts as the client would read them."""


class Trace(_Found):
    """Everything that happened to one item, in order."""

    item_id: UUID
    title: str
    pipeline: str
    stage: str
    """Where it is at the end."""
    lines: list[TraceLine]


class Findings(_Found):
    """The answer of a simulation."""

    from_: Annotated[datetime, Field(serialization_alias="from")]
    until: datetime
    """How far it has come."""
    totals: Totals
    days: list[DaySummary]
    """Those on which something happened."""
    rules: list[RuleSummary]
    collisions: list[Collision]
    circles: list[Cycle]
    limits: list[LimitHit]
    many_messages: list[ManyMessages]
    traces: list[Trace]
    cut: list[str]
    """What is missing, and why; empty: nothing."""
