"""Items."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from contracts.kit.rows import insert, update
from contracts.values import ItemKind
from entity_service.domain.errors import ConflictError
from entity_service.domain.items import Item
from entity_service.store.rows import with_money, without_money


def item_of(row: asyncpg.Record) -> Item:
    return Item.model_validate(with_money(row))


async def find(tx: Connection, tenant: UUID, id: UUID) -> Item | None:
    row = await tx.fetchrow("SELECT * FROM items WHERE tenant_id = $1 AND id = $2", tenant, id)
    return item_of(row) if row else None


async def lock(tx: Connection, tenant: UUID, id: UUID) -> Item | None:
    """The item, which nobody else changes until the transaction ends."""
    row = await tx.fetchrow("SELECT * FROM items WHERE tenant_id = $1 AND id = $2 FOR UPDATE", tenant, id)
    return item_of(row) if row else None


async def lock_all(tx: Connection, tenant: UUID, ids: Iterable[UUID]) -> dict[UUID, Item]:
    """Those of the items that exist, locked in id order, so that two who lock the same ones do not block each other."""
    rows = await tx.fetch(
        "SELECT * FROM items WHERE tenant_id = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE", tenant, list(ids)
    )
    return {row["id"]: item_of(row) for row in rows}


async def add(tx: Connection, items: Sequence[Item]) -> None:
    """Raises `ConflictError` when a stage or client was removed meanwhile."""
    try:
        await insert(tx, "items", *map(without_money, items))
    except asyncpg.ForeignKeyViolationError as error:
        raise ConflictError("a stage or record that the item refers to was removed just now") from error


async def save(tx: Connection, item: Item) -> None:
    """Writes every column of an item that is locked. Raises `ConflictError` as `add` does."""
    try:
        await update(tx, "items", without_money(item), key=("tenant_id", "id"))
    except asyncpg.ForeignKeyViolationError as error:
        raise ConflictError("a stage or record that the item refers to was removed just now") from error


async def delete(tx: Connection, item: Item) -> None:
    await tx.execute("DELETE FROM items WHERE tenant_id = $1 AND id = $2", item.tenant_id, item.id)


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list of items is narrowed to; `before` is the id after which the page begins, newest first."""

    kind: ItemKind | None = None
    pipeline: str | None = None
    stage: str | None = None
    responsible: UUID | None = None
    contact: UUID | None = None
    company: UUID | None = None
    updated_since: datetime | None = None
    text: str | None = None
    before: UUID | None = None


async def search(tx: Connection, tenant: UUID, wanted: Filter, limit: int) -> list[Item]:
    """At most `limit` items, newest first; `text` is looked for anywhere in the title."""
    conditions = {
        "kind = $": wanted.kind,
        "pipeline = $": wanted.pipeline,
        "stage = $": wanted.stage,
        "responsible_id = $": wanted.responsible,
        "contact_ids @> $": [wanted.contact] if wanted.contact else None,
        "company_id = $": wanted.company,
        "updated_at >= $": wanted.updated_since,
        "title ILIKE $": f"%{_escaped(wanted.text)}%" if wanted.text else None,
        "id < $": wanted.before,
    }
    asked = {text: value for text, value in conditions.items() if value is not None}
    where = "".join(f" AND {text.replace('$', f'${number}')}" for number, text in enumerate(asked, start=3))
    rows = await tx.fetch(
        f"SELECT * FROM items WHERE tenant_id = $1{where} ORDER BY id DESC LIMIT $2",  # noqa: S608 - constants
        tenant,
        limit,
        *asked.values(),
    )
    return [item_of(row) for row in rows]


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


async def in_stage(tx: Connection, tenant: UUID, place: tuple[str, str], after: UUID | None, limit: int) -> list[Item]:
    """At most `limit` items of a stage (pipeline, code), by id, those after `after`."""
    rows = await tx.fetch(
        """SELECT * FROM items WHERE tenant_id = $1 AND pipeline = $2 AND stage = $3
               AND ($4::uuid IS NULL OR id > $4) ORDER BY id LIMIT $5""",
        tenant,
        *place,
        after,
        limit,
    )
    return [item_of(row) for row in rows]


async def count_in_stage(tx: Connection, tenant: UUID, place: tuple[str, str]) -> int:
    count: int = await tx.fetchval(
        "SELECT count(*) FROM items WHERE tenant_id = $1 AND pipeline = $2 AND stage = $3", tenant, *place
    )
    return count


async def open_of_contacts(tx: Connection, tenant: UUID, contacts: Sequence[UUID]) -> list[Item]:
    """Items of these clients whose stage is neither won nor lost, newest first."""
    rows = await tx.fetch(
        """SELECT i.* FROM items i
           JOIN stages s ON (s.tenant_id, s.pipeline, s.code) = (i.tenant_id, i.pipeline, i.stage)
           WHERE i.tenant_id = $1 AND i.contact_ids && $2 AND s.outcome = 'open' ORDER BY i.id DESC LIMIT 500""",
        tenant,
        list(contacts),
    )
    return [item_of(row) for row in rows]
