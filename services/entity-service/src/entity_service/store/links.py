"""Which items came from or belong to which."""

from uuid import UUID

from contracts.kit.database import Connection
from entity_service.domain.links import Link, Relation


async def add(tx: Connection, tenant: UUID, from_id: UUID, to_id: UUID, relation: Relation) -> None:
    """Both items exist and the first is locked."""
    await tx.execute(
        "INSERT INTO links (tenant_id, from_id, to_id, relation) VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING",
        tenant,
        from_id,
        to_id,
        relation,
    )


async def of_item(tx: Connection, tenant: UUID, item: UUID, after: UUID | None, limit: int) -> list[Link]:
    """At most `limit`, by the id of the other item."""
    rows = await tx.fetch(
        """SELECT l.relation, CASE WHEN l.from_id = $2 THEN 'to' ELSE 'from' END AS direction,
               i.id AS item_id, i.kind, i.title, i.pipeline, i.stage
           FROM links l JOIN items i ON i.tenant_id = l.tenant_id
               AND i.id = CASE WHEN l.from_id = $2 THEN l.to_id ELSE l.from_id END
           WHERE l.tenant_id = $1 AND (l.from_id = $2 OR l.to_id = $2) AND ($3::uuid IS NULL OR i.id > $3)
           ORDER BY i.id LIMIT $4""",
        tenant,
        item,
        after,
        limit,
    )
    return [Link.model_validate(dict(row)) for row in rows]
