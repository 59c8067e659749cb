"""Custom fields of the kinds of items."""

from uuid import UUID

from contracts.contexts import FieldSchema
from contracts.kit.database import Connection
from contracts.values import ItemKind


async def find(tx: Connection, tenant: UUID, kind: ItemKind, code: str) -> FieldSchema | None:
    row = await tx.fetchrow(
        "SELECT * FROM fields WHERE tenant_id = $1 AND kind = $2 AND code = $3 FOR UPDATE", tenant, kind, code
    )
    return FieldSchema.model_validate(dict(row)) if row else None


async def in_use(tx: Connection, tenant: UUID) -> list[FieldSchema]:
    """All fields that are not archived."""
    rows = await tx.fetch("SELECT * FROM fields WHERE tenant_id = $1 AND NOT archived ORDER BY kind, code", tenant)
    return [FieldSchema.model_validate(dict(row)) for row in rows]


async def of_tenant(tx: Connection, tenant: UUID, kind: ItemKind | None = None) -> list[tuple[FieldSchema, bool]]:
    """All fields, or those of a kind, each with whether it is archived."""
    rows = await tx.fetch(
        "SELECT * FROM fields WHERE tenant_id = $1 AND ($2::text IS NULL OR kind = $2) ORDER BY kind, code",
        tenant,
        kind,
    )
    return [(FieldSchema.model_validate(dict(row)), row["archived"]) for row in rows]


async def put(tx: Connection, tenant: UUID, field: FieldSchema, archived: bool) -> None:
    await tx.execute(
        """INSERT INTO fields (tenant_id, kind, code, name, type, multiple, options, archived)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
           ON CONFLICT (tenant_id, kind, code) DO UPDATE SET name = $4, options = $7, archived = $8""",
        tenant,
        field.kind,
        field.code,
        field.name,
        field.type,
        field.multiple,
        field.options,
        archived,
    )
