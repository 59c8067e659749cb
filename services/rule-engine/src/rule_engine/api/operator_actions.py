"""`/v1/runs/{id}/…`: what operators do to runs: run now, postpone, cancel, retry."""

from collections.abc import Awaitable
from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from contracts.inputs import Input, Moment
from contracts.kit.auth import Caller, Role, require
from contracts.kit.http import conflict, not_found
from contracts.kit.routes import found
from contracts.messages.rule_events import RuleState
from rule_engine.api.problems import forbidding
from rule_engine.application.operator_actions import OperatorActions
from rule_engine.domain.errors import NoSuchRuleError, RunError
from rule_engine.store.runs import Run


class Postpone(Input):
    """The new moment."""

    until: Moment


class RunAfterAction(BaseModel):
    """A run after an operator's action; its details are at `/v1/runs/{id}`."""

    id: UUID
    finished: bool
    states: dict[str, RuleState]
    """By rule name."""


def router(actions: OperatorActions) -> APIRouter:
    """For operators."""
    routes = APIRouter(prefix="/v1/runs/{run_id}", tags=["runs"])

    @routes.post("/rules/{rule_id}/run-now")
    async def run_now(run_id: UUID, rule_id: str, caller: Caller = require(Role.OPERATOR)) -> RunAfterAction:
        """A waiting rule acts at once."""
        return await _view(actions.run_now(caller, run_id, rule_id))

    @routes.post("/rules/{rule_id}/postpone")
    async def postpone(
        run_id: UUID, rule_id: str, body: Postpone, caller: Caller = require(Role.OPERATOR)
    ) -> RunAfterAction:
        """A waiting rule acts at another moment."""
        return await _view(actions.postpone(caller, run_id, rule_id, body.until))

    @routes.post("/rules/{rule_id}/cancel")
    async def cancel_rule(run_id: UUID, rule_id: str, caller: Caller = require(Role.OPERATOR)) -> RunAfterAction:
        """Cancels one rule; those after it in its chain go on."""
        return await _view(actions.cancel(caller, run_id, rule_id))

    @routes.post("/cancel")
    async def cancel_run(run_id: UUID, caller: Caller = require(Role.OPERATOR)) -> RunAfterAction:
        """Cancels everything that is left of a run."""
        return await _view(actions.cancel(caller, run_id, None))

    @routes.post("/rules/{rule_id}/retry")
    async def retry(run_id: UUID, rule_id: str, caller: Caller = require(Role.OPERATOR)) -> RunAfterAction:
        """A new attempt of a rule that failed, was refused or hangs."""
        return await _view(actions.retry(caller, run_id, rule_id))

    return routes


async def _view(action: Awaitable[Run | None]) -> RunAfterAction:
    try:
        with forbidding():
            run = found(await action, "such run")
    except NoSuchRuleError as error:
        raise not_found("such rule in the run") from error
    except RunError as error:
        raise conflict(str(error)) from error
    states = {run.program.rules_by_path[one.path].name: one.state for one in run.state.rules.values()}
    return RunAfterAction(id=run.id, finished=run.finished, states=states)
