"""`/v1/arrivals`: everything that came in, with its verdict, which answers "why did it not move"."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel

from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection, Database
from contracts.kit.http import Newest, Page
from contracts.kit.routes import Paged, found
from contracts.values import Code
from trigger_service.domain.evaluation import ArrivalVerdict
from trigger_service.intake.arrivals import Arrivals
from trigger_service.store import arrivals
from trigger_service.store.arrivals import Arrival


class TriggerVerdict(BaseModel):
    """What became of one trigger that was looked at."""

    trigger: str
    verdict: ArrivalVerdict
    reason: str


class ArrivalView(BaseModel):
    """An arrival. `trigger` moved the item; `triggers` has the verdict of all that were looked at."""

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


class Submission(BaseModel):
    """What was submitted to a form or a hook, kept until it has an effect; `code` is that of the form or trigger."""

    code: str
    content: dict[str, Any]


def router(database: Database, intake: Arrivals) -> APIRouter:
    """Arrivals: read by everyone of the tenant; what was submitted, and judging it again, is for operators."""
    routes = APIRouter(prefix="/v1/arrivals", tags=["arrivals"])
    _add_lists(routes, database)
    _add_submissions(routes, database, intake)
    return routes


def _add_lists(routes: APIRouter, database: Database) -> None:
    @routes.get("")
    async def list_arrivals(
        paging: Paged,
        item_id: UUID | None = None,
        trigger: Code | None = None,
        verdict: ArrivalVerdict | None = None,
        caller: Caller = require(Role.VIEWER),
    ) -> Page[ArrivalView]:
        """The newest first; with `trigger`, `verdict` is that trigger's own one."""
        after = paging.after(Newest)
        async with database.transaction(caller.tenant) as tx:
            entries = await arrivals.find(
                tx, caller.tenant, item_id=item_id, trigger=trigger, verdict=verdict, after=after, limit=paging.rows
            )
        return paging.page(entries, lambda one: (one.received_at, one.id), _view)

    @routes.get("/{id}")
    async def get_arrival(id: UUID, caller: Caller = require(Role.VIEWER)) -> ArrivalView:
        async with database.transaction(caller.tenant) as tx:
            return _view(await _find(tx, caller.tenant, id))


def _add_submissions(routes: APIRouter, database: Database, intake: Arrivals) -> None:
    @routes.get("/{id}/submission")
    async def get_submission(id: UUID, caller: Caller = require(Role.OPERATOR)) -> Submission:
        """What was submitted, while it waits and for `SUBMISSION_DAYS` after it was refused."""
        async with database.transaction(caller.tenant) as tx:
            kept = await arrivals.submission(tx, caller.tenant, id)
        code, content = found(kept, f"submission of an arrival {id} that is kept")
        return Submission(code=code, content=content)

    @routes.post("/{id}/retry", status_code=202)
    async def retry_arrival(id: UUID, caller: Caller = require(Role.OPERATOR)) -> ArrivalView:
        """Has a refused submission judged again, as things are now; 409 when a later one has answered it already."""
        async with database.transaction(caller.tenant) as tx:
            return _view(await intake.retry(tx, await _find(tx, caller.tenant, id)))


async def _find(tx: Connection, tenant: UUID, id: UUID) -> Arrival:
    return found(await arrivals.get(tx, tenant, id), f"arrival {id}")


def _view(arrival: Arrival) -> ArrivalView:
    notes = [TriggerVerdict(trigger=n.trigger, verdict=n.verdict, reason=n.reason) for n in arrival.notes]
    return ArrivalView(triggers=notes, **arrival.model_dump(exclude={"notes", "tenant_id", "attempt", "key_hash"}))
