"""Commands under way: kept as they were sent until their final result is here."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from contracts.envelope import Record
from contracts.kit.database import Connection
from contracts.kit.rows import insert
from rule_engine.store.runs import Run


@dataclass(frozen=True, slots=True)
class SentCommand:
    """A command as it was sent."""

    id: UUID
    topic: str
    record: Record


@dataclass(frozen=True, slots=True)
class OpenCommand:
    """A command without a final result, and the key of its messages."""

    id: UUID
    topic: str
    key: str
    sent_at: datetime


class Commands:
    """Statements on `sent_commands`, and their rows in `command_deadlines`."""

    async def add(
        self, tx: Connection, run: Run, rule_id: str, sent: SentCommand, now: datetime, ask_again_at: datetime
    ) -> None:
        """Keeps a command's bytes until its final result."""
        row = {
            "tenant_id": run.tenant,
            "id": sent.id,
            "run_id": run.id,
            "rule_id": rule_id,
            "topic": sent.topic,
            "key": sent.record.key.decode(),
            "value": sent.record.value,
            "headers": [(name, raw.decode()) for name, raw in sent.record.headers],
            "sent_at": now,
        }
        await insert(tx, "sent_commands", row)
        deadline = {"command_id": sent.id, "tenant_id": run.tenant, "ask_again_at": ask_again_at}
        await insert(tx, "command_deadlines", deadline)

    async def get(self, tx: Connection, tenant: UUID, command_id: UUID) -> SentCommand | None:
        row = await tx.fetchrow("SELECT * FROM sent_commands WHERE tenant_id = $1 AND id = $2", tenant, command_id)
        if row is None:
            return None
        headers = tuple((name, text.encode()) for name, text in row["headers"])
        return SentCommand(row["id"], row["topic"], Record(row["key"].encode(), row["value"], headers))

    async def of_runs(self, tx: Connection, tenant: UUID, runs: Sequence[UUID]) -> dict[UUID, list[OpenCommand]]:
        """Those without a final result, by run."""
        rows = await tx.fetch(
            "SELECT run_id, id, topic, key, sent_at FROM sent_commands WHERE tenant_id = $1 AND run_id = ANY ($2)",
            tenant,
            runs,
        )
        found = defaultdict[UUID, list[OpenCommand]](list)
        for run_id, *command in rows:
            found[run_id].append(OpenCommand(*command))
        return found

    async def delete(self, tx: Connection, tenant: UUID, command_id: UUID) -> None:
        """Forgets a command whose final result is here."""
        await tx.execute("DELETE FROM sent_commands WHERE tenant_id = $1 AND id = $2", tenant, command_id)
        await tx.execute("DELETE FROM command_deadlines WHERE command_id = $1", command_id)
