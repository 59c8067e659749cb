"""Which items came from or belong to which."""

from collections.abc import Sequence
from uuid import UUID

from contracts.contexts import ItemRef
from contracts.kit.database import Connection
from contracts.links import MAX_LINKED, LinkedTo
from contracts.messages.link_commands import LinkName
from contracts.values import ItemKind
from entity_service.domain.links import LINKS, Link, Relation


async def add(tx: Connection, tenant: UUID, from_id: UUID, to_id: UUID, relation: Relation) -> None:
    """Both items exist and the first is locked."""
    await tx.execute(
        "INSERT INTO links (tenant_id, from_id, to_id, relation) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        tenant,
        from_id,
        to_id,
        relation,
    )


async def of_item(tx: Connection, tenant: UUID, item: UUID, after: tuple[UUID, str] | None, limit: int) -> list[Link]:
    """At most `limit`, by the id of the other item and the relation."""
    rows = await tx.fetch(
        """SELECT l.relation, CASE WHEN l.from_id = $2 THEN 'to' ELSE 'from' END AS direction,
               i.id AS item_id, i.kind, i.title, i.pipeline, i.stage
           FROM links l JOIN items i ON i.tenant_id = l.tenant_id
               AND i.id = CASE WHEN l.from_id = $2 THEN l.to_id ELSE l.from_id END
           WHERE l.tenant_id = $1 AND (l.from_id = $2 OR l.to_id = $2)
             AND ($3::uuid IS NULL OR (i.id, l.relation) > ($3, $4))
           ORDER BY i.id, l.relation LIMIT $5""",
        tenant,
        item,
        *(after or (None, None)),
        limit,
    )
    return [Link.model_validate(dict(row)) for row in rows]


_LINKED = """FROM links l JOIN items i ON i.tenant_id = l.tenant_id AND i.id = CASE WHEN l.from_id = $2 THEN l.to_id
        ELSE l.from_id END
    WHERE l.tenant_id = $1 AND (l.from_id = $2 OR l.to_id = $2) AND l.relation = $3"""


async def linked(tx: Connection, tenant: UUID, item: UUID, link: LinkName, kind: ItemKind | None) -> list[UUID]:
    """Items so linked, the oldest first; one more than may be changed at once."""
    relation, directions = LINKS[link]
    rows = await tx.fetch(
        f"""SELECT i.id {_LINKED} AND ($4::text IS NULL OR i.kind = $4)
              AND CASE WHEN l.from_id = $2 THEN 'to' ELSE 'from' END = ANY ($5) ORDER BY i.id LIMIT $6""",  # noqa: S608
        tenant,
        item,
        relation,
        kind,
        list(directions),
        MAX_LINKED + 1,
    )
    return [row["id"] for row in rows]


async def of_items(tx: Connection, refs: Sequence[ItemRef]) -> list[LinkedTo]:
    """What each of the items is linked with, the oldest first; those without links are left out."""
    rows = await tx.fetch(
        """SELECT asked.tenant_id, asked.item_id, linked.ids
           FROM unnest($1::uuid[], $2::uuid[]) AS asked (tenant_id, item_id)
           CROSS JOIN LATERAL (
               SELECT array_agg(id ORDER BY id) AS ids FROM (
                   SELECT to_id AS id FROM links l WHERE l.tenant_id = asked.tenant_id AND l.from_id = asked.item_id
                   UNION
                   SELECT from_id FROM links l WHERE l.tenant_id = asked.tenant_id AND l.to_id = asked.item_id
                   ORDER BY id LIMIT $3
               ) one
           ) linked WHERE linked.ids IS NOT NULL""",
        [ref.tenant_id for ref in refs],
        [ref.item_id for ref in refs],
        MAX_LINKED,
    )
    return [LinkedTo(tenant_id=row["tenant_id"], item_id=row["item_id"], linked=tuple(row["ids"])) for row in rows]


async def link(tx: Connection, tenant: UUID, item: UUID, other: UUID) -> bool:
    """Links two items as related; whether they were not yet, in whichever direction."""
    first, second = sorted((item, other))
    done = await tx.execute(
        """INSERT INTO links (tenant_id, from_id, to_id, relation) VALUES ($1, $2, $3, 'related')
           ON CONFLICT DO NOTHING""",
        tenant,
        first,
        second,
    )
    return bool(done == "INSERT 0 1")


async def unlink(
    tx: Connection, tenant: UUID, item: UUID, other: UUID | None, kind: ItemKind | None
) -> list[tuple[UUID, str]]:
    """Takes away links as related; the ids and titles of the items that they were with."""
    rows = await tx.fetch(
        f"""SELECT i.id, i.title {_LINKED} AND ($4::uuid IS NULL OR i.id = $4)
              AND ($5::text IS NULL OR i.kind = $5) ORDER BY i.id""",  # noqa: S608
        tenant,
        item,
        "related",
        other,
        kind,
    )
    await tx.execute(
        """DELETE FROM links WHERE tenant_id = $1 AND relation = 'related'
             AND (from_id = $2 AND to_id = ANY ($3) OR to_id = $2 AND from_id = ANY ($3))""",
        tenant,
        item,
        [row["id"] for row in rows],
    )
    return [(row["id"], row["title"]) for row in rows]


async def lock_parents(tx: Connection, tenant: UUID) -> None:
    """Until the transaction ends nobody else changes which item is whose parent."""
    await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended('parents:' || $1, 0))", str(tenant))


async def ancestors(tx: Connection, tenant: UUID, item: UUID) -> list[UUID]:
    """The parent, the parent's parent and so on."""
    rows = await tx.fetch(
        """WITH RECURSIVE above AS (
               SELECT from_id FROM links WHERE tenant_id = $1 AND to_id = $2 AND relation = 'child'
               UNION
               SELECT l.from_id FROM above a JOIN links l ON l.to_id = a.from_id
               WHERE l.tenant_id = $1 AND l.relation = 'child'
           ) SELECT from_id FROM above""",
        tenant,
        item,
    )
    return [row["from_id"] for row in rows]


async def set_parent(tx: Connection, tenant: UUID, item: UUID, parent: UUID | None) -> bool:
    """Gives an item this parent, or none; whether it had another one before."""
    before = await tx.fetchval(
        "SELECT from_id FROM links WHERE tenant_id = $1 AND to_id = $2 AND relation = 'child'", tenant, item
    )
    if before == parent:
        return False
    await tx.execute("DELETE FROM links WHERE tenant_id = $1 AND to_id = $2 AND relation = 'child'", tenant, item)
    if parent is not None:
        await add(tx, tenant, parent, item, "child")
    return True
