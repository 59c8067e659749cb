"""Messages with their attempts and status history.

Every change of a message locks in this order: its command's row, the message, its work. Cancelling does so too, so
that neither waits for the other in a circle.
"""

from datetime import datetime
from typing import Any, Literal, NamedTuple
from uuid import UUID

import asyncpg

from comms_service.domain.messages import Message
from contracts.kit.database import Connection
from contracts.kit.http import Newest
from contracts.kit.rows import insert
from contracts.kit.worker import Task
from contracts.messages.comms import MessageStatus
from contracts.values import FileRef

type Outcome = Literal["accepted", "rejected", "not_taken", "in_doubt"]
"""How an attempt ended. None is stored while it is under way, and stays when its process was killed."""

_COLUMNS = """id, tenant_id, command_id, item_id, contact_id, kind, channel, sender_address, sender_name, to_address,
    to_name, subject, text, html, attachments, sent_by, status, reason, cancel_asked, correlation, causepath,
    root, traceparent, created_at, opted_out_at"""


class MessageFilter(NamedTuple):
    """What a list of messages is narrowed to."""

    item: UUID | None = None
    status: MessageStatus | None = None


class MessageStore:
    """Tables `messages`, `message_tenants`, `message_statuses`, `attempts`."""

    async def add(self, tx: Connection, message: Message) -> None:
        """Records a queued message, and its tenant for receipts, which arrive without one."""
        await insert(tx, "messages", _row(message))
        await tx.execute("INSERT INTO message_tenants (message_id, tenant) VALUES ($1, $2)", message.id, message.tenant)
        await self._add_to_history(tx, message, message.status, None, message.created_at)

    async def count_to(self, tx: Connection, tenant: UUID, address: str, since: datetime) -> int:
        """How many messages were recorded for an address since then, whatever became of them."""
        count: int = await tx.fetchval(
            "SELECT count(*) FROM messages WHERE tenant_id = $1 AND to_address = $2 AND created_at > $3",
            tenant,
            address,
            since,
        )
        return count

    async def find(self, tx: Connection, tenant: UUID, id: UUID) -> Message | None:
        row = await tx.fetchrow(f"SELECT {_COLUMNS} FROM messages WHERE tenant_id = $1 AND id = $2", tenant, id)  # noqa: S608
        return _message(row) if row else None

    async def lock(self, tx: Connection, tenant: UUID, id: UUID) -> Message | None:
        row = await tx.fetchrow(
            f"SELECT {_COLUMNS} FROM messages WHERE tenant_id = $1 AND id = $2 FOR UPDATE",  # noqa: S608
            tenant,
            id,
        )
        return _message(row) if row else None

    async def lock_of_command(self, tx: Connection, tenant: UUID, command_id: UUID) -> Message | None:
        row = await tx.fetchrow(
            f"SELECT {_COLUMNS} FROM messages WHERE tenant_id = $1 AND command_id = $2 FOR UPDATE",  # noqa: S608
            tenant,
            command_id,
        )
        return _message(row) if row else None

    async def lock_for(self, tx: Connection, task: Task) -> Message | None:
        """The message that a worker has in hand, locked; null when the worker's lease was lost."""
        await tx.execute(
            """SELECT FROM commands WHERE tenant_id = $1
               AND id = (SELECT command_id FROM messages WHERE tenant_id = $1 AND id = $2) FOR UPDATE""",
            task.tenant,
            task.id,
        )
        message = await self.lock(tx, task.tenant, task.id)
        held = await tx.fetchval(
            "SELECT true FROM work WHERE tenant_id = $1 AND id = $2 AND lease = $3 FOR UPDATE",
            task.tenant,
            task.id,
            task.lease,
        )
        return message if held else None

    async def page(
        self, tx: Connection, tenant: UUID, wanted: MessageFilter, before: Newest | None, limit: int
    ) -> list[Message]:
        """Newest first, those after `before`."""
        rows = await tx.fetch(
            f"""SELECT {_COLUMNS} FROM messages
                WHERE tenant_id = $1 AND ($2::uuid IS NULL OR item_id = $2) AND ($3::text IS NULL OR status = $3)
                  AND ($4::timestamptz IS NULL OR (created_at, id) < ($4, $5::uuid))
                ORDER BY created_at DESC, id DESC LIMIT $6""",  # noqa: S608
            tenant,
            *wanted,
            *(before or (None, None)),
            limit,
        )
        return [_message(row) for row in rows]

    async def set_status(
        self, tx: Connection, message: Message, status: MessageStatus, reason: str | None, at: datetime
    ) -> None:
        await tx.execute("UPDATE messages SET status = $2, reason = $3 WHERE id = $1", message.id, status, reason)
        await self._add_to_history(tx, message, status, reason, at)

    async def _add_to_history(
        self, tx: Connection, message: Message, status: MessageStatus, reason: str | None, at: datetime
    ) -> None:
        await tx.execute(
            "INSERT INTO message_statuses (tenant_id, message_id, status, reason, at) VALUES ($1, $2, $3, $4, $5)",
            message.tenant,
            message.id,
            status,
            reason,
            at,
        )

    async def history(self, tx: Connection, tenant: UUID, id: UUID) -> list[asyncpg.Record]:
        """Rows of `status`, `reason`, `at` in the order in which they were taken."""
        return await tx.fetch(
            """SELECT status, reason, at FROM message_statuses WHERE tenant_id = $1 AND message_id = $2
               ORDER BY number""",
            tenant,
            id,
        )

    async def ask_cancel(self, tx: Connection, id: UUID) -> None:
        """Leaves word for the worker that has the message in hand."""
        await tx.execute("UPDATE messages SET cancel_asked = true WHERE id = $1", id)

    async def begin_attempt(self, tx: Connection, task: Task, at: datetime) -> None:
        await tx.execute(
            """INSERT INTO attempts (tenant_id, message_id, lease, number, at)
               SELECT $1, $2, $3, count(*) + 1, $4 FROM attempts WHERE tenant_id = $1 AND message_id = $2""",
            task.tenant,
            task.id,
            task.lease,
            at,
        )

    async def end_attempt(
        self, tx: Connection, task: Task, outcome: Outcome, reason: str | None = None, provider_id: str | None = None
    ) -> None:
        await tx.execute(
            """UPDATE attempts SET outcome = $4, reason = $5, provider_id = $6
               WHERE tenant_id = $1 AND message_id = $2 AND lease = $3""",
            task.tenant,
            task.id,
            task.lease,
            outcome,
            reason,
            provider_id,
        )

    async def attempts(self, tx: Connection, tenant: UUID, id: UUID) -> list[asyncpg.Record]:
        """Rows of `number`, `at`, `outcome`, `reason`, `provider_id`."""
        return await tx.fetch(
            """SELECT number, at, outcome, reason, provider_id FROM attempts
               WHERE tenant_id = $1 AND message_id = $2 ORDER BY number""",
            tenant,
            id,
        )

    async def may_be_out(self, tx: Connection, message: Message) -> bool:
        """Whether any attempt may have reached the provider, as far as anybody can know."""
        found = await tx.fetchval(
            """SELECT true FROM attempts WHERE tenant_id = $1 AND message_id = $2
               AND (outcome IS NULL OR outcome IN ('accepted', 'in_doubt')) LIMIT 1""",
            message.tenant,
            message.id,
        )
        return bool(found)

    async def tenant_of(self, tx: Connection, id: UUID) -> UUID | None:
        """Asked as the delivery role: the only thing that is known of a message without knowing its tenant."""
        tenant: UUID | None = await tx.fetchval("SELECT tenant FROM message_tenants WHERE message_id = $1", id)
        return tenant


def _row(message: Message) -> dict[str, Any]:
    values = {name: getattr(message, name) for name in Message.__slots__}
    files = [file.model_dump(mode="json") for file in message.attachments]
    return values | {"tenant_id": values.pop("tenant"), "attachments": files}


def _message(row: asyncpg.Record) -> Message:
    values = dict(row)
    files = tuple(FileRef.model_validate(file) for file in values.pop("attachments"))
    return Message(tenant=values.pop("tenant_id"), attachments=files, **values)
