"""Types of items that authors define."""

from uuid import UUID

from contracts.item_types import BUILT_IN, ItemType, unknown_type
from contracts.kit.database import Connection
from contracts.kit.rows import put
from contracts.values import ItemKind
from entity_service.domain.errors import ConflictError, InvalidError
from entity_service.domain.item_types import CustomType, Usage


async def find(tx: Connection, tenant: UUID, code: str) -> CustomType | None:
    row = await tx.fetchrow("SELECT * FROM item_types WHERE tenant_id = $1 AND code = $2", tenant, code)
    return CustomType.model_validate(dict(row)) if row else None


async def lock(tx: Connection, tenant: UUID, code: str) -> CustomType | None:
    """The type, which nobody else replaces, and nothing new is defined for, until the transaction ends."""
    row = await tx.fetchrow("SELECT * FROM item_types WHERE tenant_id = $1 AND code = $2 FOR UPDATE", tenant, code)
    return CustomType.model_validate(dict(row)) if row else None


async def require(tx: Connection, tenant: UUID, kind: ItemKind) -> None:
    """That there is such a type, built in or custom, until the transaction ends. Raises `InvalidError`."""
    if kind in BUILT_IN:
        return
    archived = await tx.fetchval(
        "SELECT archived FROM item_types WHERE tenant_id = $1 AND code = $2 FOR SHARE", tenant, kind
    )
    if archived is None:
        raise InvalidError(("kind", unknown_type(kind, await in_use(tx, tenant))))
    if archived:
        raise ConflictError(f"item type {kind!r} is archived")


async def check_known(tx: Connection, tenant: UUID, kind: ItemKind, where: str) -> None:
    """Raises `InvalidError` unless there is such a type, archived or not; `where` it was named."""
    if kind not in BUILT_IN and await find(tx, tenant, kind) is None:
        raise InvalidError((where, unknown_type(kind, await of_tenant(tx, tenant))))


async def of_item(tx: Connection, tenant: UUID, kind: ItemKind) -> ItemType:
    """The type of an item that there is."""
    found = BUILT_IN.get(kind) or await find(tx, tenant, kind)
    assert found is not None  # noqa: S101 - a type that items have is never deleted
    return found


async def of_tenant(tx: Connection, tenant: UUID) -> list[ItemType]:
    """All custom types, archived ones too."""
    rows = await tx.fetch("SELECT * FROM item_types WHERE tenant_id = $1 ORDER BY code", tenant)
    return [ItemType.model_validate(dict(row)) for row in rows]


async def in_use(tx: Connection, tenant: UUID) -> list[ItemType]:
    """The custom types that are not archived."""
    rows = await tx.fetch("SELECT * FROM item_types WHERE tenant_id = $1 AND NOT archived ORDER BY code", tenant)
    return [ItemType.model_validate(dict(row)) for row in rows]


async def page(tx: Connection, tenant: UUID, after: str, limit: int) -> list[CustomType]:
    """At most `limit` by code, those behind `after`; archived ones too."""
    rows = await tx.fetch(
        "SELECT * FROM item_types WHERE tenant_id = $1 AND code > $2 ORDER BY code LIMIT $3", tenant, after, limit
    )
    return [CustomType.model_validate(dict(row)) for row in rows]


async def usage(tx: Connection, tenant: UUID, code: str) -> Usage:
    """What needs a type."""
    (row,) = await tx.fetch(
        """SELECT (SELECT coalesce(array_agg(code ORDER BY code), '{}') FROM pipelines
                   WHERE tenant_id = $1 AND kind = $2 AND NOT archived) AS pipelines,
               count(*) AS items,
               count(*) FILTER (WHERE company_id IS NOT NULL OR contact_ids <> '{}') AS with_clients,
               count(*) FILTER (WHERE EXISTS (SELECT FROM products p
                   WHERE (p.tenant_id, p.item_id) = (items.tenant_id, items.id))) AS with_products
           FROM items WHERE tenant_id = $1 AND kind = $2""",
        tenant,
        code,
    )
    return Usage(**{**dict(row), "pipelines": tuple(row["pipelines"])})


async def save(tx: Connection, tenant: UUID, type: CustomType) -> None:
    """Creates or replaces."""
    await put(tx, "item_types", {"tenant_id": tenant, **dict(type)}, key=("tenant_id", "code"))
