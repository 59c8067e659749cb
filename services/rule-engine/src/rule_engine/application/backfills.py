"""What operators do with backfills: they count what one would plan, and request it."""

from uuid import UUID

from contracts.kit import worker
from contracts.kit.database import Connection
from rule_engine.gateway import EntityService
from rule_engine.store.backfills import Backfill, Backfills

BACKFILL = "backfill"
"""The kind of the work that plans a backfill's items."""


class Backfilling:
    """Counts and requests; a leased worker plans."""

    def __init__(self, backfills: Backfills, entity_service: EntityService) -> None:
        self._backfills = backfills
        self._entity_service = entity_service

    async def count(self, tenant: UUID, pipeline: str, stage: str) -> int:
        """How many items are in the stage. Raises `OutageError` while entity-service is away."""
        return (await self._entity_service.in_stage(tenant, pipeline, stage, after=None, limit=0)).total or 0

    async def request(self, tx: Connection, backfill: Backfill) -> None:
        """Records a backfill, to be worked on as soon as the transaction commits."""
        await self._backfills.add(tx, backfill)
        await worker.enqueue(tx, id=backfill.id, tenant=backfill.tenant_id, kind=BACKFILL, run_at=backfill.requested_at)
