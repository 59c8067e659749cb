"""`/internal`: what other services ask, for any tenant; their tokens have the scope."""

from uuid import UUID

from fastapi import APIRouter

from contracts.kit.auth import require_service
from contracts.kit.database import Database
from contracts.service_calls import TRIGGERS
from contracts.triggers import TenantTriggers, TriggerPlace
from trigger_service.domain.triggers import Trigger
from trigger_service.store import triggers


def router(database: Database) -> APIRouter:
    routes = APIRouter(prefix="/internal", tags=["internal"])

    @routes.get("/triggers/{tenant}")
    async def list_triggers(tenant: UUID, _: str = require_service(TRIGGERS.scope)) -> TenantTriggers:
        """Where the triggers in use take items."""
        async with database.transaction(tenant) as tx:
            in_use = await triggers.in_use(tx, tenant)
        return TenantTriggers(tenant_id=tenant, triggers=tuple(map(_place, in_use)))

    return routes


def _place(trigger: Trigger) -> TriggerPlace:
    spec = trigger.spec
    return TriggerPlace(
        code=trigger.code,
        type=spec.type,
        pipeline=spec.pipeline,
        stage=spec.stage,
        allow_moving_back=spec.allow_moving_back,
    )
