"""Runs for operators: look them up, run now, postpone, cancel, retry."""

from collections.abc import Awaitable, Sequence
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

import asyncpg
from fastapi import APIRouter
from pydantic import BaseModel, JsonValue

from contracts.inputs import Input, Moment
from contracts.kit import telemetry
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Database
from contracts.kit.http import Cursor, Limit, Page, conflict, decode_cursor, not_found
from contracts.messages.rule_events import RuleState
from rule_engine.application.operations import Operations
from rule_engine.domain.errors import NoSuchRuleError, RunError
from rule_engine.store.runs import Run
from rule_engine.store.views import Views


class RuleRun(BaseModel):
    """One rule of a run and what became of it."""

    run_id: UUID
    item_id: UUID
    rule_set: str
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
    changed_at: datetime


class DecisionView(BaseModel):
    """Why a rule did or did not act: the values it saw and the verdict of each leaf of its condition."""

    rule_id: str
    rule: str
    at: datetime
    state: RuleState
    reason: str | None
    seen: dict[str, JsonValue]
    leaves: list[dict[str, JsonValue]]
    command_id: UUID | None


class AuditView(BaseModel):
    """What an operator did."""

    at: datetime
    subject: str
    action: str
    rule_id: str | None


class RunView(BaseModel):
    """A run with everything known of it."""

    id: UUID
    item_id: UUID
    pipeline: str
    stage: str
    rule_set: str
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
    """All traces the run went on in, the first one first: a wait of more than five minutes and an operator's order
    begin another one, linked to the entry's."""
    rules: list[RuleRun]
    decisions: list[DecisionView]
    audit: list[AuditView]


class Postpone(Input):
    """The new moment."""

    until: Moment


class LastChange(NamedTuple):
    """The sort key of rules in the order of their last change."""

    changed_at: Moment
    run_id: UUID
    rule_id: str


def reading(database: Database, views: Views) -> APIRouter:
    """`/v1/runs`: lists and details."""
    routes = APIRouter(tags=["runs"])

    @routes.get("/v1/runs")
    async def list_rule_runs(  # noqa: PLR0913 - the filters of a list
        item_id: UUID | None = None,
        state: RuleState | None = None,
        cursor: Cursor = None,
        limit: Limit = 50,
        caller: Caller = require(Role.VIEWER),
    ) -> Page[RuleRun]:
        """Rules by state and item, the last changed first."""
        before = decode_cursor(cursor, LastChange)
        async with database.transaction(caller.tenant) as tx:
            rows = await views.rule_runs(tx, caller.tenant, item=item_id, state=state, before=before, limit=limit + 1)
        return Page[RuleRun].of(rows, limit, key=_last_change, show=_rule_run)

    @routes.get("/v1/runs/{run_id}")
    async def read_run(run_id: UUID, caller: Caller = require(Role.VIEWER)) -> RunView:
        """One run: its rules, why each did or did not act, and what operators did."""
        async with database.transaction(caller.tenant) as tx:
            row = await views.run(tx, caller.tenant, run_id)
            if row is None:
                raise not_found("such run")
            rules = await views.rules_of_run(tx, caller.tenant, run_id)
            decisions = await views.decisions_of_run(tx, caller.tenant, run_id, row["item_id"])
            audit = await views.audit_of_run(tx, caller.tenant, run_id)
        return _view(row, rules, decisions, audit)

    return routes


class Ordered(BaseModel):
    """A run after an order; its details are at `/v1/runs/{id}`."""

    id: UUID
    finished: bool
    states: dict[str, RuleState]
    """By rule name."""


def ordering(operations: Operations) -> APIRouter:
    """`/v1/runs`: the orders of operators."""
    routes = APIRouter(tags=["runs"])

    @routes.post("/v1/runs/{run_id}/rules/{rule_id}/run-now")
    async def run_now(run_id: UUID, rule_id: str, caller: Caller = require(Role.OPERATOR)) -> Ordered:
        """A waiting rule acts at once."""
        return await _ordered(operations.run_now(caller.tenant, caller.subject, run_id, rule_id))

    @routes.post("/v1/runs/{run_id}/rules/{rule_id}/postpone")
    async def postpone(run_id: UUID, rule_id: str, body: Postpone, caller: Caller = require(Role.OPERATOR)) -> Ordered:
        """A waiting rule acts at another moment."""
        order = operations.postpone(caller.tenant, caller.subject, run_id, rule_id, body.until)
        return await _ordered(order)

    @routes.post("/v1/runs/{run_id}/rules/{rule_id}/cancel")
    async def cancel_rule(run_id: UUID, rule_id: str, caller: Caller = require(Role.OPERATOR)) -> Ordered:
        """Cancels one rule; those after it in its chain go on."""
        return await _ordered(operations.cancel(caller.tenant, caller.subject, run_id, rule_id))

    @routes.post("/v1/runs/{run_id}/cancel")
    async def cancel_run(run_id: UUID, caller: Caller = require(Role.OPERATOR)) -> Ordered:
        """Cancels everything that is left of a run."""
        return await _ordered(operations.cancel(caller.tenant, caller.subject, run_id, None))

    @routes.post("/v1/runs/{run_id}/rules/{rule_id}/retry")
    async def retry(run_id: UUID, rule_id: str, caller: Caller = require(Role.OPERATOR)) -> Ordered:
        """A new attempt of a rule that failed, was refused or hangs."""
        return await _ordered(operations.retry(caller.tenant, caller.subject, run_id, rule_id))

    return routes


async def _ordered(order: Awaitable[Run | None]) -> Ordered:
    try:
        run = await order
    except NoSuchRuleError as error:
        raise not_found("such rule in the run") from error
    except RunError as error:
        raise conflict(str(error)) from error
    if run is None:
        raise not_found("such run")
    states = {rule.name: run.state.rules[rule.rule_id].state for rule in run.program.rules()}
    return Ordered(id=run.id, finished=run.state.finished, states=states)


def _last_change(row: asyncpg.Record) -> LastChange:
    return LastChange(row["changed_at"], row["run_id"], row["rule_id"])


def _rule_run(row: asyncpg.Record) -> RuleRun:
    return RuleRun.model_validate(dict(row))


def _view(
    row: asyncpg.Record,
    rules: Sequence[asyncpg.Record],
    decisions: Sequence[asyncpg.Record],
    audit: Sequence[asyncpg.Record],
) -> RunView:
    return RunView(
        **{name: row[name] for name in RunView.model_fields if name in row},
        next_look_at=row["wake_at"],
        trace_id=telemetry.trace_id(row["traceparent"]),
        rules=[_rule_run(rule) for rule in rules],
        decisions=[DecisionView.model_validate(dict(decision)) for decision in decisions],
        audit=[AuditView.model_validate(dict(entry)) for entry in audit],
    )
