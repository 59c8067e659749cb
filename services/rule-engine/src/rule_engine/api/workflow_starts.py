"""`/v1/workflows/{code}/runs`: workflows started by hand."""

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field, JsonValue

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.http import bad_input, json_response, not_found
from contracts.kit.service import Service
from rule_engine.api.problems import needing_entity_service
from rule_engine.api.workflows import CodePath
from rule_engine.application.workflow_runs import NoSuchWorkflowError, WorkflowStarts
from rule_engine.domain.authoring.workflow_starts import BadStartError


class StartInput(Input):
    """On which item, and with which parameters; those that are left out have their defaults."""

    item_id: UUID
    parameters: Annotated[dict[str, JsonValue], Field(max_length=100)] = Field(default_factory=dict)


class StartedRun(BaseModel):
    """The run that was started; its details are at `/v1/runs/{id}`."""

    id: UUID


def router(service: Service, starts: WorkflowStarts) -> APIRouter:
    """For operators."""
    routes = APIRouter(prefix="/v1/workflows/{code}/runs", tags=["workflows"])

    @routes.post("", status_code=201, response_model=StartedRun)
    async def start_workflow(
        code: CodePath, body: StartInput, request: Request, caller: Caller = require(Role.OPERATOR)
    ) -> Response:
        """Starts the newest published version on an item; with an `Idempotency-Key` once, however often it is sent."""
        try:
            with needing_entity_service("the item"):
                item = await starts.item(caller.tenant, body.item_id)

            async def start(tx: Connection) -> Response:
                id = await starts.by_hand(tx, caller, code, item, body.parameters)
                return json_response(StartedRun(id=id), 201)

            return await service.idempotency.once(request, tenant=caller.tenant, subject=caller.subject, do=start)
        except NoSuchWorkflowError as error:
            raise not_found(str(error)) from error
        except BadStartError as error:
            raise bad_input("nothing was started", *error.issues) from error

    return routes
