"""What every trigger type declares, and the occurrences that triggers are matched against."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.contexts import TenantSchema
from contracts.envelope import Body

type Issues = Iterator[tuple[str, str]]
"""Where a setting is wrong, and what is wrong with it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """Something that happened to items; `facts` are the JSON values that settings and conditions look at.

    With `linked_with` it concerns the items that are linked with this one, which entity-service is asked for.
    """

    type: str
    items: tuple[UUID, ...] = ()
    linked_with: UUID | None = None
    facts: Mapping[str, Any]


class TriggerSettings(BaseModel):
    """A trigger type's own settings; unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


class NoSettings(TriggerSettings):
    """For types that have none."""


class TriggerType[S: TriggerSettings](ABC):
    """A kind of trigger. `context_name` is the name under which conditions find the occurrence's facts."""

    name: ClassVar[str]
    title: ClassVar[str]
    group: ClassVar[str]
    description: ClassVar[str]
    context_name: ClassVar[str]
    settings: type[S]

    def mismatch(self, settings: S, facts: Mapping[str, Any]) -> str | None:
        """Why an occurrence of this type is not one that the settings ask for; null when it is."""
        return None

    def issues(self, settings: S, pipeline: str, schema: TenantSchema) -> Issues:
        """What settings of a trigger in `pipeline` name that the tenant does not have."""
        yield from ()


class EventTriggerType[S: TriggerSettings, B: Body](TriggerType[S]):
    """A kind of trigger that events of other services set off."""

    body: type[B]

    def about(self, data: B, *items: UUID) -> Occurrence:
        """That it has happened to these items; the facts are all that the event says."""
        return Occurrence(type=self.name, items=items, facts=data.model_dump(mode="json"))

    @abstractmethod
    def occurrence(self, data: B) -> Occurrence | None:
        """What the event says has happened; null when it is nothing that this type looks for."""
