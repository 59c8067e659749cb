"""Secret addresses of employees' calendars, by the hash of their token."""

from datetime import datetime
from uuid import UUID

from contracts.kit.database import Connection
from contracts.kit.rows import insert
from entity_service.domain.employees import Employee


async def add(tx: Connection, tenant: UUID, employee: UUID, token_hash: bytes, by: str, now: datetime) -> None:  # noqa: PLR0913
    """A new address."""
    row = {"tenant_id": tenant, "token_hash": token_hash, "employee_id": employee, "created_by": by, "created_at": now}
    await insert(tx, "calendar_feeds", row)
    await insert(tx, "feed_tokens", {"token_hash": token_hash, "tenant_id": tenant})


async def revoke(tx: Connection, tenant: UUID, employee: UUID, now: datetime) -> None:
    """The employee's addresses do not open any more."""
    await tx.execute(
        """UPDATE calendar_feeds SET revoked_at = $3
           WHERE tenant_id = $1 AND employee_id = $2 AND revoked_at IS NULL""",
        tenant,
        employee,
        now,
    )


async def tenant_of(tx: Connection, token_hash: bytes) -> UUID | None:
    """Whose address it is, or was. `tx` is one of the delivery role."""
    tenant: UUID | None = await tx.fetchval("SELECT tenant_id FROM feed_tokens WHERE token_hash = $1", token_hash)
    return tenant


async def employee_of(tx: Connection, tenant: UUID, token_hash: bytes) -> Employee | None:
    """Whose calendar it opens; null for a revoked address, and once the employee is archived."""
    row = await tx.fetchrow(
        """SELECT e.* FROM calendar_feeds f JOIN employees e ON (e.tenant_id, e.id) = (f.tenant_id, f.employee_id)
           WHERE f.tenant_id = $1 AND f.token_hash = $2 AND f.revoked_at IS NULL AND NOT e.archived""",
        tenant,
        token_hash,
    )
    return Employee.model_validate(dict(row)) if row else None
