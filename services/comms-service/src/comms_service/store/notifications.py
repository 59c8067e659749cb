"""Employees' notifications."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from comms_service.domain import Notification, Slice
from contracts.kit.database import Connection

_COLUMNS = "id, employee_id, item_id, title, text, sender, created_at, read_at"


class NotificationStore:
    """Table `notifications`."""

    async def add(self, tx: Connection, tenant: UUID, notifications: Sequence[Notification]) -> None:
        await tx.executemany(
            f"INSERT INTO notifications (tenant_id, {_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",  # noqa: S608
            [
                (tenant, n.id, n.employee_id, n.item_id, n.title, n.text, n.sender, n.created_at, n.read_at)
                for n in notifications
            ],
        )

    async def inbox(
        self,
        tx: Connection,
        tenant: UUID,
        employee: UUID,
        *,
        unread: bool,
        part: Slice,
    ) -> list[Notification]:
        """Newest first; `unread` leaves out what was read."""
        rows = await tx.fetch(
            f"""SELECT {_COLUMNS} FROM notifications
                WHERE tenant_id = $1 AND employee_id = $2 AND (NOT $3 OR read_at IS NULL)
                  AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5::uuid))
                ORDER BY created_at DESC, id DESC LIMIT $6""",  # noqa: S608
            tenant,
            employee,
            unread,
            *(part.before or (None, None)),
            part.limit,
        )
        return [Notification(*row) for row in rows]

    async def mark_read(
        self, tx: Connection, tenant: UUID, employee: UUID, id: UUID, at: datetime
    ) -> Notification | None:
        """Keeps the first reading's time; null when it is not in this employee's inbox."""
        row = await tx.fetchrow(
            f"""UPDATE notifications SET read_at = coalesce(read_at, $4)
                WHERE tenant_id = $1 AND employee_id = $2 AND id = $3 RETURNING {_COLUMNS}""",  # noqa: S608
            tenant,
            employee,
            id,
            at,
        )
        return Notification(*row) if row else None
