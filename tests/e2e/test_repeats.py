"""What was refused may be corrected: from a provider's report through Kafka to the payment's owner."""

import json
from datetime import UTC, datetime
from typing import Any

import httpx
import pytest
from standardwebhooks import Webhook

from local_stack.demo.shop import Shop
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


def report(shop: Shop, payment: str, amount: int, id: str) -> str:
    """A provider's report that an amount was paid; the arrival's id."""
    body = {"payment_id": payment, "status": "paid", "amount": amount, "currency": "EUR", "reference": "bank-1"}
    content, at = json.dumps(body), datetime.now(UTC)
    headers = {
        "webhook-id": id,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(shop.stack.credentials.secrets.payment_secret).sign(id, at, content),
    }
    answer = httpx.post(shop.payment_callback, content=content, headers=headers)
    assert answer.status_code == 200, answer.text
    return str(answer.json()["arrival_id"])


def verdict(shop: Shop, arrival: str) -> Any:
    return shop.manager.get("trigger-service", f"/v1/arrivals/{arrival}")["verdict"]


def test_a_report_with_the_right_amount_is_recorded_after_one_with_a_wrong_one(shop: Shop) -> None:
    deal = shop.manager.post("entity-service", "/v1/items", {"kind": "deal", "title": "Oak table"})["id"]
    due = {"amount": {"amount": 5000, "currency": "EUR"}}
    payment = shop.manager.post("entity-service", f"/v1/items/{deal}/invoices", due)["payment_id"]
    wrong = report(shop, payment, 4000, "one")
    until(lambda: verdict(shop, wrong) == "refused", "the wrong amount to be refused")
    right = report(shop, payment, 5000, "two")
    until(lambda: verdict(shop, right) == "recorded", "the right amount to be recorded")
    assert shop.manager.get("entity-service", f"/v1/payments/{payment}")["status"] == "paid"
    assert report(shop, payment, 5000, "three") == right
