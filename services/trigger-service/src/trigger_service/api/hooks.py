"""`/hooks`: what other systems call. Payment providers sign; a trigger's own address is the secret itself."""

import re
from typing import Any
from uuid import UUID

import orjson
from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ValidationError

from contracts.inputs import keepable
from contracts.issues import issues_of
from contracts.kit.database import Database
from contracts.kit.http import MAX_ISSUES, Problem, bad_input, json_response, not_found
from trigger_service.api.places import find_place
from trigger_service.domain.payments import PaymentReport
from trigger_service.gateways.signatures import is_signed
from trigger_service.gateways.vault import Vault
from trigger_service.intake import Intake
from trigger_service.store import payment_providers, triggers
from trigger_service.triggers.webhooks import Webhook

KEY = re.compile(r"[\x21-\x7e]{1,200}")


class Taken(BaseModel):
    """It has arrived; `/v1/arrivals/{arrival_id}` says what becomes of it."""

    arrival_id: UUID


def _takes(schema: dict[str, Any]) -> dict[str, Any]:
    """The body, for the API's description: it is read as bytes, since signatures are over bytes."""
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def router(database: Database, intake: Intake, vault: Vault) -> APIRouter:
    """Public routes: the token in the path says whose they are."""
    routes = APIRouter(prefix="/hooks", tags=["hooks"])

    @routes.post("/payments/{token}", response_model=Taken, openapi_extra=_takes(PaymentReport.model_json_schema()))
    async def report_payment(token: str, request: Request) -> Response:
        """Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`. 200 for repeats, too."""
        body = await request.body()
        place = await find_place(database, "payment_provider", token, "such address")
        async with database.transaction(place.tenant) as tx:
            provider = await payment_providers.find(tx, place.tenant, place.code)
            if provider is None or provider.archived:
                raise not_found("such address")
            if not is_signed(vault.open(provider.sealed), request.headers, body):
                raise Problem(401, "Unauthorized", "the signature is missing, wrong, or older than five minutes")
            arrival = await intake.payments.take(tx, place.tenant, provider, _key(request, "webhook-id"), _report(body))
        return json_response(Taken(arrival_id=arrival))

    @routes.post("/t/{token}", response_model=Taken, status_code=202, openapi_extra=_takes({"type": "object"}))
    async def call_trigger(token: str, request: Request) -> Response:
        """Fires a `webhook` trigger; with `Idempotency-Key` or `webhook-id` a call may be repeated."""
        body = _json_object(await request.body())
        place = await find_place(database, "trigger", token, "such address")
        async with database.transaction(place.tenant) as tx:
            trigger = await triggers.find(tx, place.tenant, place.code)
            if trigger is None or trigger.spec.archived:
                raise not_found("such address")
            key = _key(request, "idempotency-key", "webhook-id") or None
            arrival = await intake.webhooks.take(tx, place.tenant, trigger, body, key)
        if Webhook.item_id(trigger.spec.settings, body) is None:
            what = f"expected an item's id (a UUID) where the trigger looks for it; see arrival {arrival}"
            return bad_input("the call names no item", ("body", what)).response()
        return json_response(Taken(arrival_id=arrival), 202)

    return routes


def _key(request: Request, *headers: str) -> str:
    """The first of the headers that is there; empty without any."""
    key = next((request.headers[name] for name in headers if name in request.headers), "")
    if key and not KEY.fullmatch(key):
        raise Problem(400, "Bad request", f"{headers[0]}: 1 to 200 visible ASCII characters")
    return key


def _report(body: bytes) -> PaymentReport:
    try:
        return PaymentReport.model_validate_json(body)
    except ValidationError as error:
        pairs = [(where or "body", what) for where, what in issues_of(error, PaymentReport)[:MAX_ISSUES]]
        raise bad_input("this is no payment report", *pairs) from error


def _json_object(body: bytes) -> dict[str, Any]:
    try:
        value = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_input("the body is not JSON", ("body", "send a JSON object")) from error
    if not isinstance(value, dict):
        raise bad_input("the body cannot be used", ("body", "send a JSON object"))
    try:
        kept: dict[str, Any] = keepable(value)
    except ValueError as error:
        raise bad_input("the body cannot be used", ("body", str(error))) from error
    return kept
