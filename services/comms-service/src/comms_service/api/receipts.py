"""`/public/receipts/sms`: the SMS provider says what became of a message. Signed, not authorised; it names no tenant.

Source: Standard Webhooks 1.0 (`webhook-id`, `webhook-timestamp` within five minutes, `webhook-signature`).
"""

from typing import Literal
from uuid import UUID

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ValidationError
from standardwebhooks import Webhook, WebhookVerificationError

from comms_service.application.statuses import Statuses
from comms_service.gateways.sms import RECEIPTS
from comms_service.store.messages import MessageStore
from contracts.inputs import Moment
from contracts.issues import issues_of
from contracts.kit import telemetry
from contracts.kit.database import Database
from contracts.kit.http import Problem, bad_input
from contracts.kit.limits import RateLimit
from contracts.kit.routes import found

MAX_BODY = 16_384


class Receipt(BaseModel):
    """`reference` is the message's id, as it was given to the provider."""

    reference: UUID
    status: Literal["delivered", "undelivered"]
    at: Moment


class Receipts:
    """Applies receipts. A status never goes backwards, so a repeated receipt changes nothing, whatever its id."""

    def __init__(self, database: Database, store: MessageStore, statuses: Statuses, secret: str) -> None:
        self._database = database
        self._store = store
        self._statuses = statuses
        self._webhook = Webhook(secret)

    async def take(self, request: Request) -> None:
        """Raises `Problem` 401 for a wrong signature, 422 for another shape, 404 without a message."""
        receipt = self._verify(await request.body(), request)
        async with self._database.delivery() as tx:
            tenant = await self._store.tenant_of(tx, receipt.reference)
        await self._apply(found(tenant, "message with this reference"), receipt)

    def _verify(self, body: bytes, request: Request) -> Receipt:
        try:
            self._webhook.verify(body, dict(request.headers), json_parse=False)
        except (WebhookVerificationError, ValueError) as error:
            raise Problem(401, "Unauthorized", "the receipt's signature or timestamp is not valid") from error
        try:
            return Receipt.model_validate_json(body)
        except ValidationError as error:
            raise bad_input("the receipt has the wrong shape", *issues_of(error, Receipt)) from error

    async def _apply(self, tenant: UUID, receipt: Receipt) -> None:
        async with self._database.transaction(tenant) as tx:
            message = await self._store.lock(tx, tenant, receipt.reference)
            if message is None:
                return
            telemetry.note(tenant_id=tenant, **message.ids)
            request = (telemetry.traceparent(),)
            name = f"receipt {receipt.status}"
            with telemetry.span(name, message.traceparent, since=message.created_at, links=request):
                await self._statuses.step(tx, message, receipt.status, at=receipt.at)


def router(receipts: Receipts, limit: RateLimit) -> APIRouter:
    routes = APIRouter(tags=["receipts"])

    @routes.post(RECEIPTS, status_code=204)
    async def take_receipt(request: Request) -> Response:
        """A signed delivery receipt; the same one again changes nothing."""
        limit.take(request)
        await receipts.take(request)
        return Response(status_code=204)

    return routes
