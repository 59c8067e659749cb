"""How many unfinished runs each tenant has, as of the last sweep and what was planned here since: cheap and soft."""

from collections import Counter
from collections.abc import Collection, Mapping
from uuid import UUID

import structlog

from contracts.kit.database import Connection
from contracts.kit.quotas import limits, words
from rule_engine.quotas import OPEN_RUNS

logger = structlog.get_logger(__name__)


class OpenRuns:
    """Shared by the sweep, which counts, and by who plans runs, which asks."""

    def __init__(self) -> None:
        self._counts: Counter[UUID] = Counter()

    def counted(self, by_tenant: Mapping[UUID, int]) -> None:
        """What the sweep has found."""
        self._counts = Counter(by_tenant)

    def add(self, tenants: Collection[UUID]) -> None:
        """The tenants of runs that were planned, one for each run."""
        self._counts.update(tenants)

    async def refusals(self, tx: Connection, tenants: Collection[UUID]) -> dict[UUID, str]:
        """Why the tenants among these whose quota is used up may have no further runs."""
        allowed = await limits(tx, tenants, OPEN_RUNS)
        over = {tenant: words(OPEN_RUNS, limit) for tenant, limit in allowed.items() if self._counts[tenant] >= limit}
        for tenant, reason in over.items():
            logger.info("a quota is used up", tenant_id=tenant, reason=reason)
        return over
