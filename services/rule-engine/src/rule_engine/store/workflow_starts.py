"""Starts of workflows that rules have asked for, until a worker has started them."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from uuid import UUID

import asyncpg
from pydantic import JsonValue

from contracts.envelope import Cause, format_causepath, parse_causepath
from contracts.kit.database import Connection
from contracts.kit.rows import insert


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRequest:
    """What is to be started on which item. `id` is that of the request, or of the command; `causepath` ends with the
    start itself.
    """

    tenant_id: UUID
    id: UUID
    item_id: UUID
    workflow: str
    parameters: Mapping[str, JsonValue]
    started_by: str
    correlation: str
    causepath: tuple[Cause, ...]
    root: str
    how: str = "hand"
    wait_for_end: bool = False


class StartRequests:
    """Statements on `workflow_starts`."""

    async def add(self, tx: Connection, one: StartRequest) -> None:
        await insert(tx, "workflow_starts", asdict(one) | {"causepath": format_causepath(one.causepath)})

    async def get(self, tx: Connection, tenant: UUID, id: UUID) -> StartRequest | None:
        row = await tx.fetchrow("SELECT * FROM workflow_starts WHERE tenant_id = $1 AND id = $2", tenant, id)
        return _request(row) if row else None

    async def delete(self, tx: Connection, tenant: UUID, id: UUID) -> bool:
        """Whether it was still asked for: of those who delete it, one alone is told so."""
        deleted = await tx.fetchval(
            "DELETE FROM workflow_starts WHERE tenant_id = $1 AND id = $2 RETURNING true", tenant, id
        )
        return bool(deleted)


def _request(row: asyncpg.Record) -> StartRequest:
    return StartRequest(**dict(row) | {"causepath": parse_causepath(row["causepath"])})
