"""A rule that asks a carrier for a shipment."""

from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field

from contracts.item_types import TypeFilter
from contracts.messages.shipment_commands import CreateShipment
from contracts.values import Code
from rule_engine.domain.actions import ActionContext, Failure, Group, Outputs, Params, RuleType
from rule_engine.rules.time_expressions import TimeExpression

DELIVERED: tuple[TypeFilter, ...] = ("deal",)
_LINE = {"longer": "is cut", "lines": "one"}


class Window(BaseModel):
    """When it is to be delivered."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    start: TimeExpression
    end: TimeExpression


class CreateShipmentParams(Params):
    address: Annotated[str, Field(min_length=1, max_length=500, json_schema_extra=_LINE)]
    """Where it is to be brought."""
    carrier: Code | None = None
    """Code of the carrier; by default the tenant's first one."""
    window: Window | None = None


class CreatedShipment(Outputs):
    """The shipment; `tracking` is empty until the carrier knows it."""

    shipment_id: UUID
    tracking: str | None = None


class CreateShipmentRule(RuleType[CreateShipmentParams]):
    """A shipment that a carrier is to bring, once it is allowed; what becomes of it is told as events."""

    type = "create_shipment"
    title = "Create a shipment"
    group: ClassVar[Group] = "items"
    kinds: ClassVar[tuple[TypeFilter, ...]] = DELIVERED
    params = CreateShipmentParams
    outputs = CreatedShipment

    def act(self, params: CreateShipmentParams, acting: ActionContext) -> CreateShipment | Failure:
        zone, window = acting.context.tenant.time_zone, params.window
        start = window.start.moment(acting.now, zone) if window else None
        end = window.end.moment(acting.now, zone) if window else None
        if start and end and end <= start:
            return Failure("params.window: it ends before it begins")
        return acting.command(
            CreateShipment, address=params.address, carrier=params.carrier, window_start=start, window_end=end
        )


RULES: tuple[RuleType[Any], ...] = (CreateShipmentRule(),)
