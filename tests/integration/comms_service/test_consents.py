"""Consent to messages: what clients and colleagues said of an address counts for every message to it."""

from datetime import datetime, timedelta

from comms_service.domain.messages import message_id
from contracts.kit.clock import utc_now
from contracts.messages.comms import ConsentChanged, RecordConsent
from contracts.messages.results import CommandDone, CommandRefused
from integration.comms_service.harness import EMAIL, PHONE, Shop


async def test_a_client_who_opted_out_gets_nothing(shop: Shop) -> None:
    async with shop.client("agent") as agent:
        assert (await agent.put("/v1/opt-outs/CLIENT@Example.org", json={})).is_success
    sent = await shop.send("email")
    assert await shop.harness.final(sent) == CommandRefused(command_id=sent, reason="opted out")
    assert await shop.mails(sent) == []
    assert shop.harness.statuses(sent) == ["refused"]
    async with shop.client("agent") as agent:
        assert (await agent.put(f"/v1/opt-outs/{EMAIL}", json={"opted_out": False})).is_success
    assert isinstance(await shop.harness.final(await shop.send("email")), CommandDone)


def consent(*addresses: str, opted_out: bool = True, at: datetime) -> RecordConsent:
    return RecordConsent(addresses=addresses, opted_out=opted_out, source="contact", by="anna", at=at)


async def test_consent_that_is_commanded_counts_for_all_addresses_and_the_later_word_stays(shop: Shop) -> None:
    early, late = utc_now() - timedelta(minutes=2), utc_now() - timedelta(minutes=1)
    recorded = await shop.command(consent(PHONE, "CLIENT@Example.org", at=late))
    assert await shop.harness.final(recorded) == CommandDone(command_id=recorded)
    for kind in ("sms", "email"):
        sent = await shop.send(kind)
        assert await shop.harness.final(sent) == CommandRefused(command_id=sent, reason="opted out")
    await shop.harness.final(await shop.command(consent(PHONE, opted_out=False, at=early)))
    async with shop.client("agent") as agent:
        known = (await agent.get(f"/v1/opt-outs/{PHONE}")).json()
    assert (known["opted_out"], known["version"]) == (True, 1)
    assert (known["source"], known["updated_by"]) == ("contact", "anna")
    events = await shop.harness.kafka_probe.hears(shop.tenant, ConsentChanged, 2)
    assert {(one.data.address, one.data.version, one.data.opted_out) for one in events} == {
        (PHONE, 1, True),
        (EMAIL, 1, True),
    }


async def test_a_person_corrects_what_a_clock_ahead_has_dated(shop: Shop) -> None:
    ahead = utc_now() + timedelta(hours=1)
    await shop.harness.final(await shop.command(consent(PHONE, at=ahead)))
    async with shop.client("agent") as agent:
        put = await agent.put(f"/v1/opt-outs/{PHONE}", json={"opted_out": False})
    assert put.status_code == 200
    assert (put.json()["version"], datetime.fromisoformat(put.json()["updated_at"]) > ahead) == (2, True)
    for said_at in (None, ahead):
        assert isinstance(await shop.harness.final(await shop.send("sms", opted_out_at=said_at)), CommandDone)


async def test_a_message_that_overtakes_the_opt_out_is_refused_unless_consent_came_later(shop: Shop) -> None:
    said_at = utc_now()
    sent = await shop.send("sms", opted_out_at=said_at)
    assert await shop.harness.final(sent) == CommandRefused(command_id=sent, reason="opted out")
    assert await shop.sms(sent) == []
    async with shop.client("agent") as agent:
        assert (await agent.put(f"/v1/opt-outs/{PHONE}", json={"opted_out": False})).is_success
    assert isinstance(await shop.harness.final(await shop.send("sms", opted_out_at=said_at)), CommandDone)


async def test_a_client_who_opts_out_while_a_message_waits_does_not_get_it(shop: Shop) -> None:
    await shop.harness.peers.sms.put("/mode", json={"behaviour": "limit", "times": 1, "retry_after_s": 3600})
    sent = await shop.send("sms")
    await shop.attempts(sent, ended=1)
    async with shop.client("agent") as agent:
        await agent.put(f"/v1/opt-outs/{PHONE}", json={})
    await shop.harness.service_environment.sql(
        "UPDATE work SET run_at = now() WHERE id = $1", message_id(shop.tenant, sent)
    )
    assert await shop.harness.final(sent) == CommandRefused(command_id=sent, reason="opted out")
    assert await shop.sms(sent) == []
