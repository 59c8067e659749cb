"""Meeting rooms and resources, and their bookings. PostgreSQL's exclusion constraint keeps bookings apart."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection, savepoint
from contracts.kit.rows import insert, put
from contracts.messages.entity_events import ResourceKind
from entity_service.domain.resources import Booking, Resource, Span


async def page(tx: Connection, tenant: UUID, kind: ResourceKind, after: str, limit: int) -> list[Resource]:
    """At most `limit` by code, those behind `after`; archived ones too."""
    rows = await tx.fetch(
        "SELECT * FROM resources WHERE tenant_id = $1 AND kind = $2 AND code > $3 ORDER BY code LIMIT $4",
        tenant,
        kind,
        after,
        limit,
    )
    return [Resource.model_validate(dict(row)) for row in rows]


async def codes(tx: Connection, tenant: UUID, kind: ResourceKind) -> tuple[str, ...]:
    """Of those that are not archived."""
    sql = "SELECT code FROM resources WHERE tenant_id = $1 AND kind = $2 AND NOT archived ORDER BY code"
    return tuple(row["code"] for row in await tx.fetch(sql, tenant, kind))


async def find(tx: Connection, tenant: UUID, kind: ResourceKind, code: str) -> Resource | None:
    row = await tx.fetchrow(
        "SELECT * FROM resources WHERE tenant_id = $1 AND kind = $2 AND code = $3", tenant, kind, code
    )
    return Resource.model_validate(dict(row)) if row else None


async def save(tx: Connection, tenant: UUID, resource: Resource) -> None:
    """Creates or replaces."""
    await put(tx, "resources", {"tenant_id": tenant, **dict(resource)}, key=("tenant_id", "kind", "code"))


async def lock(tx: Connection, tenant: UUID, kind: ResourceKind, code: str) -> tuple[Resource, int] | None:
    """The resource and its number. Others who book it wait: two who insert at once would wait for one another."""
    row = await tx.fetchrow(
        "SELECT * FROM resources WHERE tenant_id = $1 AND kind = $2 AND code = $3 FOR NO KEY UPDATE",
        tenant,
        kind,
        code,
    )
    return (Resource.model_validate(dict(row)), row["number"]) if row else None


async def book(tx: Connection, tenant: UUID, number: int, booking: Booking) -> bool:
    """False when it is taken."""
    row = dict(booking)
    row |= {"tenant_id": tenant, "number": number, "during": asyncpg.Range(row.pop("start"), row.pop("end"))}
    try:
        async with savepoint(tx):
            await insert(tx, "bookings", row)
    except asyncpg.ExclusionViolationError:
        return False
    return True


async def taken(tx: Connection, number: int, since: datetime, limit: int) -> list[Span]:
    """When a locked resource is booked at or after a moment, by time."""
    rows = await tx.fetch(
        """SELECT lower(during) AS start, upper(during) AS until FROM bookings
           WHERE int8range(number, number, '[]') = int8range($1, $1, '[]') AND during && tstzrange($2, NULL)
           ORDER BY lower(during) LIMIT $3""",
        number,
        since,
        limit,
    )
    return [Span(*row) for row in rows]


async def release(tx: Connection, tenant: UUID, activities: list[UUID], now: datetime) -> None:
    """Gives back what is booked for activities and has not begun."""
    await tx.execute(
        "DELETE FROM bookings WHERE tenant_id = $1 AND activity_id = ANY ($2) AND lower(during) > $3",
        tenant,
        activities,
        now,
    )


async def delete(tx: Connection, tenant: UUID, id: UUID) -> Booking | None:
    """The booking that was deleted."""
    rows = await tx.fetch(f"DELETE FROM bookings WHERE tenant_id = $1 AND id = $2 RETURNING {_COLUMNS}", tenant, id)  # noqa: S608
    return _booking(rows[0]) if rows else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list of bookings is narrowed to; `during` as a whole or in part."""

    item: UUID | None = None
    resource: tuple[ResourceKind, str] | None = None
    employee: UUID | None = None
    during: Span | None = None
    after: UUID | None = None


async def search(tx: Connection, tenant: UUID, wanted: Filter, limit: int) -> list[Booking]:
    """At most `limit`, newest first."""
    kind, code = wanted.resource or (None, None)
    rows = await tx.fetch(
        f"""SELECT {_COLUMNS} FROM bookings WHERE tenant_id = $1 AND ($2::uuid IS NULL OR item_id = $2)
              AND ($3::text IS NULL OR (kind = $3 AND resource = $4)) AND ($5::uuid IS NULL OR employee_id = $5)
              AND ($6::tstzrange IS NULL OR during && $6) AND ($7::uuid IS NULL OR id < $7)
            ORDER BY id DESC LIMIT $8""",  # noqa: S608
        tenant,
        wanted.item,
        kind,
        code,
        wanted.employee,
        asyncpg.Range(*wanted.during) if wanted.during else None,
        wanted.after,
        limit,
    )
    return [_booking(row) for row in rows]


_COLUMNS = """id, kind, resource, lower(during) AS start, upper(during) AS "end", item_id, activity_id, employee_id,
    service, created_by, created_at"""


def _booking(row: asyncpg.Record) -> Booking:
    return Booking.model_validate(dict(row))
