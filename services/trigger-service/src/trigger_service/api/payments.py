"""`/hooks/payments/{token}`: what payment providers report, signed."""

from fastapi import APIRouter, Request, Response
from pydantic import ValidationError

from contracts.issues import issues_of
from contracts.kit.database import Database
from contracts.kit.http import MAX_ISSUES, Problem, bad_input, json_response, not_found
from contracts.kit.signatures import is_signed
from contracts.kit.vault import Vault
from contracts.reports import PaymentReport
from trigger_service.api.hooks import Accepted, body_of, key_of
from trigger_service.api.places import find_place
from trigger_service.intake.payments import Payments
from trigger_service.store import payment_providers


def router(database: Database, intake: Payments, vault: Vault) -> APIRouter:
    """A public route: the token in the path says whose it is."""
    routes = APIRouter(prefix="/hooks", tags=["hooks"])

    @routes.post("/payments/{token}", response_model=Accepted, openapi_extra=body_of(PaymentReport.model_json_schema()))
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
            arrival = await intake.take(tx, place.tenant, provider, key_of(request, "webhook-id"), _report(body))
        return json_response(Accepted(arrival_id=arrival))

    return routes


def _report(body: bytes) -> PaymentReport:
    try:
        return PaymentReport.model_validate_json(body)
    except ValidationError as error:
        pairs = [(where or "body", what) for where, what in issues_of(error, PaymentReport)[:MAX_ISSUES]]
        raise bad_input("this is no payment report", *pairs) from error
