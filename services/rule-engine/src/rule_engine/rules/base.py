"""What a rule type is: one class with its names, its parameters and outputs, and how it acts."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

from pydantic import BaseModel, ConfigDict

from contracts.contexts import ItemContext, Part
from contracts.envelope import Body
from contracts.values import ItemKind

Group = Literal["communication", "employees", "tasks", "repeat_sales", "documents", "items"]
ALL_KINDS: tuple[ItemKind, ...] = ("lead", "deal", "quote", "invoice", "custom")


class Params(BaseModel):
    """Parameters as they are when the rule acts: templates rendered, paths followed. Unknown ones are refused."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Outputs(BaseModel):
    """What later rules of the chain can use as `steps.<name>.<output>`."""

    model_config = ConfigDict(frozen=True, extra="ignore")


@dataclass(frozen=True, slots=True)
class Refusal:
    """The rule cannot act for a business reason, such as a client without a phone; `reason` is for people."""

    reason: str


@dataclass(frozen=True, slots=True)
class Failure:
    """The rule fails for a reason that its author must know, such as no address of the wanted kind."""

    reason: str


@dataclass(frozen=True, slots=True)
class Acting:
    """What a rule sees at the moment it acts."""

    context: ItemContext
    """For an owed rule `context.item` is the snapshot of the entry, everything else is fresh."""
    now: datetime
    stage: str
    actor: str
    """Who the records say did it: `rule:<name>`."""
    guard: int | None
    """The `expect_entry_seq` of commands: null where leaving the stage does not take the rule back."""
    entry_seq: int
    """The entry's own number; the guard that a move always carries."""
    values: Mapping[str, Any]
    """The context as authors name it, with `steps`, `now` and `today`."""
    run_id: UUID


class RuleType[P: Params](ABC):
    """One type of rule. Subclasses are the catalogue; `act` is pure."""

    type: ClassVar[str]
    version: ClassVar[int] = 1
    title: ClassVar[str]
    group: ClassVar[Group]
    kinds: ClassVar[tuple[ItemKind, ...]] = ALL_KINDS
    helper: ClassVar[bool] = False
    needs: ClassVar[tuple[Part, ...]] = ()
    """Parts of the context that `act` itself reads, beside those its texts name."""
    params: type[P]
    outputs: ClassVar[type[Outputs]] = Outputs

    @abstractmethod
    def act(self, params: P, acting: Acting) -> Body | Outputs | Refusal | Failure:
        """The command to send, outputs at once (helpers), or why not."""
