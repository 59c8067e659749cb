"""Fair shares: what many tenants want at one moment is given to them in turns, not in the order of arrival.

Two forms of one rule (the tenant that holds least goes first; among equals, the one that has waited longest):
`Shares` for places in this process, `tenants_of` and `rows_by_tenant` for rows in a table.
"""

import asyncio
from collections import Counter, deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from prometheus_client import Gauge

from contracts.kit.errors import QueueFullError

PLACES_HELD = Gauge("share_places_held", "Places that are taken, of work that tenants share", ["kind"])
LARGEST_SHARE = Gauge("share_places_of_one_tenant", "The most places that one tenant holds", ["kind"])
REQUESTS_WAITING = Gauge("share_requests_waiting", "Requests that wait for a place", ["kind"])
TENANTS_WAITING = Gauge("share_tenants_waiting", "Tenants of which a request waits for a place", ["kind"])


def most_of(places: int) -> int:
    """How many of the places one tenant may hold: three quarters, so that slow work of one leaves some to others."""
    return max(1, -(-places * 3 // 4))


class Shares:
    """A semaphore that is fair by tenant: at most `places` hold one at a time, at most `most` of the same tenant.

    `kind` names it in metrics. With `queue`, at most so many requests of one tenant wait; the next is refused.
    """

    def __init__(self, kind: str, places: int, *, most: int | None = None, queue: int | None = None) -> None:
        self._kind = kind
        self._free = places
        self._most = most or places
        self._queue = queue
        self._held: Counter[UUID] = Counter()
        self._waiting: dict[UUID, deque[asyncio.Future[None]]] = {}
        """In the order of their turns: a tenant that was served goes to the end."""

    @asynccontextmanager
    async def place(self, tenant: UUID) -> AsyncGenerator[None]:
        """Holds a place, once it is the tenant's turn. Raises `QueueFullError` when too many of its own wait."""
        await self._take(tenant)
        try:
            yield
        finally:
            self._give_back(tenant)

    async def _take(self, tenant: UUID) -> None:
        if self._free and self._held[tenant] < self._most:
            self._hold(tenant)
            self._show()
            return
        turn = self._line_up(tenant)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.cancelled():
                self._leave(tenant, turn)
            else:  # it was granted at the moment when its request ended
                self._give_back(tenant)
            raise

    def _line_up(self, tenant: UUID) -> asyncio.Future[None]:
        own = self._waiting.get(tenant, deque())
        if self._queue is not None and len(own) >= self._queue:
            raise QueueFullError(len(own))
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        own.append(turn)
        self._waiting[tenant] = own
        self._show()
        return turn

    def _leave(self, tenant: UUID, turn: asyncio.Future[None]) -> None:
        own = self._waiting.get(tenant, deque())
        if turn in own:
            own.remove(turn)
        if not own:
            self._waiting.pop(tenant, None)
        self._show()

    def _hold(self, tenant: UUID) -> None:
        self._free -= 1
        self._held[tenant] += 1

    def _give_back(self, tenant: UUID) -> None:
        self._free += 1
        self._held[tenant] -= 1
        if not self._held[tenant]:
            del self._held[tenant]
        if own := self._waiting.pop(tenant, None):
            self._waiting[tenant] = own
        while self._free and (following := self._next()) is not None:
            self._grant(following)
        self._show()

    def _next(self) -> UUID | None:
        """The waiting tenant that holds the fewest places; among equals, the one whose turn is first."""
        allowed = (tenant for tenant in self._waiting if self._held[tenant] < self._most)
        return min(allowed, key=self._held.__getitem__, default=None)

    def _grant(self, tenant: UUID) -> None:
        own = self._waiting.pop(tenant)
        turn = own.popleft()
        if own:
            self._waiting[tenant] = own
        if not turn.cancelled():
            self._hold(tenant)
            turn.set_result(None)

    def _show(self) -> None:
        PLACES_HELD.labels(self._kind).set(self._held.total())
        LARGEST_SHARE.labels(self._kind).set(max(self._held.values(), default=0))
        REQUESTS_WAITING.labels(self._kind).set(sum(len(own) for own in self._waiting.values()))
        TENANTS_WAITING.labels(self._kind).set(len(self._waiting))


def tenants_of(table: str, where: str = "true") -> str:
    """SQL of a recursive CTE `tenants (tenant_id)`: every tenant with rows in `table`, in about one step each.

    It skips from tenant to tenant through an index that begins with `tenant_id`, so a million rows of one tenant cost
    as much as one row (PostgreSQL wiki, "Loose indexscan"). Put it behind `WITH RECURSIVE`.
    """
    return f"""tenants AS (
        (SELECT tenant_id FROM {table} WHERE {where} ORDER BY tenant_id LIMIT 1)
        UNION ALL
        SELECT following.tenant_id FROM tenants CROSS JOIN LATERAL (
            SELECT o.tenant_id FROM {table} o WHERE {where} AND o.tenant_id > tenants.tenant_id
            ORDER BY o.tenant_id LIMIT 1) AS following)"""  # noqa: S608 - names from our own code


def rows_by_tenant(table: str, columns: str, *, where: str, order: str, indexed: str = "true", lock: str = "") -> str:
    """A query for at most `$1` rows: the first of each tenant, equally many of all; when those are too many, the first.

    It wants an index on `(tenant_id, <order>)`, which may be partial: `indexed` is its condition. `where` is the rows'.
    """
    return f"""
    WITH RECURSIVE {tenants_of(table, indexed)},
    waiting AS (
        SELECT tenant_id FROM tenants t WHERE EXISTS (
            SELECT FROM {table} r WHERE r.tenant_id = t.tenant_id AND {indexed} AND {where}))
    SELECT {columns} FROM waiting CROSS JOIN LATERAL (
        SELECT * FROM {table} r WHERE r.tenant_id = waiting.tenant_id AND {indexed} AND {where}
        ORDER BY {order} LIMIT (SELECT greatest($1::bigint / count(*), 1) FROM waiting) {lock}) AS one
    ORDER BY {order} LIMIT $1"""  # noqa: S608 - names from our own code
