"""Commands under way: kept as they were sent until their final result is here."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.envelope import Record
from contracts.kit.database import Connection
from rule_engine.store.runs import Run


@dataclass(frozen=True, slots=True)
class SentCommand:
    """A command as it was sent."""

    id: UUID
    topic: str
    record: Record


class Commands:
    """Statements on `sent_commands`, and their rows in `command_deadlines`."""

    async def add(
        self, tx: Connection, run: Run, rule_id: str, sent: SentCommand, now: datetime, ask_again_at: datetime
    ) -> None:
        """Keeps a command's bytes until its final result."""
        await tx.execute(
            """INSERT INTO sent_commands (tenant_id, id, run_id, rule_id, topic, key, value, headers, sent_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
            run.tenant,
            sent.id,
            run.id,
            rule_id,
            sent.topic,
            sent.record.key.decode(),
            sent.record.value,
            [(name, raw.decode()) for name, raw in sent.record.headers],
            now,
        )
        await tx.execute(
            "INSERT INTO command_deadlines (command_id, tenant_id, ask_again_at) VALUES ($1, $2, $3)",
            sent.id,
            run.tenant,
            ask_again_at,
        )

    async def get(self, tx: Connection, tenant: UUID, command_id: UUID) -> SentCommand | None:
        row = await tx.fetchrow("SELECT * FROM sent_commands WHERE tenant_id = $1 AND id = $2", tenant, command_id)
        if row is None:
            return None
        headers = tuple((name, text.encode()) for name, text in row["headers"])
        return SentCommand(row["id"], row["topic"], Record(row["key"].encode(), row["value"], headers))

    async def delete(self, tx: Connection, tenant: UUID, command_id: UUID) -> None:
        """Forgets a command whose final result is here."""
        await tx.execute("DELETE FROM sent_commands WHERE tenant_id = $1 AND id = $2", tenant, command_id)
        await tx.execute("DELETE FROM command_deadlines WHERE command_id = $1", command_id)
