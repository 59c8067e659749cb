"""`/v1/decisions`: why rules did or did not act on an item, now or at any moment that is still remembered."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, JsonValue

from contracts.inputs import Moment
from contracts.issues import Written
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import Clock
from contracts.kit.database import Connection, Database
from contracts.kit.http import Cursor, Limit, Page, decode_cursor, not_found
from contracts.messages.rule_events import RuleState
from rule_engine.domain.execution.explanations import Standing, leaf_words, why, why_not_planned
from rule_engine.store.decisions import Decisions, position_of, rule_ids


class LeafView(BaseModel):
    """One leaf of a condition: what was expected, what was seen, and the verdict in words."""

    path: str
    op: str
    expected: JsonValue
    seen: JsonValue
    holds: bool
    words: str


class Decided(BaseModel):
    """The last decision made until that moment: the values the rule saw, and the verdict of each leaf."""

    at: datetime
    state: RuleState
    seen: dict[str, JsonValue]
    leaves: list[LeafView]
    command_id: UUID | None


class Why(BaseModel):
    """One rule and one entry of the item, as it was at the moment asked for."""

    rule_id: str
    name: str
    title: str = ""
    type: str | None = None
    rule_set: str
    version: int | None
    """The version the item entered under; null when the rule was not planned."""
    pipeline: str
    stage: str
    entry_seq: int | None = None
    entered_at: datetime | None = None
    left_at: datetime | None = None
    state: RuleState | None = None
    """Null: it was never planned."""
    since: datetime | None = None
    due_at: datetime | None = None
    attempt: int = 0
    run_id: UUID | None = None
    why: str
    """The answer in words, to be read after the rule's name: `did not act: item.amount > 100 is false: it is 50`."""
    ordered_by: str | None = None
    """The operator whose order brought it into this state."""
    decision: Decided | None = None


class _Key(NamedTuple):
    planned_at: Moment
    run_id: UUID
    position: Annotated[int, Field(ge=0, le=2**31 - 1)]


RuleRef = Annotated[str, Written(r"^[a-z0-9_-]{1,64}$", "a rule's id or name")]


def router(database: Database, decisions: Decisions, clock: Clock) -> APIRouter:
    """`/v1/decisions`."""
    routes = APIRouter(tags=["decisions"])

    @routes.get("/v1/decisions")
    async def list_decisions(  # noqa: PLR0913 - the filters of a list
        item: UUID,
        rule: Annotated[RuleRef | None, Query(description="a rule's id or name; none: all rules")] = None,
        at: Annotated[Moment | None, Query(description="the moment in question; none: now")] = None,
        cursor: Cursor = None,
        limit: Limit = 50,
        caller: Caller = require(Role.VIEWER),
    ) -> Page[Why]:
        """Every rule planned for the item until then, the latest first; a rule asked for by name also if it was not."""
        moment, before = at or clock(), decode_cursor(cursor, _Key)
        async with database.transaction(caller.tenant) as tx:
            if not await decisions.is_known(tx, caller.tenant, item):
                raise not_found("item with this id that automation has heard of")
            rows = await decisions.of_item(
                tx, caller.tenant, item, rule=rule, at=moment, before=before, limit=limit + 1
            )
            page = Page[Why].of(rows, limit, key=position_of, show=lambda row: _why(row, moment))
            if rule is not None and before is None:
                page.items += await _not_planned(tx, (caller.tenant, item), rule, moment, rows)
        if rule is not None and before is None and not page.items:
            raise not_found(f"rule {rule!r} in any published version")
        return page

    async def _not_planned(
        tx: Connection, item: tuple[UUID, UUID], rule: str, at: datetime, planned: Sequence[asyncpg.Record]
    ) -> list[Why]:
        """Rules of that name that no entry of the item has planned, and why not."""
        answers = []
        for code, pipeline, id, then in await decisions.published_rules(tx, item[0], rule):
            if id not in rule_ids(planned):
                entry = await decisions.last_entry(tx, item, (pipeline, then.stage), at)
                answers.append(
                    Why(
                        rule_id=id,
                        name=then.name,
                        rule_set=code,
                        version=entry.version if entry else None,
                        pipeline=pipeline,
                        stage=then.stage,
                        entered_at=entry.entered_at if entry else None,
                        why=why_not_planned(then, entry, at),
                    )
                )
        return answers

    return routes


def _why(row: asyncpg.Record, at: datetime) -> Why:
    sent = row["command_id"] is not None
    standing = Standing(row["state"], row["due_at"], row["reason"], row["attempt"], sent)
    known = {name: row[name] for name in Why.model_fields if name in row}
    return Why(**known, why=why(standing, row["since"], row["ordered_by"]), decision=_decided(row))


def _decided(row: asyncpg.Record) -> Decided | None:
    if row["decided_at"] is None:
        return None
    leaves = [
        LeafView(
            **{name: leaf.get(name) for name in ("path", "op", "expected", "seen", "holds")}, words=leaf_words(leaf)
        )
        for leaf in row["leaves"]
    ]
    return Decided(
        at=row["decided_at"], state=row["decided"], seen=row["seen"], leaves=leaves, command_id=row["command_id"]
    )
