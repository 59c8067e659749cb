"""Visitors: who is known again, and what a known client newly tells."""

from typing import Any

from contracts.messages.entity_commands import (
    CreateItem,
)
from contracts.messages.entity_events import ItemCreated
from contracts.values import PersonInput
from integration.entity_service.harness import Tenant


def visitor(phone: str | None, email: str | None = None) -> CreateItem:
    person = PersonInput(first_name="Anna", phone=phone, email=email)
    return CreateItem(kind="deal", title="Oak table", person=person, actor="intake", origin="intake")


async def test_a_visitor_is_known_again_by_phone_or_address(shop: Tenant) -> None:
    first = await shop.done(visitor("+49 30 123456", "Anna@Example.com"))
    by_phone = await shop.done(visitor("0049 30 12 34 56"))
    by_email = await shop.done(visitor(None, "anna@example.com"))
    other_tenant = await shop.done(visitor("+49 30 654321"))

    assert [one["duplicate"] for one in (first, by_phone, by_email, other_tenant)] == [False, True, True, False]
    assert first["contact_id"] == by_phone["contact_id"] == by_email["contact_id"] != other_tenant["contact_id"]
    created = (await shop.events(ItemCreated, 4))[0].data
    assert created.origin == "intake"
    assert [str(id) for id in created.item.contact_ids] == [first["contact_id"]]


async def test_what_a_known_client_newly_tells_is_kept(shop: Tenant) -> None:
    first = await shop.done(visitor("+49 30 123456", "anna@example.com"))
    again = CreateItem(
        kind="deal",
        title="Chair",
        person=PersonInput(first_name="Anne", phone="0049 30 65 43 21", email="Anna@Example.com"),
        actor="form:order",
        origin="intake",
    )
    second, third = await shop.done(again), await shop.done(again)

    assert (second["duplicate"], second["contact_id"]) == (True, first["contact_id"])
    contact = await shop.get(f"/v1/contacts/{first['contact_id']}")
    assert [phone["number"] for phone in contact["phones"]] == ["+4930123456", "+4930654321"]
    assert (contact["first_name"], contact["phone"]) == ("Anna", "+4930123456")
    assert await notes(shop, second) == [
        "New from the client: phone +4930654321 (added to the contact); name Anne (the contact keeps its name)"
    ]
    assert await notes(shop, third) == ["New from the client: name Anne (the contact keeps its name)"]


async def test_an_address_is_not_added_where_several_contacts_come_into_question(shop: Tenant) -> None:
    one, other = await shop.done(visitor("+49 30 123456")), await shop.done(visitor(None, "anna@example.com"))
    third = await shop.done(visitor("+49 30 123456", "anna@example.com"))

    assert third["contact_id"] == one["contact_id"] != other["contact_id"]
    assert (await shop.get(f"/v1/contacts/{one['contact_id']}"))["emails"] == []
    assert await notes(shop, third) == ["New from the client: e-mail anna@example.com (not added to the contact)"]


async def notes(shop: Tenant, outputs: dict[str, Any]) -> list[str]:
    entries = (await shop.get(f"/v1/items/{outputs['item_id']}/timeline"))["items"]
    return [entry["text"] for entry in entries if entry["kind"] == "history"]


async def test_a_visitor_s_name_is_kept_on_one_line_or_refused(shop: Tenant) -> None:
    body = visitor("+49 30 123456").model_copy(update={"person": PersonInput(first_name="An\tna", last_name="M\x96")})
    assert "person.last_name: contains the control character U+0096 as character 2" in await shop.refused(body)
    kept = await shop.done(body.model_copy(update={"person": PersonInput(first_name="An\tna", last_name="Mu\u0308")}))
    assert (await shop.get(f"/v1/contacts/{kept['contact_id']}"))["name"] == "An na Mü"


async def test_one_creation_sent_twice_creates_one_item_and_one_contact(shop: Tenant) -> None:
    order = shop.order(visitor("+49 30 123456"))

    await shop.harness.send(order, order)
    first, second = await shop.results(order.command_id, 2)

    assert first == second
    assert len((await shop.get("/v1/items"))["items"]) == 1
    assert len((await shop.get("/v1/contacts"))["items"]) == 1


async def test_a_visitor_without_a_possible_number_is_refused_without_repeating_it(shop: Tenant) -> None:
    reason = await shop.refused(visitor("12 34"))

    assert reason == "person.phone: write the phone number with + and the country code"
    assert (await shop.get("/v1/items"))["items"] == []
