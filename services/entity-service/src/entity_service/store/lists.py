"""Lists and their rows."""

from uuid import UUID

from contracts.field_values import ListSchema
from contracts.kit.database import Connection
from contracts.kit.rows import insert, put, update
from entity_service.domain.lists import KeptList, ListRow


async def find(tx: Connection, tenant: UUID, code: str) -> KeptList | None:
    row = await tx.fetchrow("SELECT * FROM lists WHERE tenant_id = $1 AND code = $2", tenant, code)
    return KeptList.model_validate(dict(row)) if row else None


async def lock(tx: Connection, tenant: UUID, code: str) -> KeptList | None:
    """The list, which nobody else replaces until the transaction ends."""
    row = await tx.fetchrow("SELECT * FROM lists WHERE tenant_id = $1 AND code = $2 FOR UPDATE", tenant, code)
    return KeptList.model_validate(dict(row)) if row else None


async def in_use(tx: Connection, tenant: UUID) -> list[ListSchema]:
    """Those that are not archived."""
    rows = await tx.fetch("SELECT * FROM lists WHERE tenant_id = $1 AND NOT archived ORDER BY code", tenant)
    return [ListSchema.model_validate(dict(row)) for row in rows]


async def page(tx: Connection, tenant: UUID, after: str, limit: int) -> list[KeptList]:
    """At most `limit` by code, those behind `after`; archived ones too."""
    rows = await tx.fetch(
        "SELECT * FROM lists WHERE tenant_id = $1 AND code > $2 ORDER BY code LIMIT $3", tenant, after, limit
    )
    return [KeptList.model_validate(dict(row)) for row in rows]


async def save(tx: Connection, tenant: UUID, one: KeptList) -> None:
    """Creates or replaces."""
    await put(tx, "lists", {"tenant_id": tenant, **one.model_dump(mode="json")}, key=("tenant_id", "code"))


async def add_row(tx: Connection, tenant: UUID, row: ListRow) -> None:
    await insert(tx, "list_rows", _columns(tenant, row))


async def save_row(tx: Connection, tenant: UUID, row: ListRow) -> None:
    """Writes a row that is locked."""
    await update(tx, "list_rows", _columns(tenant, row), key=("tenant_id", "id"))


def _columns(tenant: UUID, row: ListRow) -> dict[str, object]:
    columns = {"tenant_id": tenant, **dict(row)}
    return {'"values"' if name == "values" else name: value for name, value in columns.items()}


async def find_row(tx: Connection, tenant: UUID, code: str, id: UUID, *, lock: bool = False) -> ListRow | None:
    """A row of a list; with `lock` nobody else changes it until the transaction ends."""
    row = await tx.fetchrow(
        f"SELECT * FROM list_rows WHERE tenant_id = $1 AND list = $2 AND id = $3{' FOR UPDATE' if lock else ''}",  # noqa: S608
        tenant,
        code,
        id,
    )
    return ListRow.model_validate(dict(row)) if row else None


async def rows(tx: Connection, tenant: UUID, code: str, before: UUID | None, limit: int) -> list[ListRow]:
    """At most `limit`, newest first."""
    found = await tx.fetch(
        """SELECT * FROM list_rows WHERE tenant_id = $1 AND list = $2 AND ($3::uuid IS NULL OR id < $3)
           ORDER BY id DESC LIMIT $4""",
        tenant,
        code,
        before,
        limit,
    )
    return [ListRow.model_validate(dict(row)) for row in found]


async def delete_row(tx: Connection, tenant: UUID, code: str, id: UUID) -> bool:
    """False when there was none."""
    sql = "DELETE FROM list_rows WHERE tenant_id = $1 AND list = $2 AND id = $3 RETURNING id"
    return bool(await tx.fetch(sql, tenant, code, id))


async def count_rows(tx: Connection, tenant: UUID) -> int:
    """Of all lists."""
    count: int = await tx.fetchval("SELECT count(*) FROM list_rows WHERE tenant_id = $1", tenant)
    return count
