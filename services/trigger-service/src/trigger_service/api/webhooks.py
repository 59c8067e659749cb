"""`/hooks/t/{token}`: calls of triggers; the address is the secret itself."""

from typing import Any

import orjson
from fastapi import APIRouter, Request, Response

from contracts.inputs import keepable
from contracts.kit.database import Database
from contracts.kit.http import bad_input, json_response, not_found
from trigger_service.api.hooks import Accepted, body_of, key_of
from trigger_service.api.places import find_place
from trigger_service.intake.webhooks import Webhooks
from trigger_service.store import triggers
from trigger_service.triggers.webhooks import Webhook


def router(database: Database, intake: Webhooks) -> APIRouter:
    """A public route: the token in the path says whose it is."""
    routes = APIRouter(prefix="/hooks", tags=["hooks"])

    @routes.post("/t/{token}", response_model=Accepted, status_code=202, openapi_extra=body_of({"type": "object"}))
    async def call_trigger(token: str, request: Request) -> Response:
        """Fires a `webhook` trigger; with `Idempotency-Key` or `webhook-id` a call may be repeated."""
        body = _json_object(await request.body())
        place = await find_place(database, "trigger", token, "such address")
        async with database.transaction(place.tenant) as tx:
            trigger = await triggers.find(tx, place.tenant, place.code)
            if trigger is None or trigger.spec.archived:
                raise not_found("such address")
            key = key_of(request, "idempotency-key", "webhook-id") or None
            arrival = await intake.take(tx, place.tenant, trigger, body, key)
        if Webhook.item_id(trigger.spec.settings, body) is None:
            what = f"expected an item's id (a UUID) where the trigger looks for it; see arrival {arrival}"
            return bad_input("the call names no item", ("body", what)).response()
        return json_response(Accepted(arrival_id=arrival), 202)

    return routes


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
