"""What rules about a shipment have in common."""

from uuid import UUID

from contracts.messages.entity_events import ShipmentStatus
from rule_engine.domain.actions import Outputs, Params


class ShipmentParams(Params):
    shipment: UUID | None = None
    """Id of the shipment, such as `{"path": "steps.send.shipment_id"}`; by default the item's last one."""


class ShipmentStatusOutputs(Outputs):
    """The shipment as it is now; `tracking` is empty until the carrier knows it."""

    shipment_id: UUID
    status: ShipmentStatus
    tracking: str | None = None
