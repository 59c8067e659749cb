"""How far simulated items, their runs and their commands have come."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from contracts.contexts import ItemContext
from contracts.envelope import Cause
from rule_engine.domain.execution.planning import Head, OpenRun
from rule_engine.domain.execution.step import Emission
from rule_engine.domain.language.values import context_values
from rule_engine.domain.simulation.locks import Locks
from rule_engine.domain.simulation.owners import Command


@dataclass(slots=True)
class SimulatedRun:
    open: OpenRun
    code: str
    """Of its rule set or workflow."""
    causepath: tuple[Cause, ...]
    values: dict[str, JsonValue] = field(default_factory=dict)
    """Of variables that runs have one of each."""
    wake_at: datetime | None = None


@dataclass(slots=True)
class SimulatedItem:
    context: ItemContext
    head: Head
    values: dict[str, JsonValue]
    runs: dict[UUID, SimulatedRun] = field(default_factory=dict)
    acted: Counter[str] = field(default_factory=Counter)
    """How often each rule has sent a command."""
    wanted: dict[str, tuple[str, datetime, JsonValue]] = field(default_factory=dict)
    """By field: the rule that gave it its value, when, and the value."""
    locks: Locks = field(default_factory=Locks)
    seen: tuple[ItemContext, Mapping[str, Any]] | None = None
    """A context and its values."""

    def values_of(self, context: ItemContext) -> Mapping[str, Any]:
        if self.seen is None or self.seen[0] is not context:
            self.seen = context, context_values(context, self.seen)
        return self.seen[1]


@dataclass(frozen=True, slots=True)
class SentCommand:
    """A command that is not answered yet."""

    item: SimulatedItem
    run: SimulatedRun
    emission: Emission
    command: Command
