"""Custom fields of the kinds of items."""

from uuid import UUID

from contracts.contexts import FieldSchema
from contracts.kit.database import Connection
from contracts.kit.rows import put
from contracts.values import ItemKind
from entity_service.domain.fields import CustomField


async def find(tx: Connection, tenant: UUID, kind: ItemKind, code: str) -> CustomField | None:
    row = await tx.fetchrow(
        "SELECT * FROM fields WHERE tenant_id = $1 AND kind = $2 AND code = $3 FOR UPDATE", tenant, kind, code
    )
    return CustomField.model_validate(dict(row)) if row else None


async def in_use(tx: Connection, tenant: UUID) -> list[FieldSchema]:
    """All fields that are not archived."""
    rows = await tx.fetch("SELECT * FROM fields WHERE tenant_id = $1 AND NOT archived ORDER BY kind, code", tenant)
    return [FieldSchema.model_validate(dict(row)) for row in rows]


async def page(
    tx: Connection, tenant: UUID, kind: ItemKind | None, after: tuple[str, str], limit: int
) -> list[CustomField]:
    """At most `limit` by kind and code, those behind `after`, of all kinds or of one; archived ones too."""
    rows = await tx.fetch(
        """SELECT * FROM fields WHERE tenant_id = $1 AND ($2::text IS NULL OR kind = $2)
             AND (kind, code) > ($3, $4) ORDER BY kind, code LIMIT $5""",
        tenant,
        kind,
        *after,
        limit,
    )
    return [CustomField.model_validate(dict(row)) for row in rows]


async def save(tx: Connection, tenant: UUID, field: CustomField) -> None:
    """Creates or replaces; the type stays."""
    row, key = {"tenant_id": tenant, **dict(field)}, ("tenant_id", "kind", "code")
    await put(tx, "fields", row, key=key, kept=("type", "multiple"))
