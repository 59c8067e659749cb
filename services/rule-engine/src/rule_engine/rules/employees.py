"""Rules that tell employees something."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import Field

from contracts.contexts import ItemContext, Part
from contracts.messages.comms import Notify
from rule_engine.domain.actions import (
    LONGER_IS_CUT,
    ActionContext,
    Employees,
    Failure,
    Group,
    Outputs,
    Params,
    RuleType,
)

ALL_ARCHIVED = (
    "the recipients are archived and nobody is left to take over: give them successors, their departments heads, or "
    "the tenant a default_assignee"
)
Text = Annotated[str, Field(min_length=1, max_length=10_000, json_schema_extra=LONGER_IS_CUT)]


class Notified(Outputs):
    """Who has it in the inbox: the notification by employee."""

    notification_ids: dict[UUID, UUID]


class NotifySupervisorParams(Params):
    text: Text
    recipients: Employees = ()
    """Codes of employees; by default the head of the responsible person's department, up the tree."""


class NotifySupervisor(RuleType[NotifySupervisorParams]):
    """A notification to the responsible person's supervisor."""

    type = "notify_supervisor"
    title = "Notify the supervisor"
    group: ClassVar[Group] = "employees"
    needs: ClassVar[tuple[Part, ...]] = ("responsible", "supervisor", "reassignments")
    params = NotifySupervisorParams
    outputs = Notified

    def act(self, params: NotifySupervisorParams, acting: ActionContext) -> Notify | Failure:
        """Fails when there is no supervisor. What is meant for archived employees goes to those who get their work."""
        context = acting.context
        supervisor = (context.supervisor.id,) if context.supervisor else ()
        meant = params.recipients or supervisor
        if not meant:
            whom = "the responsible person has no supervisor" if context.responsible else "nobody is responsible"
            return Failure(f"{whom}: give the department a head, or the rule recipients")
        recipients = present_ones(meant, context)
        if not recipients:
            return Failure(ALL_ARCHIVED)
        return Notify(item_id=context.item.id, recipients=recipients, text=params.text)


def present_ones(meant: Iterable[UUID | None], context: ItemContext) -> tuple[UUID, ...]:
    """Each of them once; in the place of archived ones those who get their work."""
    present = (context.reassignments.get(id, id) for id in meant if id is not None)
    return tuple(dict.fromkeys(id for id in present if id is not None))


RULES: tuple[RuleType[Any], ...] = (NotifySupervisor(),)
