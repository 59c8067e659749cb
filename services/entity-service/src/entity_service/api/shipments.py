"""`/v1/items/{id}/shipments` and `/v1/shipments`."""

from uuid import UUID

from fastapi import APIRouter

from contracts.kit.auth import Caller, Role, require
from contracts.kit.http import Page
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from entity_service import store
from entity_service.api.responses import find_item
from entity_service.domain.shipments import Shipment


def router(service: Service) -> APIRouter:
    """Everybody may read. Rules make shipments, carriers report what becomes of them."""
    routes = APIRouter(prefix="/v1", tags=["shipments"])

    @routes.get("/items/{id}/shipments")
    async def list_shipments(id: UUID, paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[Shipment]:
        """Shipments of a deal, oldest first."""
        async with service.database.transaction(caller.tenant) as tx:
            await find_item(tx, caller, id)
            return paging.by_id(await store.shipments.of_item(tx, caller.tenant, id, paging.id, paging.rows))

    @routes.get("/shipments/{id}")
    async def get_shipment(id: UUID, caller: Caller = require(Role.VIEWER)) -> Shipment:
        async with service.database.transaction(caller.tenant) as tx:
            return found(await store.shipments.find(tx, caller.tenant, id), f"shipment {id}")

    return routes
