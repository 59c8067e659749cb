"""What people ask a simulation for, as they write it."""

from datetime import timedelta
from typing import Annotated, Literal, Self
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, JsonValue, model_validator

from contracts.calendars import Zone
from contracts.inputs import Input, Moment
from contracts.texts import Title
from contracts.values import Code, Money, PersonInput
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.simulation.stand_ins import EmployeeStandIn, Share, StandIn

MAX_ITEMS = 10_000
MAX_EVENTS = 100_000
"""Events of all items together."""

type Version = Literal["draft", "newest"] | Annotated[int, Field(ge=1, le=2**31 - 1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True)


class RuleSetChoice(_Part):
    """A rule set: a version of one that is kept, or `document`, as it would be put."""

    code: Code
    version: Version = "newest"
    document: RuleSetDocument | None = None


class WorkflowChoice(_Part):
    """A workflow: a version of one that is kept, or `document`, as it would be put."""

    code: Code
    version: Version = "newest"
    document: WorkflowDocument | None = None
    start: bool = False
    """Whether it is started on every item that it is for, as it arrives; else it starts by itself where it says so."""
    parameters: Annotated[dict[str, JsonValue], Field(max_length=100)] = Field(default_factory=dict)
    """Of those starts."""


class GivenClient(PersonInput):
    """The client of an item that is made up."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    time_zone: Zone | None = None


class GivenItem(_Part):
    """An item that is made up, `copies` times."""

    title: Title = "An item"
    pipeline: Code
    stage: Code
    amount: Money | None = None
    source: str | None = None
    fields: dict[str, JsonValue] = Field(default_factory=dict)
    activity_count: Annotated[int, Field(ge=0, le=10**6)] = 0
    client: GivenClient | None = None
    responsible: Code | None = None
    """Code of an employee."""
    copies: Annotated[int, Field(ge=1, le=MAX_ITEMS)] = 1


class RecordedItems(_Part):
    """Items that entered stages of a pipeline in a time that is past: each arrives as it did first, as it was then.

    What people moved later in that time, people move again; what automation moved is left to the simulated rules.
    """

    pipeline: Code
    since: Moment
    until: Moment
    limit: Annotated[int, Field(ge=1, le=MAX_ITEMS)] = 1_000
    """Items at most, the earliest ones."""


class ItemChoice(_Part):
    """The items: those that there are, made up ones, recorded ones."""

    ids: Annotated[tuple[UUID, ...], Field(max_length=MAX_ITEMS)] = ()
    """They arrive as they are now, as if they entered their stage."""
    given: Annotated[tuple[GivenItem, ...], Field(max_length=1_000)] = ()
    recorded: RecordedItems | None = None
    every_seconds: Annotated[int, Field(ge=0, le=31_536_000)] = 0
    """Between one arrival and the next; not of recorded items, which arrive when they did."""
    stage: Code | None = None
    """The stage that items of `ids` enter in place of their own."""


class Length(_Part):
    days: Annotated[int, Field(ge=0, le=366)] = 0
    hours: Annotated[int, Field(ge=0, le=10_000)] = 0
    minutes: Annotated[int, Field(ge=0, le=1_000_000)] = 0

    @property
    def time(self) -> timedelta:
        return timedelta(days=self.days, hours=self.hours, minutes=self.minutes)


class EventChoice(_Part):
    """What people do, or what comes from outside, so long after an item has arrived."""

    after: Length = Length()
    item: UUID | None = None
    """The only item; none: all of them."""
    share: Share = 1
    """The share of the items that it happens to."""
    stage: Code | None = None
    """They move it to this stage of its pipeline."""
    fields: Annotated[dict[str, JsonValue], Field(max_length=100)] = Field(default_factory=dict)
    """They set these: `title`, `activity_count`, `fields.<code>`, …."""
    name: Annotated[str, Field(max_length=140)] | None = None
    """Something that workflows wait for comes, such as `event.reply`, with `value`."""
    value: Annotated[dict[str, JsonValue], Field(max_length=100)] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _is_something(self) -> Self:
        if self.stage is None and not self.fields and self.name is None:
            raise ValueError("say what happens: give stage, fields or name")
        return self


class SimulationDocument(Input):
    """What to simulate. What is left out of `rule_sets` and `workflows` is what is in force."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True, use_attribute_docstrings=True)

    from_: Annotated[AwareDatetime | None, Field(alias="from")] = None
    """When it begins; by default now, or with the first recorded item."""
    days: Annotated[int, Field(ge=1, le=366)] = 30
    rule_sets: Annotated[tuple[RuleSetChoice, ...], Field(max_length=50)] | None = None
    workflows: Annotated[tuple[WorkflowChoice, ...], Field(max_length=50)] | None = None
    items: ItemChoice
    events: Annotated[tuple[EventChoice, ...], Field(max_length=1_000)] = ()
    stand_ins: Annotated[tuple[StandIn, ...], Field(max_length=200)] = ()
    """How commands are answered: by the first that fits; without one they are done at once."""
    employees: Annotated[tuple[EmployeeStandIn, ...], Field(max_length=200)] = ()
    """How employees answer what workflows ask of them; without one that fits they do not."""
    seed: Annotated[str, Field(max_length=64)] = ""
    """Another one has shares meet other items."""
    traces: Annotated[int, Field(ge=0, le=1_000)] = 10
    """Items of which everything is told, the first that arrive."""
    messages_per_day: Annotated[int, Field(ge=0, le=1_000)] = 3
    """Clients with more messages on one day are told of."""
