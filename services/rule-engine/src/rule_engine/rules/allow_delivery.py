"""A rule that allows a delivery."""

from typing import Any, ClassVar

from contracts.item_types import TypeFilter
from contracts.messages.shipment_commands import AllowDelivery
from rule_engine.domain.actions import ActionContext, Group, RuleType
from rule_engine.rules.create_shipment import DELIVERED
from rule_engine.rules.shipments import ShipmentParams, ShipmentStatusOutputs


class AllowDeliveryRule(RuleType[ShipmentParams]):
    """Tells the carrier that a shipment may go."""

    type = "allow_delivery"
    title = "Allow the delivery"
    group: ClassVar[Group] = "items"
    kinds: ClassVar[tuple[TypeFilter, ...]] = DELIVERED
    params = ShipmentParams
    outputs = ShipmentStatusOutputs

    def act(self, params: ShipmentParams, acting: ActionContext) -> AllowDelivery:
        return acting.command(AllowDelivery, shipment_id=params.shipment)


RULES: tuple[RuleType[Any], ...] = (AllowDeliveryRule(),)
