"""Reports of payments: only who signs is heard, what is said twice is done once, nobody speaks for another account."""

import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest
from pydantic import SecretStr

from contracts.kit.clock import utc_now
from contracts.kit.signatures import signature
from contracts.messages.entity_events import PaymentChanged, StageChanged
from integration.entity_service.harness import Tenant

SECRET = "whsec_c3RhZ2V3cmlnaHQtaW50ZWdyYXRpb24tdGVzdHM="
OTHER_SECRET = "whsec_YW5vdGhlci1zZWNyZXQtb2Ytc29tZWJvZHktZWxzZQ=="
BANK = {"name": "The bank", "secret": SECRET}
EUR_100 = {"amount": 10000, "currency": "EUR"}


async def bank_of(shop: Tenant, code: str = "bank", **more: Any) -> str:
    """Where a new account reports: one that is asked for nothing."""
    url: str = (await shop.put(f"/v1/payment-accounts/{code}", BANK | more))["callback_url"]
    return url


async def invoice_of(shop: Tenant) -> tuple[dict[str, Any], dict[str, Any]]:
    deal = await shop.deal(amount=EUR_100)
    return deal, await shop.post(f"/v1/items/{deal['id']}/invoices", {})


def report(made: dict[str, Any], status: str = "paid", **changes: Any) -> dict[str, Any]:
    return {"payment_id": made["payment_id"], "status": status, "reference": "b-1", **EUR_100, **changes}


async def tell(shop: Tenant, url: str, body: dict[str, Any], **how: Any) -> httpx.Response:
    """A provider's call: `id`, `age` of the signature and `secret` can be chosen."""
    content = orjson.dumps(body).decode()
    at = utc_now() - how.get("age", timedelta(0))
    headers = signature(SecretStr(how.get("secret", SECRET)), how.get("id") or str(uuid4()), content, at)
    return await shop.harness.http.post(url, content=content, headers=headers)


async def status_of(shop: Tenant, made: dict[str, Any]) -> Any:
    return (await shop.get(f"/v1/payments/{made['payment_id']}"))["status"]


async def test_a_paid_invoice_is_won_and_published_about_its_deal_once(shop: Tenant) -> None:
    url = await bank_of(shop)
    deal, made = await invoice_of(shop)

    answers = [await tell(shop, url, report(made, status)) for status in ("paid", "paid", "pending")]

    assert [answer.status_code for answer in answers] == [204, 204, 204]
    paid = (await shop.events(PaymentChanged, 2))[1].data
    assert (str(paid.item_id), str(paid.invoice_id)) == (deal["id"], made["invoice"]["id"])
    assert (paid.previous, paid.status) == ("pending", "paid")
    moved = (await shop.events(StageChanged, 3))[2].data
    assert (str(moved.item.id), moved.to_stage) == (made["invoice"]["id"], "won")
    assert len(shop.heard(PaymentChanged)) == 2


async def test_a_call_that_comes_again_however_late_or_at_the_same_moment_is_one(shop: Tenant) -> None:
    url = await bank_of(shop)
    _, made = await invoice_of(shop)

    answers = await asyncio.gather(*(tell(shop, url, report(made), id="one") for _ in range(3)))
    assert [answer.status_code for answer in answers] == [204, 204, 204]
    assert (await tell(shop, url, report(made, "refunded"), id="two")).status_code == 204
    again = await tell(shop, url, report(made), id="one")

    assert (again.status_code, again.headers["idempotent-replayed"]) == (204, "true")
    assert await status_of(shop, made) == "refunded"
    assert [one.data.status for one in await shop.events(PaymentChanged, 3)] == ["pending", "paid", "refunded"]


async def test_a_webhook_id_is_free_until_it_had_its_effect_and_then_for_one_content(shop: Tenant) -> None:
    url = await bank_of(shop)
    _, made = await invoice_of(shop)

    wrong = await tell(shop, url, report(made, amount=1), id="one")
    assert (wrong.status_code, "differs" in wrong.json()["detail"]) == (409, True)
    assert await status_of(shop, made) == "pending"
    assert (await tell(shop, url, report(made), id="one")).status_code == 204
    reused = await tell(shop, url, report(made, "refunded"), id="one")

    assert (reused.status_code, reused.json()["errors"][0]["where"]) == (422, "webhook-id")
    assert await status_of(shop, made) == "paid"


async def test_an_account_speaks_for_its_own_links_and_for_what_nobody_was_asked_for(shop: Tenant) -> None:
    mine, other = await bank_of(shop), await bank_of(shop, "other")
    _, made = await invoice_of(shop)
    environment = shop.harness.service_environment
    by_link = {"payment_id": str(uuid4())}
    await environment.sql(
        """INSERT INTO payments (tenant_id, id, invoice_id, status, amount, currency, account, created_at, updated_at)
           SELECT tenant_id, $2, invoice_id, status, amount, currency, 'bank', created_at, updated_at
           FROM payments WHERE id = $1""",
        UUID(made["payment_id"]),
        UUID(by_link["payment_id"]),
    )

    answers = [await tell(shop, url, report(one)) for one in (made, by_link) for url in (other, mine)]

    assert [answer.status_code for answer in answers] == [204, 204, 404, 204]


@pytest.mark.parametrize(
    "how", [{"secret": OTHER_SECRET}, {"age": timedelta(minutes=10)}, {"age": timedelta(minutes=-10)}]
)
async def test_a_forged_or_old_signature_is_refused(shop: Tenant, how: dict[str, Any]) -> None:
    url = await bank_of(shop)
    _, made = await invoice_of(shop)
    assert (await tell(shop, url, report(made), **how)).status_code == 401
    assert await status_of(shop, made) == "pending"


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-id": "a", "webhook-timestamp": "soon", "webhook-signature": "v1,AAAA"},
        {"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "nonsense"},
    ],
)
async def test_malformed_signature_headers_are_refused(shop: Tenant, headers: dict[str, str]) -> None:
    url = await bank_of(shop)
    body = report({"payment_id": str(uuid4())})
    assert (await shop.harness.http.post(url, json=body, headers=headers)).status_code == 401


async def test_a_signed_body_that_is_no_report_is_explained(shop: Tenant) -> None:
    body = report({"payment_id": str(uuid4())}, "perhaps", currency="euro")
    response = await tell(shop, await bank_of(shop), body)
    assert response.status_code == 422
    assert {error["where"] for error in response.json()["errors"]} == {"status", "currency"}


async def test_an_archived_account_is_still_heard_and_its_secret_stays_when_it_is_left_out(shop: Tenant) -> None:
    url = await bank_of(shop)
    _, made = await invoice_of(shop)

    replaced = await shop.put("/v1/payment-accounts/bank", {"name": "Bank", "archived": True})

    assert replaced == {"code": "bank", "name": "Bank", "provider": None, "archived": True, "callback_url": url}
    assert (await tell(shop, url, report(made))).status_code == 204
    kept = await shop.harness.service_environment.sql("SELECT secret FROM accounts WHERE tenant_id = $1", shop.id)
    assert SECRET.removeprefix("whsec_") not in kept[0]["secret"]
    weak = await shop.ask("PUT", "/v1/payment-accounts/weak", {"name": "Weak", "secret": "whsec_AAAA"})
    assert (weak.status_code, "AAAA" in weak.text) == (422, False)


async def test_a_carrier_names_the_provider_that_is_asked(shop: Tenant) -> None:
    answer = await shop.ask("PUT", "/v1/carriers/courier", BANK)
    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "provider")


async def test_an_invoice_that_was_paid_stays_when_its_deal_goes(shop: Tenant) -> None:
    url = await bank_of(shop)
    deal, made = await invoice_of(shop)
    await tell(shop, url, report(made))

    kept = await shop.ask("DELETE", f"/v1/items/{made['invoice']['id']}")
    await shop.ask("DELETE", f"/v1/items/{deal['id']}")

    assert kept.status_code == 409
    assert (await shop.get(f"/v1/payments/{made['payment_id']}"))["deal_id"] is None
