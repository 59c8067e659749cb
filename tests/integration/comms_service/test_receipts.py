"""Delivery receipts of the SMS provider: signed, once, never backwards."""

import asyncio
import json
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from standardwebhooks import Webhook

from comms_service.domain.messages import message_id
from integration.comms_service.harness import Shop
from support.waiting import eventually

PATH = "/public/receipts/sms"


def receipt(shop: Shop, sent: UUID, status: str = "undelivered", **changes: Any) -> dict[str, Any]:
    return {"reference": str(message_id(shop.tenant, sent)), "status": status, "at": "2030-01-01T00:00:00Z"} | changes


async def post(
    shop: Shop, body: dict[str, Any], *, id: str = "", secret: str = "", age: timedelta = timedelta()
) -> httpx.Response:
    """Posts a receipt as the provider would, or as somebody who does not know the secret."""
    text, id_, at = json.dumps(body), id or str(uuid4()), datetime.now(UTC) - age
    key = secret or shop.harness.settings.sms_receipt_secret.get_secret_value()
    signed = {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(key).sign(id_, at, text),
    }
    async with shop.client() as provider:
        return await provider.post(PATH, content=text, headers=signed)


@pytest.fixture
async def sent(shop: Shop) -> UUID:
    """The command of an SMS that was accepted and whose own receipt has come: delivered."""
    command = await shop.send("sms")
    await shop.reaches(command, "delivered")
    return command


async def history(shop: Shop, sent: UUID) -> list[str]:
    return [step["status"] for step in (await shop.message(sent))["history"]]


async def test_an_sms_that_did_not_arrive_is_undelivered(shop: Shop) -> None:
    await shop.harness.peers.sms.put("/mode", json={"behaviour": "undelivered", "times": 1})
    command = await shop.send("sms")
    await shop.reaches(command, "undelivered")
    assert await history(shop, command) == ["queued", "accepted", "undelivered"]


async def test_a_status_never_goes_backwards(shop: Shop, sent: UUID) -> None:
    assert (await post(shop, receipt(shop, sent, "undelivered"))).status_code == 204
    assert await history(shop, sent) == ["queued", "accepted", "delivered"]


async def test_the_same_receipt_again_is_taken_in_once(shop: Shop, sent: UUID) -> None:
    for _ in range(3):
        assert (await post(shop, receipt(shop, sent, "delivered"), id="receipt_1")).status_code == 204
    assert await history(shop, sent) == ["queued", "accepted", "delivered"]


async def test_an_id_that_a_receipt_of_one_message_had_says_nothing_of_another(shop: Shop) -> None:
    await shop.harness.peers.sms.put("/mode", json={"behaviour": "limit", "times": 2, "retry_after_s": 3600})
    held = [await shop.send("sms") for _ in range(2)]
    for command in held:
        await shop.attempts(command, ended=1)
        assert (await post(shop, receipt(shop, command, "delivered"), id="receipt_1")).status_code == 204
    assert [await history(shop, command) for command in held] == [["queued", "delivered"]] * 2


async def test_forged_and_old_receipts_are_refused(shop: Shop, sent: UUID) -> None:
    assert (await post(shop, receipt(shop, sent), secret="whsec_Zm9yZ2VkZm9yZ2VkZm9yZ2Vk")).status_code == 401
    assert (await post(shop, receipt(shop, sent), age=timedelta(minutes=6))).status_code == 401
    assert (await post(shop, receipt(shop, sent), age=timedelta(minutes=-6))).status_code == 401
    async with shop.client() as other_tenant:
        assert (await other_tenant.post(PATH, json=receipt(shop, sent))).status_code == 401
        bad = {"webhook-id": "1", "webhook-timestamp": "nan", "webhook-signature": "v1,%%% v1"}
        assert (await other_tenant.post(PATH, json=receipt(shop, sent), headers=bad)).status_code == 401


async def test_receipts_of_another_shape_or_size_are_refused(shop: Shop, sent: UUID) -> None:
    assert (await post(shop, receipt(shop, sent, "eaten"))).status_code == 422
    assert (await post(shop, receipt(shop, sent, at="yesterday"))).status_code == 422
    assert (await post(shop, receipt(shop, sent, padding="x" * 20_000))).status_code == 413
    assert (
        await post(shop, {"reference": str(uuid4()), "status": "delivered", "at": "2030-01-01T00:00:00Z"})
    ).status_code == 404


async def test_a_receipt_may_come_before_the_providers_own_answer(shop: Shop) -> None:
    shop.harness.peers.gate.open.clear()
    try:
        command = await shop.send("sms")
        await shop.reaches(command, "delivered")
        assert shop.harness.kafka_probe.answers(command) == []
    finally:
        shop.harness.peers.gate.open.set()
    await shop.harness.final(command)
    assert await history(shop, command) == ["queued", "delivered"]
    assert shop.harness.statuses(command) == ["delivered"]


async def test_a_caller_who_posts_too_fast_is_slowed_down_alone(shop: Shop, sent: UUID) -> None:
    elsewhere = httpx.AsyncHTTPTransport(local_address="127.0.0.2")
    async with httpx.AsyncClient(base_url=shop.harness.service_environment.url, transport=elsewhere) as other_tenant:

        async def slowed_down() -> bool:
            answers = await asyncio.gather(*(other_tenant.post(PATH, json={}) for _ in range(50)))
            assert {answer.status_code for answer in answers} <= {401, 429}
            return any(answer.status_code == 429 for answer in answers)

        await eventually(slowed_down, "429")
    assert (await post(shop, receipt(shop, sent))).status_code == 204
