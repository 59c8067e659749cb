"""How many messages one address gets in a day, and how many channels a tenant may have."""

import httpx

from contracts.messages.results import CommandDone, CommandRefused
from integration.comms_service.harness import Shop
from support.quotas import allow


async def test_one_address_gets_so_many_messages_a_day_and_others_go_on(shop: Shop) -> None:
    service_environment = shop.harness.service_environment
    async with httpx.AsyncClient() as http:
        await allow(http, service_environment, shop.tenant, "messages_per_recipient_and_day", 2)
        for _ in range(2):
            assert isinstance(await shop.harness.final(await shop.send("sms")), CommandDone)

        refused = await shop.send("sms")
        assert await shop.harness.final(refused) == CommandRefused(
            command_id=refused,
            reason="quota messages_per_recipient_and_day: at most 2 messages to one address within 24 hours; "
            "those who run this installation can raise it",
        )
        assert await shop.sms(refused) == []
        assert isinstance(await shop.harness.final(await shop.send("sms", to="+49 30 901821")), CommandDone)
        aged = "UPDATE messages SET created_at = created_at - interval '1 day' WHERE tenant_id = $1"
        await service_environment.sql(aged, shop.tenant)
        assert isinstance(await shop.harness.final(await shop.send("sms")), CommandDone)


async def test_an_sms_has_so_many_parts(shop: Shop) -> None:
    async with httpx.AsyncClient() as http:
        await allow(http, shop.harness.service_environment, shop.tenant, "parts_per_sms", 2)
        refused = await shop.send("sms", text="д" * 135)
        assert await shop.harness.final(refused) == CommandRefused(
            command_id=refused,
            reason="the SMS has 3 parts: shorten it (quota parts_per_sms: at most 2 parts of one SMS; "
            "those who run this installation can raise it)",
        )
        assert isinstance(await shop.harness.final(await shop.send("sms", text="д" * 134)), CommandDone)


async def test_a_tenant_may_be_allowed_a_longer_sms_than_others(shop: Shop) -> None:
    async with httpx.AsyncClient() as http:
        await allow(http, shop.harness.service_environment, shop.tenant, "parts_per_sms", 12)
        sent = await shop.send("sms", text="a" * 12 * 153)
    assert isinstance(await shop.harness.final(sent), CommandDone)
    assert [one["parts"] for one in await shop.sms(sent)] == [12]


async def test_channels_are_counted_and_those_that_there_are_can_be_changed(shop: Shop) -> None:
    texts = {"kind": "sms", "name": "Texts", "default": True}
    async with httpx.AsyncClient() as http, shop.client("author") as author:
        await allow(http, shop.harness.service_environment, shop.tenant, "channels", 2)
        refused = await author.put("/v1/channels/more", json=texts)
        assert (refused.status_code, "quota channels: at most 2" in refused.json()["detail"]) == (409, True)
        assert (await author.put("/v1/channels/texts", json=texts)).is_success
