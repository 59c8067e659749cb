"""The automation view of an item: every rule of every stage with its state, time and reason."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from math import inf
from typing import Literal
from uuid import UUID

import asyncpg
from fastapi import APIRouter
from pydantic import BaseModel, JsonValue

from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Database
from contracts.kit.routes import found
from contracts.messages.rule_events import RuleState
from rule_engine.api.problems import needing_entity_service
from rule_engine.domain.execution.program import Program
from rule_engine.gateway import EntityService
from rule_engine.store import Store

type Place = tuple[str, str]
"""A pipeline and one of its stages."""

NOT_ENTERED = "the item has not entered this stage"
NOT_PLANNED = "this rule was published after the item entered the stage"


class RuleView(BaseModel):
    """One rule; `state` null: it was never planned for this item, and `reason` says why."""

    rule_id: str
    name: str
    title: str
    type: str
    chain: int
    version: int | None = None
    """In which it acts or has acted: that of the entry, unless its run was moved to another one."""
    state: RuleState | None = None
    due_at: datetime | None = None
    reason: str | None = None
    attempt: int = 0
    changed_at: datetime | None = None
    run_id: UUID | None = None
    command_id: UUID | None = None
    leaves: list[dict[str, JsonValue]] = []
    """The condition's verdicts, leaf by leaf, when it was decided."""


class EntryView(BaseModel):
    """One entry of the item into a stage."""

    entry_seq: int
    entered_at: datetime
    left_at: datetime | None
    left_reason: str | None
    note: str | None
    """Why the entry started no rules, if so."""
    origin: str
    rule_set: str | None
    version: int | None
    canary_share: int | None
    """The item was among so many percent of all that tried this version; null: all others ran on it, too."""
    rules: list[RuleView]


class StageView(BaseModel):
    """A stage: what became of its rules at each entry, and those that were never planned."""

    stage: str
    pipeline: str
    entries: list[EntryView] = []
    rules: list[RuleView] = []
    """Rules of the newest published version that no entry planned."""


class AutomationView(BaseModel):
    """Everything automation did, does and will do with an item."""

    item_id: UUID
    pipeline: str
    stage: str
    state: Literal["waiting", "idle"]
    stages: list[StageView]


def router(database: Database, store: Store, entity_service: EntityService) -> APIRouter:
    """`/v1/automation`."""
    routes = APIRouter(tags=["automation"])

    @routes.get("/v1/automation/items/{item_id}")
    async def automation(item_id: UUID, caller: Caller = require(Role.VIEWER)) -> AutomationView:
        """Every rule of every stage of the item's pipelines; none has acted before its first event arrives."""
        async with database.transaction(caller.tenant) as tx:
            entries = await store.entries.of_item(tx, caller.tenant, item_id)
        place = (entries[-1]["pipeline"], entries[-1]["stage"]) if entries else await _place(caller.tenant, item_id)
        async with database.transaction(caller.tenant) as tx:
            rules = await store.rule_runs.of_item(tx, caller.tenant, item_id)
            pipelines = {place[0], *(entry["pipeline"] for entry in entries)}
            newest = await store.rule_sets.newest_published(tx, sorted((caller.tenant, one) for one in pipelines))
            published = {
                pipeline: await store.programs.of_version(tx, caller.tenant, code, version)
                for (_, pipeline), (code, version) in newest.items()
            }
        return _view(item_id, place, entries, rules, published)

    async def _place(tenant: UUID, item_id: UUID) -> Place:
        """The place of an item whose entry has not arrived yet, from entity-service."""
        with needing_entity_service("whether there is such an item"):
            context = found(await entity_service.context(tenant, item_id, ()), f"item {item_id}")
        return context.item.pipeline, context.item.stage

    return routes


def _view(
    item_id: UUID,
    place: Place,
    entries: Sequence[asyncpg.Record],
    rules: Sequence[asyncpg.Record],
    published: Mapping[str, Mapping[str, Sequence[Program]]],
) -> AutomationView:
    by_entry: dict[UUID, list[RuleView]] = defaultdict(list)
    for row in rules:
        by_entry[row["entry_id"]].append(_rule(row))
    entered = [(entry["pipeline"], entry["stage"]) for entry in entries]
    stages = {place: StageView(pipeline=place[0], stage=place[1]) for place in places(entered, published)}
    for entry in entries:
        stages[entry["pipeline"], entry["stage"]].entries.append(_entry(entry, by_entry[entry["id"]]))
    for (pipeline, stage), view in stages.items():
        view.rules = _never_planned(view, published.get(pipeline, {}).get(stage, ()))
    waiting = any(rule.state in ("planned", "waiting", "running") for all_ in by_entry.values() for rule in all_)
    return AutomationView(
        item_id=item_id,
        pipeline=place[0],
        stage=place[1],
        state="waiting" if waiting else "idle",
        stages=list(stages.values()),
    )


def places(entered: Iterable[Place], published: Mapping[str, Mapping[str, Sequence[Program]]]) -> list[Place]:
    """The stages to show: by pipeline; there those with rules by position, then others in the order of entry."""
    positions: dict[Place, float] = {
        (pipeline, stage): programs[0].stage_position
        for pipeline, by_stage in published.items()
        for stage, programs in by_stage.items()
    }
    for place in entered:
        positions.setdefault(place, inf)
    return sorted(positions, key=lambda place: (place[0], positions[place]))


def _rule(row: asyncpg.Record) -> RuleView:
    known = {name: row[name] for name in RuleView.model_fields if name in row and name != "leaves"}
    return RuleView(**known, leaves=row["leaves"] or [])


def _entry(row: asyncpg.Record, rules: list[RuleView]) -> EntryView:
    return EntryView(**{name: row[name] for name in EntryView.model_fields if name in row}, rules=rules)


def _why_never(entries: Sequence[EntryView]) -> str:
    if not entries:
        return NOT_ENTERED
    last = entries[-1]
    if last.canary_share is None:
        return NOT_PLANNED
    return f"the item tries version {last.version}, as {last.canary_share} % of the items do: it has no such rule"


def _never_planned(stage: StageView, programs: Sequence[Program]) -> list[RuleView]:
    planned = {rule.rule_id for entry in stage.entries for rule in entry.rules}
    reason = _why_never(stage.entries)
    return [
        RuleView(
            rule_id=rule.rule_id,
            name=rule.name,
            title=rule.title,
            type=rule.type,
            chain=program.chain,
            reason=next((entry.note for entry in reversed(stage.entries) if entry.note), reason),
        )
        for program in programs
        for rule in program.rules()
        if rule.rule_id not in planned
    ]
