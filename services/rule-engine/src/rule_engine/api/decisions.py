"""`/v1/decisions`: explains why rules did or did not act on an item, at any moment that decisions are kept of."""

from collections.abc import Collection
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
from contracts.kit.http import Page, not_found
from contracts.kit.routes import Paged
from contracts.messages.rule_events import RuleState
from rule_engine.application.permissions import hidden
from rule_engine.domain.execution.explanations import RuleAt, explain, explain_unplanned, leaf_words
from rule_engine.store import Store
from rule_engine.store.decisions import position_of, rule_ids


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


class Explanation(BaseModel):
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
    step: int | None = None
    """Which execution of the rule in its run."""
    explanation: str
    """Why, in words, to be read after the rule's name: `did not act: item.amount > 100 is false: it is 50`."""
    operator: str | None = None
    """The operator whose action brought it into this state."""
    decision: Decided | None = None


class _Key(NamedTuple):
    planned_at: Moment
    run_id: UUID
    position: Annotated[int, Field(ge=0, le=2**31 - 1)]
    step: Annotated[int, Field(ge=0, le=2**31 - 1)]


RuleRef = Annotated[str, Written(r"^[a-z0-9_-]{1,64}$", "a rule's id or name")]


def router(database: Database, store: Store, clock: Clock) -> APIRouter:
    """For everybody."""
    routes = APIRouter(prefix="/v1/decisions", tags=["decisions"])

    @routes.get("")
    async def list_decisions(  # noqa: PLR0913 - the filters of a list
        paging: Paged,
        item: UUID,
        rule: Annotated[RuleRef | None, Query(description="a rule's id or name; none: all rules")] = None,
        at: Annotated[Moment | None, Query(description="the moment in question; none: now")] = None,
        caller: Caller = require(Role.VIEWER),
    ) -> Page[Explanation]:
        """Every rule planned for the item until then, the latest first; a rule asked for by name also if it was not."""
        moment, before = at or clock(), paging.after(_Key)
        async with database.transaction(caller.tenant) as tx:
            if not await store.entries.is_known(tx, caller.tenant, item):
                raise not_found("item with this id that automation has heard of")
            rows = await store.decisions.of_item(
                tx,
                caller.tenant,
                item,
                rule=rule,
                at=moment,
                hidden=await hidden(tx, store.workflows, caller),
                before=before,
                limit=paging.rows,
            )
            page = paging.page(rows, position_of, lambda row: _explanation(row, moment))
            if rule is not None and before is None:
                page.items += await _unplanned(tx, store, (caller.tenant, item), rule, moment, rule_ids(rows))
        if rule is not None and before is None and not page.items:
            raise not_found(f"rule {rule!r} in any published version")
        return page

    return routes


async def _unplanned(  # noqa: PLR0913 - what is asked
    tx: Connection, store: Store, item: tuple[UUID, UUID], rule: str, at: datetime, planned: Collection[str]
) -> list[Explanation]:
    """Explanations of rules with that id or name which no entry of the item has planned."""
    explanations = []
    for code, pipeline, id, published in await store.rule_sets.published_rules(tx, item[0], rule):
        if id not in planned:
            entry = await store.entries.last_into_stage(tx, item, (pipeline, published.stage), at)
            explanations.append(
                Explanation(
                    rule_id=id,
                    name=published.name,
                    rule_set=code,
                    version=entry.version if entry else None,
                    pipeline=pipeline,
                    stage=published.stage,
                    entered_at=entry.entered_at if entry else None,
                    explanation=explain_unplanned(published, entry, at),
                )
            )
    return explanations


def _explanation(row: asyncpg.Record, at: datetime) -> Explanation:
    rule = RuleAt(row["state"], row["due_at"], row["reason"], row["command_id"] is not None)
    known = {name: row[name] for name in Explanation.model_fields if name in row}
    return Explanation(**known, explanation=explain(rule, row["since"], row["operator"]), decision=_decided(row))


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
