"""What other services read, and that tenants never see each other."""

import json
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from contracts.contexts import MAX_ANSWER, ItemRef, StageItems, TenantSchema
from contracts.kit.clock import utc_now
from entity_service import store
from integration.entity_service.harness import Harness, Tenant, contexts, ok


async def full_deal(shop: Tenant) -> dict[str, Any]:
    await shop.put("/v1/departments/all", {"name": "Everybody", "head": "boss"})
    await shop.put("/v1/departments/sales", {"name": "Sales", "parent": "all", "head": "seller"})
    await shop.put("/v1/employees/boss", {"first_name": "Bo", "department": "all"})
    seller = await shop.put("/v1/employees/seller", {"first_name": "Sia", "department": "sales"})
    contact = await shop.post("/v1/contacts", {"first_name": "Anna", "phones": [{"number": "+4930123456"}]})
    company = await shop.post("/v1/companies", {"title": "Elm Ltd"})
    deal = await shop.deal(contact_ids=[contact["id"]], company_id=company["id"], responsible_id=seller["id"])
    await shop.put(f"/v1/items/{deal['id']}/products", {"rows": [{"name": "Table", "price": 100}]})
    return deal


async def test_a_context_has_everything_around_an_item(harness: Harness, shop: Tenant) -> None:
    deal = await full_deal(shop)
    await shop.put("/v1/tenant", {"name": "Shop", "time_zone": "Europe/Berlin", "crm_url": "https://shop.example"})

    (context,) = (await contexts(harness, (shop, deal))).contexts()

    assert (context.tenant.time_zone, context.tenant.crm_url) == ("Europe/Berlin", "https://shop.example")
    assert context.item.title == "Oak table"
    assert context.contact is not None
    assert (context.contact.first_name, context.contact.phone) == ("Anna", "+4930123456")
    assert context.company is not None
    assert context.company.title == "Elm Ltd"
    assert [(row.name, row.total.amount) for row in context.products] == [("Table", 100)]
    assert context.responsible is not None
    assert (context.responsible.name, context.responsible.department) == ("Sia", "Sales")
    assert context.stage is not None
    assert (context.stage.code, context.stage.position, context.pipeline.name) == ("new", 0, "Sales")


async def test_the_supervisor_is_the_nearest_head_above_who_is_somebody_else(harness: Harness, shop: Tenant) -> None:
    deal = await full_deal(shop)
    helper = await shop.put("/v1/employees/helper", {"first_name": "Hal", "department": "sales"})
    boss = (await shop.get("/v1/employees/boss"))["id"]
    of_helper = await shop.deal(responsible_id=helper["id"])
    of_boss = await shop.deal(responsible_id=boss)

    answer = await contexts(harness, (shop, deal), (shop, of_helper), (shop, of_boss))

    supervisors = {str(c.item.id): c.supervisor.name if c.supervisor else None for c in answer.contexts()}
    assert supervisors == {deal["id"]: "Bo", of_helper["id"]: "Sia", of_boss["id"]: None}


async def test_parts_that_are_not_asked_for_are_left_out(harness: Harness, shop: Tenant) -> None:
    deal = await full_deal(shop)

    (context,) = (await contexts(harness, (shop, deal), parts=["company"])).contexts()

    assert context.company is not None
    assert (context.contact, context.products, context.responsible, context.supervisor) == (None, (), None, None)


async def test_many_tenants_are_answered_at_once_each_with_its_own(harness: Harness, shop: Tenant) -> None:
    other = await harness.tenant().open()
    mine, theirs = await full_deal(shop), await other.deal(title="Elm")
    mixed_up = {"id": theirs["id"]}

    answer = await contexts(harness, (shop, mine), (other, theirs), (shop, mixed_up))

    found = {context.tenant_id: context.item.title for context in answer.contexts()}
    assert found == {shop.id: "Oak table", other.id: "Elm"}
    assert [(ref.tenant_id, str(ref.item_id)) for ref in answer.missing] == [(shop.id, theirs["id"])]


async def test_items_that_share_clients_get_them_once_and_an_answer_is_bounded(harness: Harness, shop: Tenant) -> None:
    """Twelve deals with the same twenty clients of 12 kB, and 190 kB of fields each: more than an answer holds."""
    await shop.put("/v1/fields/deal/notes", {"name": "Notes", "type": "text", "multiple": True})
    emails = [{"address": f"{'x' * 60}@{'y' * 50}{n}.example"} for n in range(20)]
    clients = [(await shop.post("/v1/contacts", {"first_name": "Anna", "emails": emails}))["id"] for _ in range(20)]
    notes = ["n" * 9_900 for _ in range(19)]
    deals = [await shop.deal(contact_ids=clients, fields={"notes": notes}) for _ in range(12)]

    first = await contexts(harness, *((shop, deal) for deal in deals))

    assert len(first.model_dump_json()) < MAX_ANSWER * 1.01
    assert 1 <= len(first.items) < 12
    assert [str(ref.item_id) for ref in first.rest] == [deal["id"] for deal in deals[len(first.items) :]]
    assert len(first.tenants[shop.id].contacts) == 20
    assert all(len(context.contacts) == 20 for context in first.contexts())
    second = await contexts(harness, *((shop, {"id": str(ref.item_id)}) for ref in first.rest))
    assert [str(one.item.id) for one in (*first.items, *second.items)] == [deal["id"] for deal in deals]


class Counted:
    """A connection that counts the statements it is given."""

    def __init__(self, connection: asyncpg.Connection) -> None:
        self._connection = connection
        self.statements = 0

    async def fetch(self, statement: str, *arguments: Any) -> list[asyncpg.Record]:
        self.statements += 1
        return await self._connection.fetch(statement, *arguments)


async def test_many_items_take_as_many_statements_as_one(harness: Harness, shop: Tenant) -> None:
    deals = [await full_deal(shop) for _ in range(3)]
    connection = await asyncpg.connect(harness.service_environment.database.app_url)
    try:
        await connection.set_type_codec("jsonb", schema="pg_catalog", encoder=json.dumps, decoder=json.loads)
        await connection.execute("SELECT set_config('app.tenants', $1, false)", f"{{{shop.id}}}")
        counts = []
        for some in (deals[:1], deals):
            counted: Any = Counted(connection)
            refs = [ItemRef(tenant_id=shop.id, item_id=UUID(deal["id"])) for deal in some]
            assert len((await store.contexts.read(counted, refs, None, utc_now())).items) == len(some)
            counts.append(counted.statements)
    finally:
        await connection.close()

    assert counts == [10, 10]


async def test_a_schema_lists_what_authors_can_refer_to(harness: Harness, shop: Tenant) -> None:
    await shop.put("/v1/fields/deal/size", {"name": "Size", "type": "text"})
    await shop.put("/v1/fields/deal/old", {"name": "Old", "type": "text", "archived": True})
    await shop.put("/v1/employees/e1", {"first_name": "Eva", "last_name": "Ek"})
    for path in ("item-types/project", "rooms/oak", "resources/van"):
        spec = {"title": {"en": "Project"}} if path.startswith("item") else {"name": "A thing"}
        await shop.put(f"/v1/{path}", spec)
        await shop.put(f"/v1/{path}_old", spec | {"archived": True})

    schema = TenantSchema.model_validate(ok(await harness.internal("GET", f"/internal/schema/{shop.id}")))

    assert [pipeline.code for pipeline in schema.pipelines] == ["sales", "installation", "leads", "invoices"]
    assert [stage.code for stage in schema.pipelines[0].stages] == ["new", "talks", "offer", "won", "lost"]
    assert [field.code for field in schema.fields] == ["size"]
    assert [(one.code, one.name) for one in schema.employees] == [("e1", "Eva Ek")]
    assert [one.code for one in schema.item_types] == ["project"]
    assert (schema.rooms, schema.resources) == (("oak",), ("van",))


async def test_open_items_are_found_by_the_clients_address(harness: Harness, shop: Tenant) -> None:
    deal = await full_deal(shop)
    lost = await shop.deal(contact_ids=deal["contact_ids"])
    await shop.move(lost, "lost")

    async def ask(**params: str) -> list[str]:
        answer = await harness.internal("GET", "/internal/items/by-contact", params={"tenant": str(shop.id), **params})
        return [item["id"] for item in ok(answer)["items"]]

    assert await ask(phone="+49 30 123456") == [deal["id"]]
    assert await ask(phone="no number", email="nobody@example.com") == []


async def test_linked_items_are_found_from_both_sides_and_only_by_their_tenant(harness: Harness, shop: Tenant) -> None:
    deal, alone = await shop.deal(), await shop.deal()
    path, body = f"/v1/items/{deal['id']}/invoices", {"amount": {"amount": 1, "currency": "EUR"}}
    invoices = [(await shop.post(path, body))["invoice"]["id"] for _ in range(2)]

    async def ask(*items: str, tenant: Tenant = shop) -> dict[str, list[str]]:
        refs = [{"tenant_id": str(tenant.id), "item_id": item} for item in items]
        answer = ok(await harness.internal("POST", "/internal/items/linked", json={"items": refs}))
        return {one["item_id"]: one["linked"] for one in answer["items"]}

    found = await ask(deal["id"], invoices[1], alone["id"])
    assert found == {deal["id"]: sorted(invoices), invoices[1]: [deal["id"]]}
    assert await ask(deal["id"], tenant=harness.tenant()) == {}


async def test_internal_routes_are_for_services_only(harness: Harness, shop: Tenant) -> None:
    answer = await shop.ask("GET", f"/internal/schema/{shop.id}")

    assert answer.status_code == 401


@pytest.mark.invariant(11)
async def test_another_tenants_records_do_not_exist(harness: Harness, shop: Tenant) -> None:
    deal = await full_deal(shop)
    task = await shop.post(f"/v1/items/{deal['id']}/tasks", {"name": "Call"})
    invoice = await shop.post(f"/v1/items/{deal['id']}/invoices", {"amount": {"amount": 1, "currency": "EUR"}})
    other_tenant = await harness.tenant().open()
    paths = [
        f"/v1/items/{deal['id']}",
        *(f"/v1/items/{deal['id']}/{part}" for part in ("timeline", "links", "products", "tasks", "activities")),
        f"/v1/items/{deal['id']}/payments",
        f"/v1/payments/{invoice['payment_id']}",
        f"/v1/contacts/{deal['contact_ids'][0]}",
        f"/v1/companies/{deal['company_id']}",
        "/v1/employees/boss",
        "/v1/departments/sales",
    ]

    assert {(await other_tenant.ask("GET", path)).status_code for path in paths} == {404}
    changes = [
        await other_tenant.move(deal, "talks"),
        await other_tenant.ask("PATCH", f"/v1/items/{deal['id']}", {"title": "Mine"}, if_match="*"),
        await other_tenant.ask("DELETE", f"/v1/items/{deal['id']}"),
        await other_tenant.ask("PUT", f"/v1/items/{deal['id']}/company", {"company_id": None}),
        await other_tenant.ask("PUT", f"/v1/items/{deal['id']}/products", {"rows": []}),
        await other_tenant.ask("POST", f"/v1/items/{deal['id']}/invoices", {}),
        await other_tenant.ask("POST", f"/v1/items/{deal['id']}/activities", {"kind": "call", "subject": "x"}),
        await other_tenant.ask("PATCH", f"/v1/tasks/{task['id']}", {"status": "done"}),
    ]
    assert {answer.status_code for answer in changes} == {404}
    taken = {"kind": "deal", "title": "x", "contact_ids": deal["contact_ids"], "company_id": deal["company_id"]}
    answer = await other_tenant.ask("POST", "/v1/items", taken)
    assert [error["where"] for error in answer.json()["errors"]] == ["company_id", "contact_ids"]
    assert (await other_tenant.get("/v1/items"))["items"] == []
    assert (await other_tenant.get("/v1/tasks"))["items"] == []


async def test_bad_cursors_and_unknown_items_are_said_to_be_so(shop: Tenant) -> None:
    assert (await shop.ask("GET", "/v1/items?cursor=nonsense")).status_code == 400
    assert (await shop.ask("GET", f"/v1/items/{uuid4()}")).status_code == 404


async def test_the_items_of_a_stage_are_answered_page_by_page_with_their_number(harness: Harness, shop: Tenant) -> None:
    deals = [await shop.deal() for _ in range(3)]
    place = {"tenant": str(shop.id), "pipeline": "sales", "stage": "new"}

    async def page(**asked: Any) -> StageItems:
        return StageItems.model_validate(
            ok(await harness.internal("GET", "/internal/items/in-stage", params=place | asked))
        )

    first = await page(limit=2)
    rest = await page(limit=2, after=str(first.items[-1].id))
    assert (first.total, rest.total) == (3, None)
    assert [str(item.id) for item in (*first.items, *rest.items)] == sorted(deal["id"] for deal in deals)
    assert first.items[0].entry_seq == 1
    counted = await page(limit=0)
    assert (counted.total, counted.items) == (3, ())
    assert (await page(stage="won")).total == 0
