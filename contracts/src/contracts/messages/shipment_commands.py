"""The commands of entity-service about shipments, on `crm.entity.commands.v1`."""

from typing import Annotated, ClassVar
from uuid import UUID

from pydantic import Field, model_validator

from contracts.inputs import Moment
from contracts.messages.entity_commands import ItemCommand
from contracts.texts import ONE_LINE
from contracts.values import Code, Fields

ShipmentAddress = Annotated[str, Field(min_length=1, max_length=500), ONE_LINE]


class ShipmentFields(Fields):
    """What is said of a shipment."""

    address: ShipmentAddress
    carrier: Code | None = None
    """Null: the tenant's first carrier, by code."""
    window_start: Moment | None = None
    window_end: Moment | None = None
    """When it is to be delivered."""

    @model_validator(mode="after")
    def _window_is_one(self) -> "ShipmentFields":
        if self.window_start and self.window_end and self.window_end <= self.window_start:
            raise ValueError("the window ends before it begins")
        return self


class CreateShipment(ShipmentFields, ItemCommand):
    """Asks a carrier for a shipment of a deal. Outputs: `shipment_id`, `tracking` (null until the carrier knows it)."""

    TYPE: ClassVar[str] = "crm.shipment.create.v1"


class ShipmentCommand(ItemCommand):
    """About a shipment of the item. Refused when there is none."""

    shipment_id: UUID | None = None
    """Null: the last one."""


class AllowDelivery(ShipmentCommand):
    """Tells the carrier that a shipment may go. Outputs: `shipment_id`, `status`, `tracking`."""

    TYPE: ClassVar[str] = "crm.shipment.allow.v1"


class CancelShipment(ShipmentCommand):
    """Cancels a shipment at its carrier. Refused when it is on its way.

    Outputs: `shipment_id`, `status`, `tracking`.
    """

    TYPE: ClassVar[str] = "crm.shipment.cancel.v1"


class ReadShipment(ShipmentCommand):
    """Reads a shipment. Outputs: `shipment_id`, `status`, `tracking`."""

    TYPE: ClassVar[str] = "crm.shipment.read.v1"
