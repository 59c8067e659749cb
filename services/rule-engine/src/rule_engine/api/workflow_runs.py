"""`/v1/runs/{id}/…`: what people do to runs of workflows."""

from collections.abc import Awaitable
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Path, Request, Response
from pydantic import BaseModel, Field, JsonValue

from contracts.inputs import Input, Moment
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.http import conflict, json_response, not_found
from contracts.kit.routes import found
from contracts.kit.service import Service
from contracts.messages.rule_events import RuleState
from contracts.texts import MAX_TITLE
from rule_engine.api.problems import forbidding
from rule_engine.application.workflow_actions import WorkflowActions
from rule_engine.blocks.wait_event import EventName
from rule_engine.domain.errors import NoSuchRuleError, RunError
from rule_engine.domain.language.variables import Name
from rule_engine.store.runs import Run

BlockPath = Annotated[int, Path(ge=1, le=2**31 - 1, description="the step of the block in the run's journal")]


class EventInput(Input):
    """What has come: `command.approve`, `event.com.example.paid`; conditions of the block read its value as `event`."""

    name: EventName
    value: Annotated[dict[str, JsonValue], Field(max_length=100)] = Field(default_factory=dict)


class EndInput(Input):
    """Why, for people."""

    reason: Annotated[str, Field(max_length=MAX_TITLE)] = ""


class JumpInput(Input):
    """Where to go on, and why, for people."""

    block: Name
    reason: Annotated[str, Field(max_length=MAX_TITLE)] = ""


class MomentInput(Input):
    """The new moment; one that is past goes on at once."""

    until: Moment


class WorkflowRunView(BaseModel):
    """A run after what was done to it; its details are at `/v1/runs/{id}`."""

    id: UUID
    finished: bool
    suspended: bool
    outcome: RuleState | None
    status: str | None


def router(service: Service, actions: WorkflowActions) -> APIRouter:
    """For those whom the workflow allows to act on its runs, by default operators."""
    routes = APIRouter(prefix="/v1/runs/{run_id}", tags=["workflows"])

    @routes.post("/events", response_model=WorkflowRunView)
    async def send_event(
        request: Request, run_id: UUID, body: EventInput, caller: Caller = require(Role.VIEWER)
    ) -> Response:
        """Tells a workflow of something that it may wait for, once for one `Idempotency-Key`."""

        async def send(tx: Connection) -> Response:
            return json_response(await _view(actions.send(tx, caller, run_id, body.name, body.value)))

        return await service.idempotency.once(request, tenant=caller.tenant, subject=caller.subject, do=send)

    @routes.post("/terminate")
    async def terminate(run_id: UUID, body: EndInput, caller: Caller = require(Role.VIEWER)) -> WorkflowRunView:
        """Ends a workflow; what is open is cancelled."""
        return await _view(actions.terminate(caller, run_id, body.reason))

    @routes.post("/suspend")
    async def suspend(run_id: UUID, caller: Caller = require(Role.VIEWER)) -> WorkflowRunView:
        """Lets nothing new begin until the workflow is resumed."""
        return await _view(actions.suspend(caller, run_id))

    @routes.post("/resume")
    async def resume(run_id: UUID, caller: Caller = require(Role.VIEWER)) -> WorkflowRunView:
        """Goes on where the workflow was suspended."""
        return await _view(actions.resume(caller, run_id))

    @routes.post("/jump")
    async def jump(run_id: UUID, body: JumpInput, caller: Caller = require(Role.VIEWER)) -> WorkflowRunView:
        """Goes on at another block; what is open is cancelled."""
        return await _view(actions.jump(caller, run_id, body.block, body.reason))

    _add_blocks(routes, actions)
    return routes


def _add_blocks(routes: APIRouter, actions: WorkflowActions) -> None:
    @routes.post("/blocks/{block}/move")
    async def move_block(
        run_id: UUID, block: BlockPath, body: MomentInput, caller: Caller = require(Role.VIEWER)
    ) -> WorkflowRunView:
        """A pause ends, or a wait is over, at another moment."""
        return await _view(actions.move_pause(caller, run_id, block, body.until))

    @routes.post("/blocks/{block}/retry")
    async def retry_block(run_id: UUID, block: BlockPath, caller: Caller = require(Role.VIEWER)) -> WorkflowRunView:
        """A block that failed tries again."""
        return await _view(actions.retry(caller, run_id, block))

    @routes.post("/blocks/{block}/skip")
    async def skip_block(run_id: UUID, block: BlockPath, caller: Caller = require(Role.VIEWER)) -> WorkflowRunView:
        """An open block is passed over; what comes after it goes on."""
        return await _view(actions.skip(caller, run_id, block))


async def _view(action: Awaitable[Run | None]) -> WorkflowRunView:
    try:
        with forbidding():
            run = found(await action, "such run of a workflow")
    except NoSuchRuleError as error:
        raise not_found("such open block in the run") from error
    except RunError as error:
        raise conflict(str(error)) from error
    state = run.state
    return WorkflowRunView(
        id=run.id, finished=run.finished, suspended=state.suspended, outcome=state.outcome, status=state.status
    )
