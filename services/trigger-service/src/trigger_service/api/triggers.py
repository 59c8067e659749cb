"""`/v1/triggers` and `/v1/trigger-types`: what authors define, and what there is to choose from."""

from typing import Any

from fastapi import APIRouter, Response
from pydantic import BaseModel

from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import Clock
from contracts.kit.configuration import record
from contracts.kit.database import Connection, Database
from contracts.kit.definitions import record_put
from contracts.kit.http import Page, conflict
from contracts.kit.routes import Paged, found
from contracts.values import Code
from trigger_service.domain.checks import check_trigger
from trigger_service.domain.triggers import Trigger, TriggerSpec
from trigger_service.gateways.entity import EntityService
from trigger_service.quotas import TRIGGERS
from trigger_service.store import public_addresses, triggers
from trigger_service.tokens import hash_token, new_token
from trigger_service.triggers.registry import TRIGGER_TYPES
from trigger_service.triggers.webhooks import Webhook


class TriggerView(TriggerSpec):
    """A trigger. `webhook_path` is the secret address of a `webhook` trigger, answered once, when it is made."""

    code: str
    webhook_path: str | None = None


class WebhookAddress(BaseModel):
    """The new secret address; it is not answered again."""

    webhook_path: str


class TriggerTypeView(BaseModel):
    """A trigger type; `context_name` names what conditions find beside the item's own context."""

    type: str
    title: str
    group: str
    description: str
    context_name: str
    settings: dict[str, Any]


def router(database: Database, entity: EntityService, clock: Clock) -> APIRouter:
    """Triggers: written by authors, read by everyone of the tenant."""
    routes = APIRouter(prefix="/v1", tags=["triggers"])

    _add_types(routes)
    _add_changes(routes, database, entity, clock)
    _add_lists(routes, database)
    return routes


def _add_types(routes: APIRouter) -> None:
    @routes.get("/trigger-types")
    async def list_trigger_types(paging: Paged, _: Caller = require(Role.VIEWER)) -> Page[TriggerTypeView]:
        """By name, with the schemas of their settings."""
        names = sorted(name for name in TRIGGER_TYPES if name > paging.code)
        return paging.page([_type_view(name) for name in names], lambda one: (one.type,), lambda one: one)


def _add_changes(routes: APIRouter, database: Database, entity: EntityService, clock: Clock) -> None:
    @routes.put("/triggers/{code}", responses={201: {"model": TriggerView}})
    async def put_trigger(
        code: Code, spec: TriggerSpec, response: Response, caller: Caller = require(Role.AUTHOR)
    ) -> TriggerView:
        change_as = None if spec.archived else check_trigger(spec, await entity.schema(caller.tenant))
        async with database.transaction(caller.tenant) as tx:
            before = await triggers.find(tx, caller.tenant, code)
            if before is not None and before.spec.type != spec.type:
                raise conflict(f"{code!r} is a trigger of the type {before.spec.type!r}; give another type a new code")
            await record_put(tx, caller, "trigger", code, before and before.spec, spec, quota=TRIGGERS)
            trigger = Trigger(code=code, spec=spec, change_as=change_as)
            created = await triggers.save(tx, caller.tenant, trigger, clock())
            path = await _new_address(tx, caller, code) if created and spec.type == Webhook.name else None
        response.status_code = 201 if created else 200
        return _view(trigger, path)

    @routes.post("/triggers/{code}/rotate")
    async def rotate_address(code: Code, caller: Caller = require(Role.AUTHOR)) -> WebhookAddress:
        """Gives a `webhook` trigger a new address; the former one is void at once."""
        async with database.transaction(caller.tenant) as tx:
            trigger = await triggers.find(tx, caller.tenant, code)
            webhook = trigger if trigger and trigger.spec.type == Webhook.name else None
            found(webhook, f"trigger {code!r} of the type {Webhook.name}")
            return WebhookAddress(webhook_path=await _new_address(tx, caller, code))


def _add_lists(routes: APIRouter, database: Database) -> None:
    @routes.get("/triggers/{code}")
    async def get_trigger(code: Code, caller: Caller = require(Role.VIEWER)) -> TriggerView:
        async with database.transaction(caller.tenant) as tx:
            return _view(found(await triggers.find(tx, caller.tenant, code), f"trigger {code!r}"))

    @routes.get("/triggers")
    async def list_triggers(paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[TriggerView]:
        """By code; archived ones too."""
        async with database.transaction(caller.tenant) as tx:
            entries = await triggers.page(tx, caller.tenant, paging.code, paging.rows)
        return paging.page(entries, lambda one: (one.code,), _view)


async def _new_address(tx: Connection, caller: Caller, code: str) -> str:
    token = new_token()
    await public_addresses.save(tx, "trigger", caller.tenant, code, hash_token(token))
    await record(tx, caller, "webhook-address", code, None, {"address": hash_token(token).hex()})
    return f"/hooks/t/{token}"


def _view(trigger: Trigger, path: str | None = None) -> TriggerView:
    return TriggerView(code=trigger.code, webhook_path=path, **trigger.spec.model_dump(mode="json", by_alias=True))


def _type_view(name: str) -> TriggerTypeView:
    kind = TRIGGER_TYPES[name]
    return TriggerTypeView(
        type=name,
        title=kind.title,
        group=kind.group,
        description=kind.description,
        context_name=kind.context_name,
        settings=kind.settings.model_json_schema(),
    )
