"""Payment callbacks: only who signs is heard, and what is said twice is done once."""

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from contracts.kit.clock import new_id
from contracts.messages.entity_commands import RecordPayment
from contracts.messages.results import CommandDone, CommandRefused
from integration.trigger_service.harness import SECRET, Harness, Tenant

OTHER_SECRET = "whsec_YW5vdGhlci1zZWNyZXQtb2Ytc29tZWJvZHktZWxzZQ=="


async def provider(tenant: Tenant) -> str:
    path: str = (await tenant.put("payment-providers/acme", {"name": "Acme", "secret": SECRET}))["path"]
    return path


def report(payment: UUID | None = None, **changes: Any) -> dict[str, Any]:
    body = {"payment_id": str(payment or new_id()), "status": "paid", "amount": 5000, "currency": "EUR"}
    return {**body, "paid_at": "2026-03-02T09:00:00Z", "reference": "acme-1", **changes}


async def test_a_signed_report_becomes_a_command_and_its_verdict_follows(harness: Harness) -> None:
    tenant = harness.tenant()
    payment = new_id()
    response = await tenant.report(await provider(tenant), report(payment))
    assert response.status_code == 200
    command = (await tenant.said(RecordPayment))[0]
    assert (command.data.payment_id, command.data.status) == (payment, "paid")
    assert (command.data.amount.amount, command.data.provider_reference) == (5000, "acme-1")
    done = CommandDone(command_id=command.command_id, outputs={"status": "paid", "changed": True})
    await harness.answer(command, done)
    arrival = await tenant.verdict(response.json()["arrival_id"], "recorded")
    assert arrival["reason"] == "the payment is recorded as paid"


async def test_a_report_repeated_with_the_same_or_another_webhook_id_is_one_command(harness: Harness) -> None:
    tenant = harness.tenant()
    path, body = await provider(tenant), report()
    answers = [await tenant.report(path, body, id=id) for id in ("one", "one", "two")]
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    assert len({answer.json()["arrival_id"] for answer in answers}) == 1
    await tenant.report(path, {**body, "status": "refunded"})
    commands = await tenant.said(RecordPayment, 2)
    assert [command.data.status for command in commands] == ["paid", "refunded"]
    assert sorted(arrival["verdict"] for arrival in await tenant.arrivals()) == ["duplicate", "pending", "pending"]


async def test_a_corrected_report_is_heard_and_so_is_a_refused_one_sent_again(harness: Harness) -> None:
    tenant = harness.tenant()
    path, wrong = await provider(tenant), report(amount=4000)
    refused = (await tenant.report(path, wrong, id="one")).json()["arrival_id"]
    command = (await tenant.said(RecordPayment))[0]
    await harness.answer(command, CommandRefused(command_id=command.command_id, reason="the amount differs"))
    await tenant.verdict(refused, "refused")
    again = await tenant.report(path, wrong, id="one")
    corrected = await tenant.report(path, {**wrong, "amount": 5000}, id="two")
    ids = {refused, again.json()["arrival_id"], corrected.json()["arrival_id"]}
    assert len(ids) == 3
    commands = await tenant.said(RecordPayment, 3)
    assert [command.data.amount.amount for command in commands] == [4000, 4000, 5000]
    assert len({command.command_id for command in commands}) == 3


async def test_a_webhook_id_with_another_report_is_refused_unless_the_first_one_came_to_nothing(
    harness: Harness,
) -> None:
    tenant = harness.tenant()
    path, wrong = await provider(tenant), report(amount=4000)
    right = {**wrong, "amount": 5000}
    first = (await tenant.report(path, wrong, id="one")).json()["arrival_id"]
    early = await tenant.report(path, right, id="one")
    assert (early.status_code, early.headers["retry-after"]) == (409, "5")
    assert first in early.json()["detail"]
    command = (await tenant.said(RecordPayment))[0]
    await harness.answer(command, CommandRefused(command_id=command.command_id, reason="the amount differs"))
    await tenant.verdict(first, "refused")
    taken = (await tenant.report(path, right, id="one")).json()["arrival_id"]
    command = (await tenant.said(RecordPayment, 2))[1]
    await harness.answer(
        command, CommandDone(command_id=command.command_id, outputs={"status": "paid", "changed": True})
    )
    await tenant.verdict(taken, "recorded")
    assert (await tenant.report(path, right, id="one")).json()["arrival_id"] == taken
    reused = await tenant.report(path, {**right, "status": "refunded"}, id="one")
    assert (reused.status_code, reused.json()["errors"][0]["what"]) == (422, "take a new one for another content")
    assert len(await tenant.said(RecordPayment, 2)) == 2


@pytest.mark.parametrize(
    "how", [{"secret": OTHER_SECRET}, {"age": timedelta(minutes=10)}, {"age": timedelta(minutes=-10)}]
)
async def test_a_forged_or_old_signature_is_refused(harness: Harness, how: dict[str, Any]) -> None:
    tenant = harness.tenant()
    response = await tenant.report(await provider(tenant), report(), **how)
    assert response.status_code == 401
    assert await tenant.arrivals() == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-id": "a", "webhook-timestamp": "soon", "webhook-signature": "v1,AAAA"},
        {"webhook-id": "a", "webhook-timestamp": "1", "webhook-signature": "nonsense"},
    ],
)
async def test_malformed_signature_headers_are_refused(harness: Harness, headers: dict[str, str]) -> None:
    tenant = harness.tenant()
    path = await provider(tenant)
    assert (await tenant.call("POST", path, role=None, json=report(), headers=headers)).status_code == 401


async def test_a_signed_body_that_is_no_report_is_explained(harness: Harness) -> None:
    tenant = harness.tenant()
    response = await tenant.report(await provider(tenant), report(status="perhaps", currency="euro"))
    assert response.status_code == 422
    assert {error["where"] for error in response.json()["errors"]} == {"status", "currency"}


async def test_the_secret_is_never_answered_and_stays_when_it_is_left_out(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await provider(tenant)
    replaced = await tenant.call("PUT", "/v1/payment-providers/acme", json={"name": "Acme Pay"})
    listed = await tenant.call("GET", "/v1/payment-providers")
    assert replaced.json() == listed.json()["items"][0]
    assert replaced.json() == {"code": "acme", "name": "Acme Pay", "archived": False, "path": path}
    assert (await tenant.report(path, report())).status_code == 200
    kept = await harness.service_environment.sql("SELECT secret FROM payment_providers WHERE tenant_id = $1", tenant.id)
    assert SECRET.removeprefix("whsec_") not in kept[0]["secret"]
    weak = await tenant.call("PUT", "/v1/payment-providers/weak", json={"name": "Weak", "secret": "whsec_AAAA"})
    assert weak.status_code == 422
    assert "AAAA" not in weak.text


async def test_an_archived_provider_is_not_heard(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await provider(tenant)
    await tenant.call("PUT", "/v1/payment-providers/acme", json={"name": "Acme", "archived": True})
    assert (await tenant.report(path, report())).status_code == 404
