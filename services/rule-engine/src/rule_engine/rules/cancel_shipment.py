"""A rule that cancels a shipment."""

from typing import Any, ClassVar

from contracts.item_types import TypeFilter
from contracts.messages.shipment_commands import CancelShipment
from rule_engine.domain.actions import ActionContext, Group, RuleType
from rule_engine.rules.create_shipment import DELIVERED
from rule_engine.rules.shipments import ShipmentParams, ShipmentStatusOutputs


class CancelShipmentRule(RuleType[ShipmentParams]):
    """Cancels a shipment at its carrier; refused when it is on its way."""

    type = "cancel_shipment"
    title = "Cancel a shipment"
    group: ClassVar[Group] = "items"
    kinds: ClassVar[tuple[TypeFilter, ...]] = DELIVERED
    params = ShipmentParams
    outputs = ShipmentStatusOutputs

    def act(self, params: ShipmentParams, acting: ActionContext) -> CancelShipment:
        return acting.command(CancelShipment, shipment_id=params.shipment)


RULES: tuple[RuleType[Any], ...] = (CancelShipmentRule(),)
