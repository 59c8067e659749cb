"""Rules that write into the item's timeline."""

from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.messages.entity_commands import AddTimelineEntry
from rule_engine.domain.actions import (
    LONGER_IS_CUT,
    ActionContext,
    Employee,
    Group,
    Outputs,
    Params,
    RuleType,
)


class TimelineParams(Params):
    text: Annotated[str, Field(min_length=1, max_length=10_000, json_schema_extra=LONGER_IS_CUT)]
    author: Employee | None = None
    """Code of the employee who is to be named as the one who wrote it; by default the rule."""


class WrittenEntry(Outputs):
    """The entry."""

    entry_id: UUID


class AddTimelineComment(RuleType[TimelineParams]):
    """A comment in the item's timeline."""

    type = "add_timeline_comment"
    title = "Comment in the timeline"
    group: ClassVar[Group] = "employees"
    params = TimelineParams
    outputs = WrittenEntry
    kind: ClassVar[Literal["comment", "history"]] = "comment"

    def act(self, params: TimelineParams, acting: ActionContext) -> AddTimelineEntry:
        return acting.command(AddTimelineEntry, kind=self.kind, text=params.text, actor=acting.actor_for(params.author))


class AddHistoryEntry(AddTimelineComment):
    """An entry in the item's history, among what happened to it."""

    type = "add_history_entry"
    title = "Write into the history"
    kind = "history"


RULES: tuple[RuleType[Any], ...] = (AddTimelineComment(), AddHistoryEntry())
