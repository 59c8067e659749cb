"""A rule that books a resource."""

from typing import Any, ClassVar
from uuid import UUID

from contracts.item_types import TypeFilter
from contracts.messages.entity_commands import (
    BookResource,
    Minutes,
)
from rule_engine.domain.actions import (
    ActionContext,
    Group,
    Label,
    Outputs,
    Params,
    ResourceCode,
    RuleType,
)
from rule_engine.rules.activities import SALES
from rule_engine.rules.time_expressions import TimeExpression


class BookResourceParams(Params):
    resource: ResourceCode
    """Code of a resource; when it is taken the rule is refused with the next free time."""
    service: Label = ""
    """What it is booked for."""
    start: TimeExpression
    minutes: Minutes
    """How long it is booked."""


class BookedResource(Outputs):
    """The booking."""

    booking_id: UUID


class BookResourceRule(RuleType[BookResourceParams]):
    """A booking of a resource for the item, in the calendar of the item's responsible person."""

    type = "book_resource"
    title = "Book a resource"
    group: ClassVar[Group] = "tasks"
    kinds: ClassVar[tuple[TypeFilter, ...]] = SALES
    params = BookResourceParams
    outputs = BookedResource

    def act(self, params: BookResourceParams, acting: ActionContext) -> BookResource:
        start = params.start.moment(acting.now, acting.context.tenant.time_zone)
        return acting.command(
            BookResource, resource=params.resource, service=params.service, start=start, minutes=params.minutes
        )


RULES: tuple[RuleType[Any], ...] = (BookResourceRule(),)
