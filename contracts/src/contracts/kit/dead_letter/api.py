"""Dead letters over HTTP, for operators of the platform: they list, replay and discard them, and see who did what.

So do outbox rows that the broker refuses for ever.
"""

from typing import Annotated, Literal, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Depends, Path, Query
from pydantic import Field

from contracts.inputs import Moment
from contracts.kit.auth import require_platform
from contracts.kit.database import Database
from contracts.kit.dead_letter.letter import Filter, Selection, State
from contracts.kit.dead_letter.operations import Operations
from contracts.kit.dead_letter.store import actions, letters, parked_rows
from contracts.kit.dead_letter.views import (
    DeadLetterContent,
    DeadLetterView,
    Discard,
    OperatorActionProgress,
    OperatorActionView,
    ParkedRowView,
    Release,
    Replay,
    Text,
)
from contracts.kit.http import Cursor, Limit, Newest, Page, decode_cursor, not_found

_BIGINT = 2**63 - 1


class Oldest(NamedTuple):
    """The sort key of parked rows."""

    id: Annotated[int, Field(ge=0, le=_BIGINT)]


def router(operations: Operations, database: Database) -> APIRouter:
    """Those of every service."""
    routes = APIRouter(prefix="/internal", tags=["dead letters"])
    _add_letters(routes, database)
    _add_operations(routes, operations)
    _add_actions(routes, database)
    _add_parked_rows(routes, operations, database)
    return routes


def _filter(
    tenant: Annotated[UUID | Literal["none"] | None, Query(description="one tenant's, or those of `none`")] = None,
    topic: Text | None = None,
    type: Text | None = None,
    reason: Text | None = None,
    since: Moment | None = None,
    until: Moment | None = None,
) -> Filter:
    return Filter(tenant=tenant, topic=topic, type=type, reason=reason, since=since, until=until)


def _add_letters(routes: APIRouter, database: Database) -> None:
    @routes.get("/dead-letters")
    async def list_dead_letters(
        state: State | None = None,
        filter: Filter = Depends(_filter),
        cursor: Cursor = None,
        limit: Limit = 50,
        _: str = require_platform(),
    ) -> Page[DeadLetterView]:
        """The newest first."""
        chosen = Selection(filter=filter, state=state)
        async with database.delivery() as tx:
            found = await letters.find(tx, chosen, decode_cursor(cursor, Newest), limit + 1)
        return Page[DeadLetterView].of(found, limit, key=lambda one: (one.put_aside_at, one.id), show=DeadLetterView.of)

    @routes.get("/dead-letters/{letter_id}")
    async def get_dead_letter(letter_id: UUID, _: str = require_platform()) -> DeadLetterContent:
        """With its bytes, as long as they are kept."""
        async with database.delivery() as tx:
            letter = await letters.get(tx, letter_id)
        if letter is None:
            raise not_found(f"dead letter {letter_id}")
        return DeadLetterContent.of(letter)


def _add_operations(routes: APIRouter, operations: Operations) -> None:
    @routes.post("/dead-letters/replays", status_code=201)
    async def replay_dead_letters(body: Replay, operator: str = require_platform()) -> OperatorActionView:
        """Hands them to this service once more, whatever their age. What it did before, it does not do again."""
        action = await operations.replay(operator, body.reason, body.selection(), body.asked(), body.per_second)
        return OperatorActionView.of(action)

    @routes.post("/dead-letters/discards", status_code=201)
    async def discard_dead_letters(body: Discard, operator: str = require_platform()) -> OperatorActionView:
        """Settles them; they have no effect."""
        action = await operations.discard(operator, body.reason, body.selection(), body.asked())
        return OperatorActionView.of(action)


def _add_actions(routes: APIRouter, database: Database) -> None:
    @routes.get("/dead-letter-actions")
    async def list_operator_actions(
        cursor: Cursor = None, limit: Limit = 50, _: str = require_platform()
    ) -> Page[OperatorActionView]:
        """Who did what, when and why; the newest first."""
        async with database.delivery() as tx:
            found = await actions.find(tx, decode_cursor(cursor, Newest), limit + 1)
        return Page[OperatorActionView].of(
            found, limit, key=lambda one: (one.started_at, one.id), show=OperatorActionView.of
        )

    @routes.get("/dead-letter-actions/{action_id}")
    async def get_operator_action(action_id: UUID, _: str = require_platform()) -> OperatorActionProgress:
        """With what became of its dead letters so far."""
        async with database.delivery() as tx:
            action = await actions.get(tx, action_id)
            if action is None:
                raise not_found(f"action {action_id}")
            states = await letters.states(tx, action_id)
        return OperatorActionProgress(**OperatorActionView.of(action).model_dump(), states=states)


def _add_parked_rows(routes: APIRouter, operations: Operations, database: Database) -> None:
    @routes.get("/parked-outbox-rows")
    async def list_parked_rows(
        cursor: Cursor = None, limit: Limit = 50, _: str = require_platform()
    ) -> Page[ParkedRowView]:
        """Messages that the broker refused for ever, the oldest first; each holds up the messages of its key."""
        after = decode_cursor(cursor, Oldest)
        async with database.delivery() as tx:
            found = await parked_rows.find(tx, after.id if after else 0, limit + 1)
        return Page[ParkedRowView].of(found, limit, key=lambda row: (row["id"],), show=lambda row: ParkedRowView(**row))

    @routes.post("/parked-outbox-rows/{row_id}/release", status_code=201)
    async def release_parked_row(
        row_id: Annotated[int, Path(ge=1, le=_BIGINT)], body: Release, operator: str = require_platform()
    ) -> OperatorActionView:
        """Lets it be published after all: its broker takes it now, or it is parked again."""
        return OperatorActionView.of(await operations.release(operator, body.reason, row_id))
