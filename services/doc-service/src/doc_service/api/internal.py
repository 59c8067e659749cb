"""`/internal`: what other services ask of templates, for any tenant; their tokens have the scope."""

from collections.abc import Mapping
from uuid import UUID

from fastapi import APIRouter

from contracts.kit.auth import require_service
from contracts.kit.database import Database
from contracts.named import TenantTemplates
from contracts.service_calls import TEMPLATES
from doc_service.domain.templates import Template
from doc_service.store import Store


def router(database: Database, store: Store, builtin: Mapping[str, Template]) -> APIRouter:
    routes = APIRouter(prefix="/internal", tags=["internal"])

    @routes.get("/templates/{tenant}")
    async def list_templates(tenant: UUID, _: str = require_service(TEMPLATES.scope)) -> TenantTemplates:
        """The templates that documents can be made from."""
        async with database.transaction(tenant) as tx:
            own = await store.templates.usable_codes(tx, tenant)
        return TenantTemplates(tenant_id=tenant, templates=tuple(sorted({*own, *builtin})))

    return routes
