"""Counts each tenant's unfinished runs: those that the last sweep found, and those planned here since."""

from collections import Counter
from collections.abc import Collection, Mapping
from uuid import UUID

import structlog

from contracts.kit.database import Connection
from contracts.kit.quotas import limits, words
from rule_engine.quotas import OPEN_RUNS

logger = structlog.get_logger(__name__)


class OpenRuns:
    """The sweep sets the counts; planner and backfills add to them and ask for refusals."""

    def __init__(self) -> None:
        self._counts: Counter[UUID] = Counter()

    def counted(self, by_tenant: Mapping[UUID, int]) -> None:
        """Sets the counts to those that the sweep found."""
        self._counts = Counter(by_tenant)

    def add(self, tenants: Collection[UUID]) -> None:
        """Adds new runs; `tenants` has one entry for each run."""
        self._counts.update(tenants)

    async def refusals(self, tx: Connection, tenants: Collection[UUID]) -> dict[UUID, str]:
        """The reason for each of these tenants that has used up its quota and may have no further runs."""
        allowed = await limits(tx, tenants, OPEN_RUNS)
        over = {tenant: words(OPEN_RUNS, limit) for tenant, limit in allowed.items() if self._counts[tenant] >= limit}
        for tenant, reason in over.items():
            logger.info("a quota is used up", tenant_id=tenant, reason=reason)
        return over
