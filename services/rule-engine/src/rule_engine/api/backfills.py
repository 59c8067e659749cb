"""`/v1/rule-sets/{code}/backfills`: rules planned for the items that are in their stage already."""

from datetime import datetime
from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from contracts.inputs import Input
from contracts.issues import unknown
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import new_id
from contracts.kit.database import Connection
from contracts.kit.http import bad_input, json_response, not_found
from contracts.kit.routes import found
from contracts.kit.service import Service
from contracts.values import Code
from rule_engine.api.problems import needing_entity_service
from rule_engine.api.rule_sets import CodePath
from rule_engine.application.backfills import Backfilling
from rule_engine.store import Store
from rule_engine.store.backfills import Backfill


class BackfillInput(Input):
    """The stage whose rules to plan for its items; with `dry_run`, the default, only counts."""

    stage: Code
    dry_run: bool = True


class BackfillCount(BaseModel):
    """What a backfill would do: how many items are in the stage, and which rules it has in the newest version.

    A rule that an item's present entry has planned already is not planned for it again.
    """

    stage: str
    version: int
    items: int
    rules: list[str]
    dry_run: bool = True


class BackfillView(BaseModel):
    """A backfill and how far it has got.

    `planned` items got runs; `passed_over` ones had nothing left to plan, or had left or changed meanwhile.
    """

    model_config = ConfigDict(from_attributes=True)

    id: UUID
    rule_set: str
    version: int
    stage: str
    items: Annotated[int, Field(description="in the stage when it was requested")]
    planned: int
    passed_over: int
    requested_by: str
    requested_at: datetime
    done_at: datetime | None
    given_up: str | None


def router(service: Service, store: Store, backfilling: Backfilling) -> APIRouter:
    """Operators request backfills; everybody may read them."""
    routes = APIRouter(prefix="/v1/rule-sets/{code}/backfills", tags=["rule sets"])

    @routes.post("", response_model=BackfillCount | BackfillView, responses={202: {"model": BackfillView}})
    async def request_backfill(
        code: CodePath, body: BackfillInput, request: Request, caller: Caller = require(Role.OPERATOR)
    ) -> Response:
        """Counts, and without `dry_run` plans the stage's rules for the items that are in it already."""
        pipeline, version, rules = await _published(service, store, caller.tenant, code, body.stage)
        with needing_entity_service("which items are in the stage"):
            items = await backfilling.count(caller.tenant, pipeline, body.stage)
        if body.dry_run:
            return json_response(BackfillCount(stage=body.stage, version=version, items=items, rules=rules))

        async def record(tx: Connection) -> Response:
            backfill = Backfill(
                tenant_id=caller.tenant,
                id=new_id(),
                rule_set=code,
                version=version,
                pipeline=pipeline,
                stage=body.stage,
                requested_by=caller.subject,
                requested_at=service.clock(),
                items=items,
            )
            await backfilling.request(tx, backfill)
            return json_response(BackfillView.model_validate(backfill), 202)

        return await service.idempotency.once(request, tenant=caller.tenant, subject=caller.subject, do=record)

    @routes.get("/{id}")
    async def get_backfill(code: CodePath, id: UUID, caller: Caller = require(Role.VIEWER)) -> BackfillView:
        """How far a backfill has got."""
        async with service.database.transaction(caller.tenant) as tx:
            backfill = await store.backfills.get(tx, caller.tenant, id)
        of_rule_set = backfill if backfill and backfill.rule_set == code else None
        return BackfillView.model_validate(found(of_rule_set, "such backfill"))

    return routes


async def _published(service: Service, store: Store, tenant: UUID, code: str, stage: str) -> tuple[str, int, list[str]]:
    """The rule set's pipeline, its newest published version, and the names of the stage's rules in it."""
    async with service.database.transaction(tenant) as tx:
        rule_set = await store.rule_sets.read(tx, (tenant, code))
        if rule_set is None or rule_set.newest is None or rule_set.archived:
            raise not_found(f"published rule set {code!r} in use")
        programs = await store.programs.of_version(tx, tenant, code, rule_set.newest)
    if stage not in programs:
        raise bad_input("there is nothing to plan", ("stage", unknown("stage with rules", stage, programs)))
    rules = [rule.name for program in programs[stage] for rule in program.rules()]
    return rule_set.pipeline, rule_set.newest, rules
