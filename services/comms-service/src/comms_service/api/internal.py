"""`/internal`: what other services ask of channels, for any tenant; their tokens have the scope."""

from uuid import UUID

from fastapi import APIRouter

from comms_service.store.channels import ChannelStore
from contracts.kit.auth import require_service
from contracts.kit.database import Database
from contracts.named import ChannelName, TenantChannels
from contracts.service_calls import CHANNELS


def router(database: Database, store: ChannelStore) -> APIRouter:
    routes = APIRouter(prefix="/internal", tags=["internal"])

    @routes.get("/channels/{tenant}")
    async def list_channels(tenant: UUID, _: str = require_service(CHANNELS.scope)) -> TenantChannels:
        """The channels that messages can go out by."""
        async with database.transaction(tenant) as tx:
            channels = await store.in_use(tx, tenant)
        in_use = (ChannelName(code=one.code, kind=one.kind, default=one.default) for one in channels)
        return TenantChannels(tenant_id=tenant, channels=tuple(in_use))

    return routes
