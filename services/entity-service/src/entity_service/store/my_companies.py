"""The tenant's own companies."""

from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from contracts.kit.rows import put
from contracts.requisites import Requisites
from entity_service.domain.my_companies import OwnCompany

CHOSEN = """(SELECT to_jsonb(m) FROM my_companies m WHERE m.tenant_id = i.tenant_id AND NOT m.archived
    ORDER BY m.is_default DESC, m.created_at, m.code LIMIT 1)"""
"""Of the tenant of an item `i`: the company that documents print."""


def company_of(row: asyncpg.Record | dict[str, object]) -> OwnCompany:
    return OwnCompany.model_validate({**dict(row), "default": row["is_default"]})


async def page(tx: Connection, tenant: UUID, after: str, limit: int) -> list[OwnCompany]:
    """At most `limit` by code, those behind `after`; archived ones too."""
    rows = await tx.fetch(
        "SELECT * FROM my_companies WHERE tenant_id = $1 AND code > $2 ORDER BY code LIMIT $3", tenant, after, limit
    )
    return [company_of(row) for row in rows]


async def find(tx: Connection, tenant: UUID, code: str) -> OwnCompany | None:
    row = await tx.fetchrow("SELECT * FROM my_companies WHERE tenant_id = $1 AND code = $2", tenant, code)
    return company_of(row) if row else None


async def save(tx: Connection, tenant: UUID, company: OwnCompany) -> None:
    """Creates or replaces. A new default takes the flag from the old one; others wait, since two may try at once."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('my_companies:' || $1, 0))", str(tenant))
    if company.default:
        await tx.execute("UPDATE my_companies SET is_default = false WHERE tenant_id = $1 AND is_default", tenant)
    row = {
        "tenant_id": tenant,
        **company.model_dump(include={"code", "name", "email", "phone", "archived"}),
        "is_default": company.default,
        "requisites": dumped(company.requisites),
    }
    await put(tx, "my_companies", row, key=("tenant_id", "code"))


def dumped(requisites: Requisites) -> dict[str, object]:
    """As columns keep them."""
    kept: dict[str, object] = requisites.model_dump(mode="json", exclude_defaults=True)
    return kept
