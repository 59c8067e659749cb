"""`/v1/rule-sets/{code}/apply-to-items`: rules for the items that are in their stage already."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from contracts.inputs import Input
from contracts.issues import unknown
from contracts.kit.auth import Caller, Role, require
from contracts.kit.broker import OutageError
from contracts.kit.clock import new_id
from contracts.kit.database import Connection
from contracts.kit.http import Problem, bad_input, json_response, not_found
from contracts.kit.service import Service
from contracts.values import Code
from rule_engine.api.rule_sets import CodePath
from rule_engine.jobs import Applying
from rule_engine.store import Store
from rule_engine.store.backfills import Backfill


class Apply(Input):
    """Whose rules to apply; with `dry_run`, the default, only counts."""

    stage: Code
    dry_run: bool = True


class Count(BaseModel):
    """What applying would do: how many items are in the stage, and which rules it has in the newest version.

    A rule that an item's present entry has planned already is not planned for it again.
    """

    stage: str
    version: int
    items: int
    rules: list[str]
    dry_run: bool = True


class BackfillView(BaseModel):
    """An order to apply rules, and how far it has got.

    `planned` items got runs; `passed_over` ones had nothing left to plan, or had left or changed meanwhile.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    rule_set: str
    version: int
    stage: str
    items: Annotated[int, Field(description="in the stage when it was ordered")]
    planned: int
    passed_over: int
    requested_by: str
    requested_at: datetime
    done_at: datetime | None
    given_up: str | None


def router(service: Service, store: Store, applying: Applying) -> APIRouter:
    """Ordering and watching."""
    routes = APIRouter(tags=["rule sets"])

    @routes.post(
        "/v1/rule-sets/{code}/apply-to-items",
        response_model=Count | BackfillView,
        responses={202: {"model": BackfillView}},
    )
    async def apply(code: CodePath, body: Apply, request: Request, caller: Caller = require(Role.OPERATOR)) -> Response:
        """Counts, and without `dry_run` plans the stage's rules for the items that are in it already."""
        count, pipeline = await _count(caller.tenant, code, body.stage)
        if body.dry_run:
            return json_response(count)

        async def do(tx: Connection) -> Response:
            backfill = Backfill(
                tenant_id=caller.tenant,
                id=new_id(),
                rule_set=code,
                version=count.version,
                pipeline=pipeline,
                stage=body.stage,
                requested_by=caller.subject,
                requested_at=service.clock(),
                items=count.items,
            )
            await applying.order(tx, backfill)
            return json_response(BackfillView.model_validate(backfill), 202)

        return await service.idempotency.once(request, tenant=caller.tenant, subject=caller.subject, do=do)

    @routes.get("/v1/rule-sets/{code}/backfills/{id}")
    async def read(code: CodePath, id: UUID, caller: Caller = require(Role.VIEWER)) -> BackfillView:
        """How far an order has got."""
        async with service.database.transaction(caller.tenant) as tx:
            found = await store.backfills.get(tx, caller.tenant, id)
        if found is None or found.rule_set != code:
            raise not_found("such order")
        return BackfillView.model_validate(found)

    async def _count(tenant: UUID, code: str, stage: str) -> tuple[Count, str]:
        async with service.database.transaction(tenant) as tx:
            rule_set = await store.rule_sets.read(tx, (tenant, code))
            if rule_set is None or rule_set.newest is None or rule_set.archived:
                raise not_found(f"published rule set {code!r} in use")
            programs = await store.programs.of_version(tx, tenant, code, rule_set.newest)
        if stage not in programs:
            raise bad_input("there is nothing to apply", ("stage", unknown("stage with rules", stage, programs)))
        names = [rule.name for program in programs[stage] for rule in program.rules()]
        try:
            items = await applying.count(tenant, rule_set.pipeline, stage)
        except OutageError as error:
            detail = "entity-service, which knows which items are in the stage, is away"
            raise Problem(503, "Unavailable", detail, headers={"Retry-After": "2"}) from error
        return Count(stage=stage, version=rule_set.newest, items=items, rules=names), rule_set.pipeline

    return routes
