"""A rule that reads a shipment."""

from typing import Any, ClassVar

from contracts.item_types import TypeFilter
from contracts.messages.shipment_commands import ReadShipment
from rule_engine.domain.actions import ActionContext, Group, RuleType
from rule_engine.rules.create_shipment import DELIVERED
from rule_engine.rules.shipments import ShipmentParams, ShipmentStatusOutputs


class GetDelivery(RuleType[ShipmentParams]):
    """Reads how far a shipment is, for the rules after it."""

    type = "get_delivery"
    title = "Read a delivery"
    group: ClassVar[Group] = "items"
    kinds: ClassVar[tuple[TypeFilter, ...]] = DELIVERED
    helper: ClassVar[bool] = True
    params = ShipmentParams
    outputs = ShipmentStatusOutputs

    def act(self, params: ShipmentParams, acting: ActionContext) -> ReadShipment:
        return acting.command(ReadShipment, shipment_id=params.shipment)


RULES: tuple[RuleType[Any], ...] = (GetDelivery(),)
