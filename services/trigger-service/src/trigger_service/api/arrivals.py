"""`/v1/arrivals`: everything that came in, with its verdict; so "why did it not move" has an answer."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel

from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Database
from contracts.kit.http import Cursor, Limit, Newest, Page, decode_cursor, not_found
from contracts.values import Code
from trigger_service.domain.judging import ArrivalVerdict
from trigger_service.store import arrivals
from trigger_service.store.arrivals import Arrival


class TriggerVerdict(BaseModel):
    """What became of one trigger that was looked at."""

    trigger: str
    verdict: ArrivalVerdict
    reason: str


class ArrivalView(BaseModel):
    """An arrival. `trigger` moved the item; `triggers` tells of all that were looked at."""

    id: UUID
    trigger_type: str
    source: str
    trigger: str | None
    item_id: UUID | None
    verdict: ArrivalVerdict
    reason: str
    triggers: list[TriggerVerdict]
    command_id: UUID | None
    received_at: AwareDatetime
    judged_at: AwareDatetime | None


def router(database: Database) -> APIRouter:
    """Arrivals: read by everyone of the tenant."""
    routes = APIRouter(prefix="/v1/arrivals", tags=["arrivals"])

    @routes.get("")
    async def list_arrivals(  # noqa: PLR0913 - a list's filters
        item_id: UUID | None = None,
        trigger: Code | None = None,
        verdict: ArrivalVerdict | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
        caller: Caller = require(Role.VIEWER),
    ) -> Page[ArrivalView]:
        """The newest first; with `trigger`, `verdict` is that trigger's own one."""
        after = decode_cursor(cursor, Newest)
        async with database.transaction(caller.tenant) as tx:
            found = await arrivals.find(
                tx, caller.tenant, item_id=item_id, trigger=trigger, verdict=verdict, after=after, limit=limit + 1
            )
        return Page[ArrivalView].of(found, limit, key=lambda one: (one.received_at, one.id), show=_view)

    @routes.get("/{id}")
    async def get_arrival(id: UUID, caller: Caller = require(Role.VIEWER)) -> ArrivalView:
        async with database.transaction(caller.tenant) as tx:
            arrival = await arrivals.get(tx, caller.tenant, id)
        if arrival is None:
            raise not_found(f"arrival {id}")
        return _view(arrival)

    return routes


def _view(arrival: Arrival) -> ArrivalView:
    notes = [TriggerVerdict(trigger=n.trigger, verdict=n.verdict, reason=n.reason) for n in arrival.notes]
    return ArrivalView(triggers=notes, **arrival.model_dump(exclude={"notes", "tenant_id"}))
