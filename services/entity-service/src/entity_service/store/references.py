"""What items may refer to, looked up for one tenant at once."""

from collections.abc import Collection, Iterable
from uuid import UUID

from contracts.kit.database import Connection
from entity_service.domain.items import Mentions, References
from entity_service.store import fields, item_types, pipelines


async def load(tx: Connection, tenant: UUID, mentions: Mentions) -> References:
    """The tenant's item types, pipelines and fields, and which of the mentioned ids exist."""
    schemas = await fields.in_use(tx, tenant)
    employees = await _employees(tx, tenant, mentions.employees)
    return References(
        tenant=tenant,
        types={one.code: one for one in await item_types.of_tenant(tx, tenant)},
        pipelines=await pipelines.of_tenant(tx, tenant),
        fields={(schema.kind, schema.code): schema for schema in schemas},
        employees=frozenset(employees),
        contacts=await existing_contacts(tx, tenant, mentions.contacts),
        companies=await _existing_companies(tx, tenant, mentions.companies),
        archived=frozenset(id for id, archived in employees.items() if archived),
    )


async def existing_employees(tx: Connection, tenant: UUID, ids: Iterable[UUID]) -> frozenset[UUID]:
    """Those of the ids that are employees; archived ones too, since what they are responsible for stays theirs."""
    return frozenset(await _employees(tx, tenant, ids))


async def _employees(tx: Connection, tenant: UUID, ids: Iterable[UUID]) -> dict[UUID, bool]:
    """Those of the ids that are employees, and whether they are archived."""
    asked = list(ids)
    sql = "SELECT id, archived FROM employees WHERE tenant_id = $1 AND id = ANY ($2)"
    rows = await tx.fetch(sql, tenant, asked) if asked else ()
    return {row["id"]: row["archived"] for row in rows}


async def existing_contacts(tx: Connection, tenant: UUID, ids: Iterable[UUID]) -> frozenset[UUID]:
    return await _existing(tx, "SELECT id FROM contacts WHERE tenant_id = $1 AND id = ANY ($2)", tenant, ids)


async def _existing_companies(tx: Connection, tenant: UUID, ids: Iterable[UUID]) -> frozenset[UUID]:
    return await _existing(tx, "SELECT id FROM companies WHERE tenant_id = $1 AND id = ANY ($2)", tenant, ids)


async def _existing(tx: Connection, sql: str, tenant: UUID, ids: Iterable[UUID]) -> frozenset[UUID]:
    asked = list(ids)
    rows = await tx.fetch(sql, tenant, asked) if asked else ()
    return frozenset(row["id"] for row in rows)


async def names(tx: Connection, tenant: UUID, ids: Collection[UUID]) -> dict[UUID, str]:
    """Those of the ids that are of employees, contacts or companies, by what they are called."""
    rows = await tx.fetch(_NAMES, tenant, list(ids)) if ids else ()
    return {row["id"]: row["name"] for row in rows}


_NAMES = """SELECT id, trim(first_name || ' ' || last_name) AS name FROM employees
        WHERE tenant_id = $1 AND id = ANY ($2)
    UNION ALL SELECT id, trim(first_name || ' ' || last_name) FROM contacts WHERE tenant_id = $1 AND id = ANY ($2)
    UNION ALL SELECT id, title FROM companies WHERE tenant_id = $1 AND id = ANY ($2)"""
