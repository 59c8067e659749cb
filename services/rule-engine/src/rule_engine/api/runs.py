"""`/v1/runs`: lists and details."""

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

import asyncpg
from fastapi import APIRouter
from pydantic import BaseModel, Field, JsonValue

from contracts.inputs import Moment
from contracts.kit import telemetry
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Database
from contracts.kit.http import Page
from contracts.kit.routes import Paged, found
from contracts.messages.rule_events import RuleState
from rule_engine.api.problems import forbidding
from rule_engine.application.permissions import demand, hidden
from rule_engine.store import Store


class RuleRun(BaseModel):
    """One rule of a run and what became of it."""

    run_id: UUID
    step: int
    """Which execution of the run this is."""
    item_id: UUID
    rule_set: str
    """The code of the rule set, or of the workflow."""
    workflow: bool
    block: bool
    """Whether it is a block of a workflow that is no rule."""
    parent: int
    """The step of the block around it; 0: the run itself."""
    iteration: int
    """Which turn of a loop it stands in."""
    version: int
    stage: str
    rule_id: str
    name: str
    title: str
    type: str
    state: RuleState
    due_at: datetime | None
    reason: str | None
    attempt: int
    command_id: UUID | None
    outputs: dict[str, JsonValue] | None
    started_at: datetime | None
    changed_at: datetime
    trace_id: str | None


class DecisionView(BaseModel):
    """Why a rule did or did not act, or what another block has chosen by its conditions: the values that it read and
    the verdict of each leaf of its conditions.
    """

    step: int
    block: bool
    """Whether it is a block that is no rule; `rule_id` and `rule` are its id and name."""
    rule_id: str
    rule: str
    at: datetime
    state: RuleState
    choice: str | None
    """Of such a block: the branch that it took, or what else it has chosen; null: it could not decide."""
    reason: str | None
    seen: dict[str, JsonValue]
    leaves: list[dict[str, JsonValue]]
    command_id: UUID | None


class OperatorActionView(BaseModel):
    """What an operator did."""

    at: datetime
    subject: str
    action: str
    rule_id: str | None


class MovedView(BaseModel):
    """A migration that has moved the run to another version."""

    id: UUID
    at: datetime
    from_version: int
    to_version: int
    requested_by: str


class RunView(BaseModel):
    """A run with everything known of it."""

    id: UUID
    item_id: UUID
    pipeline: str
    stage: str
    rule_set: str
    workflow: bool
    """Whether `rule_set` is the code of a workflow."""
    version: int
    entry_seq: int
    entered_at: datetime
    finished: bool
    next_look_at: datetime | None
    """When the engine looks at the run again; null when it is finished."""
    correlation: str
    trace_id: str | None
    """The trace of the entry."""
    trace_ids: list[str]
    """All traces the run went on in, the first one first: a wait of more than five minutes and an operator's action
    begin another one, linked to the entry's."""
    outcome: str | None
    """How a workflow ended; null: it has not, or this is a chain of rules."""
    reason: str | None
    """Why a workflow ended so."""
    status: str | None
    """The status that a workflow has given itself."""
    concurrency_key: str | None
    queued: bool
    """Whether it has not begun, since another run with its key goes on."""
    started_by: str | None
    """Who started a workflow."""
    canary_share: int | None
    """The item was among so many percent of all that tried this version; null: all others ran on it, too."""
    rules: list[RuleRun]
    """Rules and, of a workflow, the other blocks: its journal."""
    decisions: list[DecisionView]
    """The first 1,000."""
    operator_actions: list[OperatorActionView]
    migrations: list[MovedView]
    """Those that have moved it to another version, the first one first."""


class LastChange(NamedTuple):
    """The sort key of rules in the order of their last change."""

    changed_at: Moment
    run_id: UUID
    step: Annotated[int, Field(ge=0, le=2**31 - 1)]


def router(database: Database, store: Store) -> APIRouter:
    """For everybody."""
    routes = APIRouter(prefix="/v1/runs", tags=["runs"])

    @routes.get("")
    async def list_rule_runs(
        paging: Paged,
        item_id: UUID | None = None,
        state: RuleState | None = None,
        caller: Caller = require(Role.VIEWER),
    ) -> Page[RuleRun]:
        """Rules by state and item, the last changed first."""
        before = paging.after(LastChange)
        async with database.transaction(caller.tenant) as tx:
            rows = await store.rule_runs.page(
                tx,
                caller.tenant,
                item=item_id,
                state=state,
                hidden=await hidden(tx, store.workflows, caller),
                before=before,
                limit=paging.rows,
            )
        return paging.page(rows, _last_change, _rule_run)

    @routes.get("/{run_id}")
    async def get_run(run_id: UUID, caller: Caller = require(Role.VIEWER)) -> RunView:
        """One run: its rules and blocks, the decisions of each, and what operators did."""
        async with database.transaction(caller.tenant) as tx:
            row = found(await store.runs.details(tx, caller.tenant, run_id), "such run")
            if row["workflow"]:
                with forbidding():
                    await demand(tx, store.workflows, caller, row["rule_set"], "see")
            rules = await store.rule_runs.of_run(tx, caller.tenant, run_id)
            decisions = await store.decisions.of_run(tx, caller.tenant, run_id, row["item_id"])
            actions = await store.operator_actions.of_run(tx, caller.tenant, run_id)
            migrations = await store.migrations.of_run(tx, caller.tenant, run_id)
        return _view(row, rules, decisions, actions, migrations)

    return routes


def _last_change(row: asyncpg.Record) -> LastChange:
    return LastChange(row["changed_at"], row["run_id"], row["step"])


def _rule_run(row: asyncpg.Record) -> RuleRun:
    return RuleRun.model_validate(dict(row))


def _view(
    row: asyncpg.Record,
    rules: Sequence[asyncpg.Record],
    decisions: Sequence[asyncpg.Record],
    actions: Sequence[asyncpg.Record],
    migrations: Sequence[asyncpg.Record],
) -> RunView:
    return RunView(
        **{name: row[name] for name in RunView.model_fields if name in row},
        next_look_at=None if row["queued"] else row["wake_at"],
        trace_id=telemetry.trace_id(row["traceparent"]),
        rules=[_rule_run(rule) for rule in rules],
        decisions=[DecisionView.model_validate(dict(decision)) for decision in decisions],
        operator_actions=[OperatorActionView.model_validate(dict(action)) for action in actions],
        migrations=[MovedView.model_validate(dict(moved)) for moved in migrations],
    )
