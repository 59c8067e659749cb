"""Dead letters over HTTP: look at them, replay them, discard them, and who did.

`/v1` is for operators, of their own tenant's; `/internal` is for the platform: everybody's, also those whose tenant
could not be read, and the outbox rows that the broker refuses.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, replace
from typing import Annotated, Any, Literal, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from contracts.inputs import Moment
from contracts.kit.auth import Caller, Role, require, require_platform
from contracts.kit.clock import Clock, new_id
from contracts.kit.database import Connection, Database
from contracts.kit.dead_letter import store
from contracts.kit.dead_letter.letter import DeadLetter, Filter, Order, Scope, Selection, State
from contracts.kit.dead_letter.views import (
    DeadLetterContent,
    DeadLetterView,
    Discard,
    OrderProgress,
    OrderView,
    ParkedView,
    Release,
    Replay,
    Text,
)
from contracts.kit.http import (
    Cursor,
    Idempotency,
    Limit,
    Newest,
    Page,
    Problem,
    conflict,
    decode_cursor,
    json_response,
    not_found,
)


class Oldest(NamedTuple):
    """The sort key of parked rows."""

    id: Annotated[int, Field(ge=0, le=2**63 - 1)]


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who asks, and for whose dead letters."""

    name: str
    scope: Scope


def _operator(caller: Caller = require(Role.OPERATOR)) -> Visitor:
    return Visitor(caller.subject, Scope(caller.tenant))


def _platform(
    tenant: Annotated[UUID | Literal["none"] | None, Query(description="one tenant's, or those of `none`")] = None,
    name: str = require_platform(),
) -> Visitor:
    return Visitor(name, Scope(None if tenant == "none" else tenant, everybody=tenant is None))


def _filter(
    topic: Text | None = None,
    type: Text | None = None,
    reason: Text | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
) -> Filter:
    return Filter(topic=topic, type=type, reason=reason, since=since, until=until)


class DeadLetterApi:
    """Decides what an order is about; the replayer, which `wake` wakes, does the rest."""

    def __init__(self, database: Database, idempotency: Idempotency, clock: Clock, wake: Callable[[], None]) -> None:
        self._database = database
        self._idempotency = idempotency
        self._clock = clock
        self._wake = wake

    def transaction(self, scope: Scope) -> AbstractAsyncContextManager[Connection]:
        """Bound to a tenant by the database itself; the platform's sees everybody's rows."""
        return self._database.delivery() if scope.tenant is None else self._database.transaction(scope.tenant)

    async def order(self, request: Request, visitor: Visitor, body: Replay | Discard) -> Response:
        """All or nothing: raises 404 or 409 when one of the dead letters named by id cannot be had."""

        async def place(tx: Connection) -> Response:
            return json_response(await self._place(tx, visitor, body), 201)

        tenant = visitor.scope.tenant
        if tenant is None:
            async with self._database.delivery() as tx:
                response = await place(tx)
        else:
            response = await self._idempotency.once(request, tenant=tenant, subject=visitor.name, do=place)
        self._wake()
        return response

    async def _place(self, tx: Connection, visitor: Visitor, body: Replay | Discard) -> OrderView:
        order = self._begin(visitor, body)
        chosen = body.selection(visitor.scope)
        if isinstance(body, Replay):
            taken = await store.mark(tx, chosen, order.id)
        else:
            taken = await store.discard(tx, chosen, order.id, order.ordered_at)
        for id in set(chosen.ids or ()) - set(taken):
            raise _refusal(id, await store.get(tx, visitor.scope, id))
        done = not taken or isinstance(body, Discard)
        order = replace(order, letters=len(taken), finished_at=order.ordered_at if done else None)
        await store.add_order(tx, order)
        return OrderView.of(order)

    def _begin(self, visitor: Visitor, body: Replay | Discard) -> Order:
        return Order(
            id=new_id(),
            tenant=visitor.scope.tenant,
            action="replay" if isinstance(body, Replay) else "discard",
            ordered_by=visitor.name,
            ordered_at=self._clock(),
            reason=body.reason,
            selection=body.model_dump(mode="json", include={"ids", "filter"}, exclude_none=True),
            per_second=body.per_second if isinstance(body, Replay) else None,
        )

    async def release(self, visitor: Visitor, id: int, reason: str) -> OrderView:
        """Raises 404 when no outbox row of that id is parked."""
        now = self._clock()
        order = Order(
            id=new_id(),
            tenant=None,
            action="release",
            ordered_by=visitor.name,
            ordered_at=now,
            reason=reason,
            selection={"outbox": id},
            finished_at=now,
        )
        async with self._database.delivery() as tx:
            if not await store.release(tx, id):
                raise not_found(f"parked outbox row {id}")
            await store.add_order(tx, order)
        return OrderView.of(order)


def _refusal(id: UUID, letter: DeadLetter | None) -> Problem:
    if letter is None:
        return not_found(f"dead letter {id}")
    if letter.state == "open":
        return conflict(
            f"dead letter {id} can only be discarded: the bytes at {letter.topic}, partition {letter.partition}, "
            f"offset {letter.offset} are no record that can be read"
        )
    return conflict(
        f"dead letter {id} is {letter.state} since order {letter.order_id}; only open ones can be ordered about"
    )


def router(api: DeadLetterApi) -> APIRouter:
    """Those of every service."""
    routes = APIRouter(tags=["dead letters"])
    _add_routes(routes, api, "/v1", Depends(_operator))
    _add_routes(routes, api, "/internal", Depends(_platform))
    _add_parked(routes, api)
    return routes


def _add_routes(routes: APIRouter, api: DeadLetterApi, prefix: str, who: Any) -> None:
    @routes.get(f"{prefix}/dead-letters")
    async def list_dead_letters(
        state: State | None = None,
        filter: Filter = Depends(_filter),
        cursor: Cursor = None,
        limit: Limit = 50,
        visitor: Visitor = who,
    ) -> Page[DeadLetterView]:
        """The newest first."""
        chosen = Selection(scope=visitor.scope, filter=filter, state=state)
        async with api.transaction(visitor.scope) as tx:
            found = await store.find(tx, chosen, decode_cursor(cursor, Newest), limit + 1)
        return Page[DeadLetterView].of(found, limit, key=lambda one: (one.put_aside_at, one.id), show=DeadLetterView.of)

    @routes.get(f"{prefix}/dead-letters/{{letter_id}}")
    async def get_dead_letter(letter_id: UUID, visitor: Visitor = who) -> DeadLetterContent:
        """With its bytes, as long as they are kept."""
        async with api.transaction(visitor.scope) as tx:
            letter = await store.get(tx, visitor.scope, letter_id)
        if letter is None:
            raise not_found(f"dead letter {letter_id}")
        return DeadLetterContent.of(letter)

    @routes.post(f"{prefix}/dead-letters/replays", status_code=201, response_model=OrderView)
    async def replay_dead_letters(request: Request, body: Replay, visitor: Visitor = who) -> Response:
        """Hands them to this service once more, whatever their age. What it did before, it does not do again."""
        return await api.order(request, visitor, body)

    @routes.post(f"{prefix}/dead-letters/discards", status_code=201, response_model=OrderView)
    async def discard_dead_letters(request: Request, body: Discard, visitor: Visitor = who) -> Response:
        return await api.order(request, visitor, body)

    @routes.get(f"{prefix}/dead-letter-orders")
    async def list_orders(cursor: Cursor = None, limit: Limit = 50, visitor: Visitor = who) -> Page[OrderView]:
        """Who ordered what, when and why; the newest first."""
        async with api.transaction(visitor.scope) as tx:
            found = await store.orders(tx, visitor.scope, decode_cursor(cursor, Newest), limit + 1)
        return Page[OrderView].of(found, limit, key=lambda one: (one.ordered_at, one.id), show=OrderView.of)

    @routes.get(f"{prefix}/dead-letter-orders/{{order_id}}")
    async def get_order(order_id: UUID, visitor: Visitor = who) -> OrderProgress:
        """With what became of its dead letters so far."""
        async with api.transaction(visitor.scope) as tx:
            order = await store.order_of(tx, visitor.scope, order_id)
            if order is None:
                raise not_found(f"order {order_id}")
            return OrderProgress(**OrderView.of(order).model_dump(), states=await store.states(tx, order_id))


def _add_parked(routes: APIRouter, api: DeadLetterApi) -> None:
    @routes.get("/internal/parked-outbox-rows")
    async def list_parked(
        cursor: Cursor = None, limit: Limit = 50, visitor: Visitor = Depends(_platform)
    ) -> Page[ParkedView]:
        """Messages that the broker refused for ever, the oldest first; each holds up the messages of its key."""
        after = decode_cursor(cursor, Oldest)
        async with api.transaction(Scope(everybody=True)) as tx:
            found = await store.parked(tx, after.id if after else 0, limit + 1)
        return Page[ParkedView].of(found, limit, key=lambda row: (row["id"],), show=lambda row: ParkedView(**row))

    @routes.post("/internal/parked-outbox-rows/{row_id}/release", status_code=201)
    async def release_parked(
        row_id: Annotated[int, Path(ge=1, le=2**63 - 1)], body: Release, visitor: Visitor = Depends(_platform)
    ) -> OrderView:
        """Lets it be published after all: its broker takes it now, or it is parked again."""
        return await api.release(visitor, row_id, body.reason)
