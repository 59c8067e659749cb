"""`/hooks/payments/{token}` and `/hooks/carriers/{token}`: what providers report, signed with the account's secret."""

from collections.abc import Awaitable, Callable
from typing import Any

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, ValidationError

from contracts.issues import issues_of
from contracts.kit import telemetry
from contracts.kit.database import Connection
from contracts.kit.http import MAX_ISSUES, Problem, bad_input, not_found
from contracts.kit.limits import RateLimit
from contracts.kit.service import Service
from contracts.kit.signatures import is_signed
from contracts.kit.vault import Vault
from contracts.reports import PaymentReport, ShipmentReport
from entity_service import store
from entity_service.api.accounts import token_hash
from entity_service.application import Changes
from entity_service.domain.accounts import Account, AccountKind


def router(service: Service, changes: Changes, vault: Vault) -> APIRouter:
    """Public routes: the token in the path says whose account it is about. 204 for repeats, too."""
    routes, limit = APIRouter(prefix="/hooks", tags=["providers"]), RateLimit(per_second=100, burst=200)

    @routes.post("/payments/{token}", status_code=204, openapi_extra=_body_of(PaymentReport))
    async def report_payment(token: str, request: Request) -> Response:
        """Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`."""
        limit.take(request)
        return await _taken(service, vault, request, ("payment", token), PaymentReport, changes.payments.report)

    @routes.post("/carriers/{token}", status_code=204, openapi_extra=_body_of(ShipmentReport))
    async def report_shipment(token: str, request: Request) -> Response:
        """Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`."""
        limit.take(request)
        return await _taken(service, vault, request, ("carrier", token), ShipmentReport, changes.shipments.report)

    return routes


async def _taken[R: BaseModel](  # noqa: PLR0913 - who says what about which account, and what is done then
    service: Service,
    vault: Vault,
    request: Request,
    address: tuple[AccountKind, str],
    kind: type[R],
    record: Callable[[Connection, Account, R], Awaitable[None]],
) -> Response:
    """Records a report once. Archived accounts' reports still count: what was asked of them goes on.

    Its `webhook-id` is remembered longer than a signature is believed, so what was overheard is not said again.
    """
    body = await request.body()
    async with service.database.delivery() as tx:
        tenant = await store.accounts.tenant_of(tx, token_hash(address[1]))
    if tenant is None:
        raise not_found("such address")
    telemetry.note(tenant_id=tenant)
    async with service.database.transaction(tenant) as tx:
        account = await store.accounts.of_token(tx, tenant, *address)
        if account is None:
            raise not_found("such address")
        if not is_signed(vault.open(account.secret), request.headers, body):
            raise Problem(401, "Unauthorized", "the signature is missing, wrong, or older than five minutes")

    async def do(tx: Connection) -> Response:
        await record(tx, account, _report(kind, body))
        return Response(status_code=204)

    subject = f"{account.kind}:{account.code}"
    return await service.idempotency.once(request, tenant=tenant, subject=subject, do=do, header="webhook-id")


def _report[R: BaseModel](kind: type[R], body: bytes) -> R:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        pairs = [(where or "body", what) for where, what in issues_of(error, kind)[:MAX_ISSUES]]
        raise bad_input("this is no report", *pairs) from error


def _body_of(kind: type[BaseModel]) -> dict[str, Any]:
    content = {"application/json": {"schema": kind.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}
