"""What every trigger type declares, and the occurrences that triggers are matched against."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.envelope import Body


@dataclass(frozen=True, slots=True, kw_only=True)
class Occurrence:
    """Something that happened to items; `facts` are the JSON values that settings and conditions look at."""

    type: str
    items: tuple[UUID, ...]
    facts: Mapping[str, Any]


class TriggerSettings(BaseModel):
    """A trigger type's own settings; unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class TriggerType[S: TriggerSettings](ABC):
    """A kind of trigger. `context_name` is the name under which conditions find the occurrence's facts."""

    name: ClassVar[str]
    title: ClassVar[str]
    group: ClassVar[str]
    description: ClassVar[str]
    context_name: ClassVar[str]
    settings: type[S]

    @abstractmethod
    def mismatch(self, settings: S, facts: Mapping[str, Any]) -> str | None:
        """Why an occurrence of this type is not one that the settings ask for; null when it is."""


class EventTriggerType[S: TriggerSettings, B: Body](TriggerType[S]):
    """A kind of trigger that events of other services set off."""

    body: type[B]

    @abstractmethod
    def occurrence(self, data: B) -> Occurrence | None:
        """What the event says has happened; null when it is nothing that this type looks for."""
