"""Links between items over commands: what they show, copies, and what is done to the items that are linked."""

from collections.abc import Mapping, Sequence
from itertools import cycle, product
from typing import Any
from uuid import UUID, uuid4

from contracts.messages.client_commands import CreateCompany, CreateContact, UpdateCompany, UpdateContacts
from contracts.messages.entity_commands import CopyItem, CreateFollowUp, FieldAssignment
from contracts.messages.entity_events import FieldsChanged, ItemDeleted, PaymentChanged, StageChanged
from contracts.messages.link_commands import (
    ConvertItem,
    DeleteItem,
    DeleteLinkedItems,
    LinkItems,
    ReadItem,
    SetParentItem,
    UnlinkItems,
    UpdateLinkedItems,
)
from integration.entity_service.harness import Tenant


def about[C](item: dict[str, Any], command: type[C], **more: Any) -> C:
    return command.model_validate({"item_id": item["id"], "actor": "rule:it", **more})  # type: ignore[attr-defined, no-any-return]


async def links(shop: Tenant, item: dict[str, Any]) -> list[tuple[str, str, str]]:
    found = (await shop.get(f"/v1/items/{item['id']}/links"))["items"]
    return [(one["relation"], one["direction"], one["title"]) for one in found]


async def test_a_link_shows_at_both_items_and_is_made_once(shop: Tenant) -> None:
    oak, ash = await shop.deal(title="Oak"), await shop.deal(title="Ash")

    assert await shop.done(about(oak, LinkItems, other_id=ash["id"])) == {"linked": True}
    assert await shop.done(about(ash, LinkItems, other_id=oak["id"])) == {"linked": False}
    assert [(await links(shop, oak))[0][2], (await links(shop, ash))[0][2]] == ["Ash", "Oak"]
    assert "not linked with itself" in await shop.refused(about(oak, LinkItems, other_id=oak["id"]))
    assert "there is no item" in await shop.refused(about(oak, LinkItems, other_id=uuid4()))

    assert await shop.done(about(ash, UnlinkItems, other_kind="lead")) == {"unlinked": 0}
    assert await shop.done(about(ash, UnlinkItems)) == {"unlinked": 1}
    assert await links(shop, oak) == []


async def test_an_item_has_one_parent_and_is_never_its_own_ancestor(shop: Tenant) -> None:
    top, middle, bottom = [await shop.deal(title=title) for title in ("Top", "Middle", "Bottom")]
    await shop.done(about(middle, SetParentItem, parent_id=top["id"]))
    await shop.done(about(bottom, SetParentItem, parent_id=middle["id"]))

    assert "lies below it" in await shop.refused(about(top, SetParentItem, parent_id=bottom["id"]))
    assert "is the item itself" in await shop.refused(about(top, SetParentItem, parent_id=top["id"]))
    await shop.done(about(bottom, SetParentItem, parent_id=top["id"]))
    assert await links(shop, bottom) == [("child", "from", "Top")]
    await shop.done(about(bottom, SetParentItem, parent_id=None))
    assert await links(shop, bottom) == []


async def test_two_items_may_be_linked_in_several_ways(shop: Tenant) -> None:
    item = await shop.deal()
    copy = (await shop.done(about(item, CopyItem, pipeline="sales")))["item_id"]
    await shop.done(about({"id": copy}, SetParentItem, parent_id=item["id"]))

    assert {one[0] for one in await links(shop, item)} == {"copy", "child"}
    first = await shop.get(f"/v1/items/{item['id']}/links?limit=1")
    second = await shop.get(f"/v1/items/{item['id']}/links?limit=1&cursor={first['next_cursor']}")
    assert {page["items"][0]["relation"] for page in (first, second)} == {"copy", "child"}


async def test_fields_of_another_item_are_read_by_its_id_or_its_link(shop: Tenant) -> None:
    await shop.put("/v1/fields/deal/wood", {"name": "Wood", "type": "text"})
    item, parent = await shop.deal(), await shop.deal(title="Whole flat", fields={"wood": "oak"})
    await shop.done(about(item, SetParentItem, parent_id=parent["id"]))
    read = about(item, ReadItem, link="parent", fields=["title", "stage", "fields.wood"])

    values = {"title": "Whole flat", "stage": "new", "fields.wood": "oak"}
    assert await shop.done(read) == {"item_id": parent["id"], "values": values}
    by_id = about(item, ReadItem, other_id=parent["id"], fields=["title"])
    assert (await shop.done(by_id))["values"] == {"title": "Whole flat"}
    assert "is no field" in await shop.refused(by_id.model_copy(update={"fields": ("fields.wod",)}))
    none = about(item, ReadItem, link="child", fields=["title"])
    assert await shop.refused(none) == "there is no item that is linked with this one as child"


async def test_linked_items_are_changed_and_deleted_one_or_all(shop: Tenant) -> None:
    item = await shop.deal()
    made = about(item, CreateFollowUp, kind="lead", title="Lead")
    first, second = [(await shop.done(made))["item_id"] for _ in range(2)]
    renamed = (FieldAssignment(field="title", value="Changed"),)

    one = await shop.done(about(item, UpdateLinkedItems, link="follow_up", which="last", assignments=renamed))
    both = await shop.done(about(item, UpdateLinkedItems, link="follow_up", which="all", assignments=renamed))
    assert (one["item_ids"], both["item_ids"]) == ([second], [first, second])
    changed = await shop.events(FieldsChanged, 2)
    assert [str(event.data.item.id) for event in changed] == [second, first]
    of_deals = about(item, DeleteLinkedItems, link="follow_up", other_kind="deal")
    assert "item of kind deal" in await shop.refused(of_deals)
    assert (await shop.done(about(item, DeleteLinkedItems, link="follow_up")))["item_ids"] == [first]
    assert [str(event.data.item_id) for event in await shop.events(ItemDeleted)] == [first]
    assert [title for _, _, title in await links(shop, item)] == ["Changed"]


async def test_an_item_that_follows_may_come_without_a_link(shop: Tenant) -> None:
    item = await shop.deal()
    await shop.done(about(item, CreateFollowUp, kind="lead", title="Lead", linked=False))
    assert await links(shop, item) == []


async def test_a_rule_deletes_its_item(shop: Tenant) -> None:
    item = await shop.deal(amount={"amount": 100, "currency": "EUR"})
    await shop.done(about(item, DeleteItem))
    assert (await shop.ask("GET", f"/v1/items/{item['id']}")).status_code == 404
    (gone,) = await shop.events(ItemDeleted)
    assert (gone.data.item_id, gone.data.deleted_by) == (UUID(item["id"]), "rule:it")


async def test_a_deal_is_made_of_a_lead_with_its_clients_products_and_fields(shop: Tenant) -> None:
    for kind, code in (("lead", "wood"), ("deal", "wood"), ("lead", "only")):
        await shop.put(f"/v1/fields/{kind}/{code}", {"name": code, "type": "text"})
    contact = await shop.post("/v1/contacts", {"first_name": "Anna"})
    employee = await shop.put("/v1/employees/e1", {"first_name": "Eva"})
    about_lead = {"contact_ids": [contact["id"]], "responsible_id": employee["id"], "source": "fair"}
    lead = await shop.post(
        "/v1/items", {"kind": "lead", "title": "Oak", "fields": {"wood": "oak", "only": "x"}, **about_lead}
    )
    await shop.put(f"/v1/items/{lead['id']}/products", {"rows": [{"name": "Table", "price": 10_000, "quantity": 2}]})
    await shop.post(f"/v1/items/{lead['id']}/planned-activities", {"name": "Call"})

    made = await shop.done(
        about(lead, ConvertItem, target="deal", pipeline="installation", stage="talks", keep_activities_open=False)
    )

    deal = await shop.get(f"/v1/items/{made['item_id']}")
    assert (deal["kind"], deal["title"], deal["pipeline"], deal["stage"]) == ("deal", "Oak", "installation", "talks")
    assert (deal["amount"], deal["fields"]) == ({"amount": 20_000, "currency": "EUR"}, {"wood": "oak"})
    assert {name: deal[name] for name in about_lead} == about_lead
    rows = (await shop.get(f"/v1/items/{deal['id']}/products"))["rows"]
    assert [row["name"] for row in rows] == ["Table"]
    assert made["not_carried"] == ["fields.only: a deal has no field of this code"]
    assert await links(shop, lead) == [("conversion", "to", "Oak")]
    entries = (await shop.get(f"/v1/items/{lead['id']}/timeline"))["items"]
    texts = [one["text"] for one in entries if one["kind"] == "history"]
    assert "made the deal 'Oak' of it; not carried over: fields.only: a deal has no field of this code" in texts
    planned = (await shop.get(f"/v1/items/{lead['id']}/planned-activities"))["items"]
    assert [one["status"] for one in planned] == ["done"]
    entered = [one.data for one in shop.heard(StageChanged) if str(one.data.item.id) == deal["id"]]
    assert [one.item.amount.amount for one in entered if one.item.amount] == [20_000]


async def test_an_invoice_of_a_deal_expects_its_payment_whichever_way_it_is_made(shop: Tenant) -> None:
    await shop.put("/v1/pipelines/offers", {"name": "Offers", "kind": "quote", "stages": [{"code": "n", "name": "N"}]})
    deal = await shop.deal(title="Oak", amount={"amount": 500, "currency": "EUR"})

    quote = (await shop.post(f"/v1/items/{deal['id']}/conversions", {"target": "quote"}))["item"]
    by_person = await shop.post(f"/v1/items/{quote['id']}/conversions", {"target": "invoice"})
    by_rule = await shop.done(about(deal, ConvertItem, target="invoice"))
    impossible = await shop.ask("POST", f"/v1/items/{deal['id']}/conversions", {"target": "contact"})

    assert (quote["amount"], by_person["item"]["title"]) == (deal["amount"], "Invoice: Oak")
    assert (await shop.get(f"/v1/payments/{by_person['payment_id']}"))["status"] == "pending"
    (expected,) = (await shop.get(f"/v1/items/{by_rule['item_id']}/payments"))["items"]
    assert (expected["status"], expected["amount"]["amount"], expected["deal_id"]) == ("pending", 500, deal["id"])
    assert len(await shop.events(PaymentChanged, 2)) == 2
    assert "a deal cannot be made into a contact, only into an invoice or a quote" in impossible.json()["detail"]


async def test_clients_are_made_of_a_lead_and_linked_with_it(shop: Tenant) -> None:
    for code in ("first_name", "phone", "tax_number"):
        await shop.put(f"/v1/fields/lead/{code}", {"name": code, "type": "text"})
    known = await shop.post("/v1/contacts", {"first_name": "Anna", "phones": [{"number": "+4930123456"}]})
    fields = {"first_name": "Anne", "phone": "+49 30 123456", "tax_number": "7"}
    lead = await shop.post("/v1/items", {"kind": "lead", "title": "Bell", "fields": fields})

    contact = await shop.done(about(lead, ConvertItem, target="contact"))
    company = await shop.done(about(lead, ConvertItem, target="company"))

    assert (contact["contact_id"], contact["item_id"]) == (known["id"], None)
    assert contact["not_carried"] == ["fields.tax_number: a contact has none"]
    kept = await shop.get(f"/v1/companies/{company['company_id']}")
    assert (kept["title"], kept["phone"], kept["tax_number"]) == ("Bell", "+4930123456", "7")
    after = await shop.get(f"/v1/items/{lead['id']}")
    assert (after["contact_ids"], after["company_id"]) == ([known["id"]], company["company_id"])
    assert "has a company already" in await shop.refused(about(lead, ConvertItem, target="company"))


FILE = {"file_id": str(UUID(int=5)), "name": "plan.pdf", "sha256": "0" * 64, "media_type": "application/pdf"}
VALUES: Mapping[str, Sequence[Any]] = {
    "text": ("Größe M", " two\nlines "),
    "number": (0.1, -12_345),
    "money": ({"amount": -1, "currency": "JPY"}, {"amount": 10**15, "currency": "EUR"}),
    "boolean": (False, True),
    "date": ("2096-02-29", "1970-01-01"),
    "datetime": ("2030-05-07T12:00:00.123456Z", "2030-05-07T12:00:00Z"),
    "list": ("oak", "ash"),
    "user": ("{first}", "{second}"),
    "file": (FILE, FILE | {"name": "plan (2).pdf"}),
}
"""Two values of each type; `{…}` is an employee's id."""


async def of_every_type(shop: Tenant, number: int, employees: Mapping[str, str]) -> dict[str, Any]:
    """So many custom fields, of one value and of several by turns, with their values."""
    fields: dict[str, Any] = {}
    for at, (type, multiple) in zip(range(number), cycle(product(VALUES, (False, True))), strict=False):
        options = VALUES["list"] if type == "list" else ()
        body = {"name": f"Field {at}", "type": type, "multiple": multiple, "options": options}
        await shop.put(f"/v1/fields/deal/field{at}", body)
        values = [one.format_map(employees) if isinstance(one, str) else one for one in VALUES[type]]
        fields[f"field{at}"] = values if multiple else values[at % 2]
    return fields


async def test_a_copy_equals_its_original_field_by_field(shop: Tenant) -> None:
    await shop.put("/v1/tenant", {"name": "Boutique", "language": "fr", "tax_rounding": "per_row"})
    first, second = [(await shop.put(f"/v1/employees/{one}", {"first_name": one}))["id"] for one in ("eva", "kim")]
    contacts = [(await shop.post("/v1/contacts", {"first_name": name}))["id"] for name in ("Anna", "Berta")]
    company = await shop.post("/v1/companies", {"title": "Elm Ltd"})
    around = {"responsible_id": first, "observer_ids": [second], "contact_ids": contacts, "company_id": company["id"]}
    fields = await of_every_type(shop, 50, {"first": first, "second": second})
    item = await shop.deal(title="Table en chêne", source="fair", fields=fields, **around)
    rows = [
        {"name": f"Row {at}", "price": 333 * at, "quantity": f"{at + 1}.25", "unit": "m", "discount_percent": "12.5"}
        | {"tax_percent": (0, 7, "5.5", 19)[at % 4], "tax_included": at % 3 == 0}
        for at in range(100)
    ]
    await shop.put(f"/v1/items/{item['id']}/products", {"rows": rows})

    outputs = await shop.done(about(item, CopyItem, pipeline="installation"))

    original, copied = [await shop.get(f"/v1/items/{id}") for id in (item["id"], outputs["item_id"])]
    own = {"id", "title", "pipeline", "version", "created_at", "updated_at"}
    assert {name: copied[name] for name in copied.keys() - own} == {
        name: original[name] for name in original.keys() - own
    }
    assert (copied["title"], len(copied["fields"]), copied["version"]) == ("Table en chêne Copie", 50, 1)
    sold, again = [await shop.get(f"/v1/items/{id}/products") for id in (item["id"], outputs["item_id"])]
    ids = {row.pop("id") for page in (sold, again) for row in page["rows"]}
    assert (again, len(ids), len(again["rows"])) == (sold, 200, 100)
    (link,) = (await shop.get(f"/v1/items/{item['id']}/links"))["items"]
    assert (link["relation"], link["item_id"]) == ("copy", outputs["item_id"])


async def test_values_for_people_have_names_in_place_of_ids_and_say_how_they_are_written(shop: Tenant) -> None:
    eva = (await shop.put("/v1/employees/eva", {"first_name": "Eva", "last_name": "Hill"}))["id"]
    await shop.put("/v1/fields/deal/joiners", {"name": "Joiners", "type": "user", "multiple": True})
    anna = (await shop.post("/v1/contacts", {"first_name": "Anna"}))["id"]
    elm = (await shop.post("/v1/companies", {"title": "Elm Ltd"}))["id"]
    people = {"responsible_id": eva, "contact_ids": [anna], "company_id": elm, "fields": {"joiners": [eva, eva]}}
    item, other = await shop.deal(), await shop.deal(**people)
    names = ("responsible_id", "contact_ids", "company_id", "fields.joiners", "pipeline", "stage", "title")

    read = await shop.done(about(item, ReadItem, other_id=other["id"], fields=names, printable=True))

    assert list(read["values"].values()) == [
        "Eva Hill",
        ["Anna"],
        "Elm Ltd",
        ["Eva Hill"] * 2,
        "Sales",
        "New",
        "Oak table",
    ]
    assert read["around"]["tenant"] == {"language": "en", "time_zone": "Europe/Berlin", "currency": "EUR"}


async def test_contacts_of_an_item_are_changed(shop: Tenant) -> None:
    people = [(await shop.post("/v1/contacts", {"first_name": one}))["id"] for one in ("Anna", "Berta", "Eva")]
    anna, berta, eva = people
    item = await shop.deal(contact_ids=[anna, berta])
    number = {"field": "phones", "value": "+39 333 1234567", "append": True}
    named = {"field": "last_name", "value": "Hill"}

    changed = await shop.done(about(item, UpdateContacts, contact_ids=[berta, eva, anna], assignments=[number, named]))
    assert changed["contact_ids"] == sorted([anna, berta])
    await shop.done(about(item, UpdateContacts, contact_ids=[anna], assignments=[number]))
    contact = await shop.get(f"/v1/contacts/{anna}")
    assert (contact["name"], contact["phone"], len(contact["phones"])) == ("Anna Hill", "+393331234567", 1)
    assert (await shop.get(f"/v1/contacts/{eva}"))["name"] == "Eva"
    texts = [one["text"] for one in (await shop.get(f"/v1/items/{item['id']}/timeline"))["items"]]
    assert "changed Anna Hill: phones, last_name" in texts

    wrong = [number | {"value": "12"}, named | {"field": "name"}, named | {"append": True}]
    reason = await shop.refused(about(item, UpdateContacts, contact_ids=[anna], assignments=wrong))
    assert "name: cannot be set; last_name: holds one value" in reason
    assert "phones[1].number: write the phone number with +" in reason
    assert "any more" in await shop.refused(about(item, UpdateContacts, contact_ids=[eva], assignments=[named]))


async def test_clients_are_created_because_of_an_item_and_become_its_own(shop: Tenant) -> None:
    anna = (await shop.post("/v1/contacts", {"first_name": "Anna"}))["id"]
    item = await shop.deal(contact_ids=[anna])
    title, address = {"field": "title", "value": "Elm Ltd"}, {"field": "address", "value": "Via Esempio 1"}

    company = (await shop.done(about(item, CreateCompany, assignments=[title])))["company_id"]
    await shop.done(about(item, UpdateCompany, company_id=company, assignments=[address]))
    assert (await shop.get(f"/v1/companies/{company}"))["address"] == "Via Esempio 1"
    assert "title: is required" in await shop.refused(about(item, CreateCompany, assignments=[address]))
    assert "any more" in await shop.refused(about(item, UpdateCompany, company_id=item["id"], assignments=[address]))

    values = [{"field": "last_name", "value": "Hill"}, {"field": "opted_out", "value": True}]
    made = [
        (await shop.done(about(item, CreateContact, assignments=values, linked=linked)))["contact_id"]
        for linked in (True, False)
    ]
    read = await shop.get(f"/v1/items/{item['id']}")
    assert (read["contact_ids"], read["company_id"]) == ([anna, made[0]], company)
    assert [(await shop.get(f"/v1/contacts/{id}"))["opted_out"] for id in made] == [True, True]
