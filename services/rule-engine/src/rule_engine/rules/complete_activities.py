"""A rule that completes what is planned."""

from typing import Any, ClassVar

from contracts.messages.entity_commands import (
    CompleteActivities,
)
from contracts.values import PlannedKind
from rule_engine.domain.actions import (
    ActionContext,
    Employee,
    Group,
    Outputs,
    Params,
    RuleType,
)


class CompleteActivitiesParams(Params):
    kinds: tuple[PlannedKind, ...] = ()
    """None: of all kinds."""
    author: Employee | None = None
    """Code of an employee: only what they have planned."""


class CompletedActivities(Outputs):
    """How many were open."""

    completed: int


class CompleteActivitiesRule(RuleType[CompleteActivitiesParams]):
    """Completes the planned activities of the item that are open."""

    type = "complete_activities"
    title = "Complete activities"
    group: ClassVar[Group] = "tasks"
    params = CompleteActivitiesParams
    outputs = CompletedActivities

    def act(self, params: CompleteActivitiesParams, acting: ActionContext) -> CompleteActivities:
        return acting.command(CompleteActivities, kinds=params.kinds, author_id=params.author)


RULES: tuple[RuleType[Any], ...] = (CompleteActivitiesRule(),)
