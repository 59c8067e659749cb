"""What operators did to runs."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from contracts.kit.rows import insert
from rule_engine.store.runs import Run


class OperatorActions:
    """Statements on `operator_actions`."""

    async def add(  # noqa: PLR0913 - the columns of one row
        self, tx: Connection, run: Run, *, id: UUID, at: datetime, subject: str, action: str, rule_id: str | None
    ) -> None:
        """Records one; `rule_id` null: it was about the whole run."""
        row = {"id": id, "at": at, "subject": subject, "action": action, "rule_id": rule_id}
        await insert(tx, "operator_actions", {"tenant_id": run.tenant, "run_id": run.id, **row})

    async def of_run(self, tx: Connection, tenant: UUID, run_id: UUID) -> Sequence[asyncpg.Record]:
        return await tx.fetch(
            """SELECT at, subject, action, rule_id FROM operator_actions
               WHERE tenant_id = $1 AND run_id = $2 ORDER BY at""",
            tenant,
            run_id,
        )
