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
from entity_service.application.payment_links import by_account
from entity_service.domain.accounts import Account, AccountKind
from entity_service.domain.errors import NotFoundError


def router(service: Service, changes: Changes, vault: Vault) -> APIRouter:
    """Public routes: the token in the path says whose account it is about. 204 for repeats, too."""
    routes, limit = APIRouter(prefix="/hooks", tags=["providers"]), RateLimit(per_second=100, burst=200)

    async def record_payment(tx: Connection, account: Account, report: PaymentReport) -> None:
        payment = await store.payments.find(tx, account.tenant_id, report.payment_id)
        if payment is None or payment.account != account.code:
            raise NotFoundError(f"payment {report.payment_id}")
        actor = by_account(account.code)
        news, now = report.news(actor.by, actor.origin), service.clock()
        await changes.payments.record(tx, account.tenant_id, news, actor, reported_at=now)

    @routes.post("/payments/{token}", status_code=204, openapi_extra=_body_of(PaymentReport))
    async def report_payment(token: str, request: Request) -> Response:
        """Standard Webhooks: `webhook-id`, `webhook-timestamp`, `webhook-signature`."""
        limit.take(request)
        return await _taken(service, vault, request, ("payment", token), PaymentReport, record_payment)

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
    """Records a report. Archived accounts' reports still count: what was asked of them goes on."""
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
        await record(tx, account, _report(kind, body))
    return Response(status_code=204)


def _report[R: BaseModel](kind: type[R], body: bytes) -> R:
    try:
        return kind.model_validate_json(body)
    except ValidationError as error:
        pairs = [(where or "body", what) for where, what in issues_of(error, kind)[:MAX_ISSUES]]
        raise bad_input("this is no report", *pairs) from error


def _body_of(kind: type[BaseModel]) -> dict[str, Any]:
    content = {"application/json": {"schema": kind.model_json_schema()}}
    return {"requestBody": {"required": True, "content": content}}
