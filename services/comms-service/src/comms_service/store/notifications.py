"""Employees' notifications."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from comms_service.domain.notifications import Notification
from contracts.kit.database import Connection
from contracts.kit.http import Newest
from contracts.kit.rows import insert

_COLUMNS = "id, employee_id, item_id, title, text, sender, created_at, read_at"


class NotificationStore:
    """Table `notifications`."""

    async def add(self, tx: Connection, tenant: UUID, notifications: Sequence[Notification]) -> None:
        await insert(tx, "notifications", *({"tenant_id": tenant, **asdict(one)} for one in notifications))

    async def inbox(  # noqa: PLR0913 - a list's filters
        self,
        tx: Connection,
        tenant: UUID,
        employee: UUID,
        before: Newest | None,
        limit: int,
        *,
        unread: bool,
    ) -> list[Notification]:
        """Newest first, those after `before`; `unread` leaves out what was read."""
        rows = await tx.fetch(
            f"""SELECT {_COLUMNS} FROM notifications
                WHERE tenant_id = $1 AND employee_id = $2 AND (NOT $3 OR read_at IS NULL)
                  AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5::uuid))
                ORDER BY created_at DESC, id DESC LIMIT $6""",  # noqa: S608
            tenant,
            employee,
            unread,
            *(before or (None, None)),
            limit,
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
