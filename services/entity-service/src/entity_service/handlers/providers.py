"""Handles the commands about payments by link, and about shipments."""

from contracts.kit.database import Connection
from contracts.messages.payment_commands import CreatePaymentLink, ReadPayment
from contracts.messages.shipment_commands import AllowDelivery, CancelShipment, CreateShipment, ReadShipment
from entity_service.application import Changes
from entity_service.application.shipments import outputs_of
from entity_service.handlers.on_item import ItemAction, Outputs, on_item


class ProviderHandlers:
    """One method per command. What a provider is asked for is answered when it has answered."""

    def __init__(self, changes: Changes) -> None:
        self._clock = changes.items.clock
        self._links = changes.payment_links
        self._shipments = changes.shipments

    @on_item(CreatePaymentLink)
    async def create_payment_link(self, action: ItemAction[CreatePaymentLink], tx: Connection) -> None:
        await self._links.expect(tx, action.item, action.data, action.command.command_id, action.actor)

    @on_item(ReadPayment)
    async def read_payment(self, action: ItemAction[ReadPayment], tx: Connection) -> Outputs:
        payment = await self._links.read(tx, action.item, action.data)
        return {
            "payment_id": str(payment.id),
            "status": payment.state(self._clock()),
            "amount": payment.amount.model_dump(mode="json"),
            "paid_at": payment.paid_at.isoformat() if payment.paid_at else None,
            "method": payment.method,
            "link": payment.link,
        }

    @on_item(CreateShipment)
    async def create_shipment(self, action: ItemAction[CreateShipment], tx: Connection) -> None:
        await self._shipments.plan(tx, action.item, action.data, action.command.command_id, action.actor)

    @on_item(AllowDelivery)
    async def allow_delivery(self, action: ItemAction[AllowDelivery], tx: Connection) -> Outputs | None:
        command = action.command.command_id
        shipment = await self._shipments.allow(tx, action.item, action.data.shipment_id, command)
        return outputs_of(shipment) if shipment else None

    @on_item(CancelShipment)
    async def cancel_shipment(self, action: ItemAction[CancelShipment], tx: Connection) -> Outputs | None:
        command = action.command.command_id
        shipment = await self._shipments.cancel(tx, action.item, action.data.shipment_id, command)
        return outputs_of(shipment) if shipment else None

    @on_item(ReadShipment)
    async def read_shipment(self, action: ItemAction[ReadShipment], tx: Connection) -> Outputs:
        return outputs_of(await self._shipments.read(tx, action.item, action.data.shipment_id))
