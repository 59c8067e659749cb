"""Who wants no messages: said of contacts here, kept by comms-service, mirrored by address."""

from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from contracts.envelope import Envelope, event
from contracts.kit.clock import utc_now
from contracts.messages.comms import ConsentChanged, RecordConsent
from contracts.topics import COMMS_EVENTS, record_key
from integration.entity_service.harness import Harness, Tenant
from support.waiting import eventually

PHONE, EMAIL = "+49301234567", "client@example.org"
CLIENT = {"first_name": "Ada", "phones": [{"number": PHONE}], "emails": [{"address": "Client@Example.org"}]}


def recorded(tenant: Tenant, version: int, *, opted_out: bool, at: datetime, address: str = EMAIL) -> Envelope[Any]:
    """What comms-service publishes."""
    data = ConsentChanged(address=address, version=version, opted_out=opted_out, source="link", by="client", at=at)
    key = record_key(tenant.id, "address", uuid4())
    return event(data, source="comms-service", id=uuid4(), tenant=tenant.id, key=key, time=utc_now())


async def becomes(tenant: Tenant, contact: str, opted_out: bool) -> None:
    async def look() -> bool:
        return bool((await tenant.get(f"/v1/contacts/{contact}"))["opted_out"]) is opted_out

    await eventually(look, f"opted_out {opted_out}")


async def knows(tenant: Tenant, contact: str, *expected: tuple[str, bool]) -> None:
    async def look() -> bool:
        known = (await tenant.get(f"/v1/contacts/{contact}/consents"))["items"]
        return [(one["address"], one["opted_out"]) for one in known] == list(expected)

    await eventually(look, f"consents {expected}")


async def test_what_is_said_of_a_contact_is_shown_at_once_and_commanded_for_all_addresses(harness: Harness) -> None:
    tenant = await harness.tenant().open()
    contact = await tenant.post("/v1/contacts", CLIENT | {"opted_out": True})
    assert contact["opted_out"]
    command = (await tenant.events(RecordConsent))[0]
    assert (command.data.addresses, command.data.opted_out) == ((PHONE, EMAIL), True)
    assert (command.data.source, command.data.by) == ("contact", tenant.subject)
    again = await tenant.patch(f"/v1/contacts/{contact['id']}", {"opted_out": False})
    assert (again["opted_out"], again["opted_out_at"]) == (False, None)
    commands = await tenant.events(RecordConsent, 2)
    assert commands[1].data.opted_out is False
    assert commands[1].data.at > commands[0].data.at


async def test_addresses_that_are_added_to_a_contact_who_opted_out_are_opted_out(harness: Harness) -> None:
    tenant = await harness.tenant().open()
    contact = await tenant.post("/v1/contacts", {"first_name": "Ada", "opted_out": True})
    await tenant.patch(f"/v1/contacts/{contact['id']}", {"phones": [{"number": PHONE}]})
    command = (await tenant.events(RecordConsent))[0]
    assert (command.data.addresses, command.data.opted_out) == ((PHONE,), True)
    assert command.data.at == datetime.fromisoformat(contact["opted_out_at"])


async def test_an_opt_out_at_comms_service_reaches_every_contact_with_the_address(harness: Harness) -> None:
    tenant, other = await harness.tenant().open(), await harness.tenant().open()
    contact, other_tenant = [(await one.post("/v1/contacts", CLIENT))["id"] for one in (tenant, other)]
    said_at = utc_now()
    await harness.kafka_probe.publish(COMMS_EVENTS, recorded(tenant, 2, opted_out=True, at=said_at))
    await becomes(tenant, contact, True)
    assert (await tenant.post("/v1/contacts", CLIENT))["opted_out"]
    assert not (await other.get(f"/v1/contacts/{other_tenant}"))["opted_out"]
    shown = (await tenant.get(f"/v1/contacts/{contact}/consents"))["items"]
    assert [(one["address"], one["source"], one["by"]) for one in shown] == [(EMAIL, "link", "client")]
    await harness.kafka_probe.publish(COMMS_EVENTS, recorded(tenant, 1, opted_out=False, at=said_at))
    await harness.kafka_probe.publish(COMMS_EVENTS, recorded(tenant, 1, opted_out=True, at=said_at, address=PHONE))
    await knows(tenant, contact, (PHONE, True), (EMAIL, True))
    await harness.kafka_probe.publish(COMMS_EVENTS, recorded(tenant, 3, opted_out=False, at=utc_now()))
    await knows(tenant, contact, (PHONE, True), (EMAIL, False))
    assert (await tenant.get(f"/v1/contacts/{contact}"))["opted_out"]
    await harness.kafka_probe.publish(COMMS_EVENTS, recorded(tenant, 2, opted_out=False, at=utc_now(), address=PHONE))
    await becomes(tenant, contact, False)


async def test_the_later_word_counts_whichever_is_heard_first(harness: Harness) -> None:
    tenant = await harness.tenant().open()
    before = utc_now()
    contact = (await tenant.post("/v1/contacts", CLIENT | {"opted_out": True}))["id"]
    await harness.kafka_probe.publish(COMMS_EVENTS, recorded(tenant, 1, opted_out=False, at=before))
    await knows(tenant, contact, (EMAIL, False))
    assert (await tenant.get(f"/v1/contacts/{contact}"))["opted_out"]
    await harness.kafka_probe.publish(COMMS_EVENTS, recorded(tenant, 2, opted_out=False, at=utc_now()))
    await becomes(tenant, contact, False)
    await tenant.patch(f"/v1/contacts/{contact}", {"opted_out": True})
    assert (await tenant.patch(f"/v1/contacts/{contact}", {"opted_out": False}))["opted_out"] is False
    await harness.kafka_probe.publish(COMMS_EVENTS, recorded(tenant, 3, opted_out=True, at=before))
    await knows(tenant, contact, (EMAIL, True))
    assert not (await tenant.get(f"/v1/contacts/{contact}"))["opted_out"]


async def test_the_context_tells_rules_what_comms_service_may_not_have_heard_of(harness: Harness) -> None:
    tenant = await harness.tenant().open()
    contact = await tenant.post("/v1/contacts", CLIENT | {"opted_out": True})
    deal = await tenant.deal(contact_ids=[contact["id"]])
    body = {"items": [{"tenant_id": str(tenant.id), "item_id": deal["id"]}]}
    answer = (await harness.internal("POST", "/internal/contexts", json=body)).json()
    known = answer["tenants"][str(tenant.id)]["contacts"][contact["id"]]
    assert (known["opted_out"], known["opted_out_at"]) == (True, contact["opted_out_at"])


async def test_who_speaks_at_a_contact_corrects_what_a_clock_ahead_has_said(harness: Harness) -> None:
    tenant, ahead = await harness.tenant().open(), utc_now() + timedelta(hours=1)
    contact = (await tenant.post("/v1/contacts", CLIENT))["id"]
    await harness.kafka_probe.publish(COMMS_EVENTS, recorded(tenant, 1, opted_out=True, at=ahead))
    await becomes(tenant, contact, True)
    assert (await tenant.patch(f"/v1/contacts/{contact}", {"opted_out": False}))["opted_out"] is False
    (command,) = await tenant.events(RecordConsent)
    assert command.data.at > ahead, "comms-service, which orders words by their time, takes it for the later one"
