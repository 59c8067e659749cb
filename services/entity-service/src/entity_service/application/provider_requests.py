"""What commands want of providers: what to ask, and what becomes of the answer. Whatever ends a request deletes it."""

from collections.abc import Mapping
from typing import Protocol
from uuid import UUID

from pydantic import JsonValue

from contracts.kit import worker
from contracts.kit.database import Connection
from contracts.messages.results import CANCELLED
from entity_service import store
from entity_service.application.payment_links import PaymentLinks
from entity_service.application.shipments import Shipments
from entity_service.domain.accounts import Action, Answer, Question, Request


class Asker(Protocol):
    """Who knows what a request means."""

    async def question(self, tx: Connection, request: Request) -> Question | None: ...

    async def answered(self, tx: Connection, request: Request, answer: Answer) -> Mapping[str, JsonValue]: ...

    async def refused(self, tx: Connection, request: Request, reason: str) -> None: ...


class ProviderRequests:
    """Requests by the id of their command."""

    def __init__(self, links: PaymentLinks, shipments: Shipments) -> None:
        self._askers: Mapping[Action, Asker] = {
            "create_payment_link": links,
            "create_shipment": shipments,
            "allow_delivery": shipments,
            "cancel_shipment": shipments,
        }

    async def question(self, tx: Connection, tenant: UUID, id: UUID) -> Question | None:
        """Null when there is nothing to ask for any more."""
        request = await store.accounts.find_request(tx, tenant, id)
        return await self._askers[request.action].question(tx, request) if request else None

    async def answered(self, tx: Connection, tenant: UUID, id: UUID, answer: Answer) -> Mapping[str, JsonValue]:
        """The command's outputs. Raises `NotFoundError` when its item was deleted."""
        request = await self._end(tx, tenant, id)
        return await self._askers[request.action].answered(tx, request, answer)

    async def refused(self, tx: Connection, tenant: UUID, id: UUID, reason: str) -> None:
        """Raises `NotFoundError` when its item was deleted."""
        request = await self._end(tx, tenant, id)
        await self._askers[request.action].refused(tx, request, reason)

    async def cancel(self, tenant: UUID, id: UUID, tx: Connection) -> bool | None:
        """Whether the provider will not be asked; null: the command wants nothing of one."""
        if await store.accounts.find_request(tx, tenant, id) is None:
            return None
        if not await worker.cancel(tx, tenant, id):
            return False
        await self.refused(tx, tenant, id, CANCELLED)
        return True

    async def _end(self, tx: Connection, tenant: UUID, id: UUID) -> Request:
        request = await store.accounts.find_request(tx, tenant, id)
        if request is None:
            raise LookupError("the request of this work does not exist")
        await store.accounts.delete_request(tx, request)
        return request
