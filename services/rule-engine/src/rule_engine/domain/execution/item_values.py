"""What conditions and texts of a run see: the item as it is now, or as it was on entry, and what the run knows."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from contracts.contexts import ItemContext
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.running import Running
from rule_engine.domain.execution.state import Entry
from rule_engine.domain.execution.step import RunFacts
from rule_engine.domain.language.values import own_values, resolve
from rule_engine.domain.schedule.due import due, times_in
from rule_engine.domain.schedule.run_time import RunTime


@dataclass(slots=True)
class ItemValues:
    """Those of one step of a run. The context is turned into values once, whatever number of rules look at it."""

    context: ItemContext
    entry: Entry
    facts: RunFacts
    _made: dict[bool, Mapping[str, Any]] = field(default_factory=dict)

    def item(self, program: Program, *, on_entry: bool) -> ItemContext:
        """The context; with `on_entry` its item is as it was then, and everything else fresh."""
        if not on_entry:
            return self.context
        stage = self.context.stage
        if stage is not None and stage.code != program.stage:
            stage = stage.model_copy(update={"code": program.stage, "name": program.stage_name})
        return self.context.model_copy(update={"item": self.entry.snapshot, "stage": stage})

    def inside(self, run: Running, frame: int, *, on_entry: bool = False) -> dict[str, Any]:
        """Everything that can be named inside a frame."""
        if on_entry not in self._made:
            self._made[on_entry] = self.facts.values_of(self.item(run.program, on_entry=on_entry))
        zone = self.context.tenant.time_zone
        return {**self._made[on_entry], **own_values(run.outputs(frame), run.now, zone, run.stored), **run.names(frame)}

    def value(self, run: Running, frame: int, written: JsonValue) -> JsonValue:
        """What is written in a block, with its values. Raises `ValueFailureError` and `BudgetError`."""
        return resolve({"value": written}, self.inside(run, frame))["value"]

    def due(self, run: RunTime, since: datetime) -> datetime | None:
        """When something counted from `since` is due; null: a date that it counts from is empty."""
        found = due(run, since, self.context.item, times_in(self.context), since)
        return None if found.missing else found.at or since
