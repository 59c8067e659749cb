"""`/v1/workflows/{code}/runs`: workflows started by hand."""

from datetime import datetime
from typing import Annotated, NamedTuple
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field, JsonValue

from contracts.inputs import Input, Moment
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.http import Page, bad_input, conflict, json_response, not_found
from contracts.kit.routes import Paged, found
from contracts.kit.service import Service
from contracts.messages.rule_events import RuleState
from rule_engine.api.problems import forbidding, needing_entity_service
from rule_engine.api.workflows import CodePath
from rule_engine.application.concurrency import KeyInUseError
from rule_engine.application.permissions import demand
from rule_engine.application.workflow_runs import NoSuchWorkflowError, WorkflowStarts
from rule_engine.domain.authoring.workflow_starts import BadStartError
from rule_engine.store import Store


class StartInput(Input):
    """On which item, and with which parameters; those that are left out have their defaults."""

    item_id: UUID
    parameters: Annotated[dict[str, JsonValue], Field(max_length=100)] = Field(default_factory=dict)


class WorkflowRunSummary(BaseModel):
    """A run in a list; `queued`: it has not begun, since another run with its concurrency key goes on."""

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    item_id: UUID
    version: int
    created_at: datetime
    updated_at: datetime
    started_by: str
    finished: bool
    queued: bool
    concurrency_key: str | None
    outcome: RuleState | None
    reason: str | None
    status: str | None


class LastStart(NamedTuple):
    """The sort key of runs in the order of their starts."""

    created_at: Moment
    id: UUID


class StartedRun(BaseModel):
    """The run that was started; its details are at `/v1/runs/{id}`."""

    id: UUID


def router(service: Service, store: Store, starts: WorkflowStarts) -> APIRouter:
    """For those whom the workflow allows it: by default operators start it, and everybody sees its runs."""
    routes = APIRouter(prefix="/v1/workflows/{code}/runs", tags=["workflows"])

    @routes.post("", status_code=201, response_model=StartedRun)
    async def start_workflow(
        code: CodePath, body: StartInput, request: Request, caller: Caller = require(Role.VIEWER)
    ) -> Response:
        """Starts the newest published version on an item; with an `Idempotency-Key` once, however often it is sent."""
        try:
            with needing_entity_service("the item"):
                item = await starts.item(caller.tenant, body.item_id)

            async def start(tx: Connection) -> Response:
                id = await starts.by_hand(tx, caller, code, item, body.parameters)
                return json_response(StartedRun(id=id), 201)

            with forbidding():
                return await service.idempotency.once(request, tenant=caller.tenant, subject=caller.subject, do=start)
        except KeyInUseError as error:
            raise conflict(str(error)) from error
        except NoSuchWorkflowError as error:
            raise not_found(str(error)) from error
        except BadStartError as error:
            raise bad_input("nothing was started", *error.issues) from error

    @routes.get("")
    async def list_workflow_runs(
        code: CodePath, paging: Paged, item_id: UUID | None = None, caller: Caller = require(Role.VIEWER)
    ) -> Page[WorkflowRunSummary]:
        """The runs of a workflow, the last started first; also starts that were refused, which have ended so."""
        before = paging.after(LastStart)
        async with service.database.transaction(caller.tenant) as tx:
            found(await store.workflows.read(tx, (caller.tenant, code)), f"workflow {code!r}")
            with forbidding():
                await demand(tx, store.workflows, caller, code, "see")
            rows = await store.runs.of_workflow(tx, (caller.tenant, code), item_id, before, paging.rows)
        return paging.page(
            rows,
            lambda row: LastStart(row["created_at"], row["id"]),
            lambda row: WorkflowRunSummary.model_validate(dict(row)),
        )

    return routes
