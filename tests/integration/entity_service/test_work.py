"""What belongs to items: activities, tasks, products, invoices and payments."""

from typing import Any
from uuid import uuid4

from contracts.messages.entity_events import FieldsChanged, PaymentChanged, ResourceBooked, TaskChanged
from contracts.messages.product_commands import AddProducts, CopyProducts, DeleteProducts, MoveProducts
from doc_service.domain.totals import totals
from integration.entity_service.harness import Harness, Tenant, contexts

EUR_100 = {"amount": 10000, "currency": "EUR"}


async def test_a_logged_call_counts(shop: Tenant) -> None:
    item = await shop.deal()
    path = f"/v1/items/{item['id']}"

    await shop.post(f"{path}/activities", {"kind": "call", "subject": "Asked for the size"})
    await shop.post(f"{path}/activities", {"kind": "note", "subject": "Wants oak", "text": "no elm"})

    read = await shop.get(path)
    assert (read["activity_count"], read["version"]) == (2, 3)
    assert [one.data.changed for one in await shop.events(FieldsChanged, 2)] == [("activity_count",)] * 2
    subjects = [one["subject"] for one in (await shop.get(f"{path}/activities"))["items"]]
    assert subjects == ["Wants oak", "Asked for the size"]


async def test_each_status_of_a_task_is_an_event_that_says_whether_it_only_left_its_stage(shop: Tenant) -> None:
    somebody = await shop.put("/v1/employees/anna", {"first_name": "Anna", "last_name": "Example"})
    item = await shop.deal(responsible_id=somebody["id"])
    path = f"/v1/items/{item['id']}/tasks"
    by_hand = await shop.post(path, {"name": "Measure"})
    await shop.post(path, {"name": "Call", "complete_on_leave": True})
    for status in ("in_progress", "done", "done"):
        await shop.patch(f"/v1/tasks/{by_hand['id']}", {"status": status})
    await shop.move(item, "talks")

    told = [one.data for one in await shop.events(TaskChanged, 5)]
    assert [(one.name, one.previous, one.status, one.left_stage) for one in told] == [
        ("Measure", None, "open", False),
        ("Call", None, "open", False),
        ("Measure", "open", "in_progress", False),
        ("Measure", "in_progress", "done", False),
        ("Call", "open", "done", True),
    ]


async def test_a_booking_is_an_event_and_one_that_is_refused_is_none(shop: Tenant) -> None:
    await shop.put("/v1/resources/van", {"name": "Van"})
    item = await shop.deal()
    path, van = f"/v1/items/{item['id']}/bookings", {"kind": "resource", "resource": "van", "minutes": 60}
    await shop.post(path, {**van, "start": "2030-05-07T07:00:00Z", "service": "Delivery"})
    assert (await shop.ask("POST", path, {**van, "start": "2030-05-07T07:30:00Z"})).status_code == 409
    await shop.post(path, {**van, "start": "2030-05-07T09:00:00Z"})
    told = [one.data for one in await shop.events(ResourceBooked, 2)]
    assert [(one.resource, one.service, one.start.hour, one.end.hour) for one in told] == [
        ("van", "Delivery", 7, 8),
        ("van", "", 9, 10),
    ]


async def test_changed_fields_come_with_their_former_values_as_far_as_there_is_room(shop: Tenant) -> None:
    notes = [f"note_{number}" for number in range(6)]
    for note in notes:
        await shop.put(f"/v1/fields/deal/{note}", {"name": note, "type": "text"})
    item = await shop.deal(amount=EUR_100, fields=dict.fromkeys(notes, "x" * 9000))
    path = f"/v1/items/{item['id']}"
    await shop.patch(path, {"title": "Ash table", "fields": dict.fromkeys(notes)})
    await shop.patch(path, {"amount": None, "fields": {"note_0": "short"}})
    first, second = [one.data for one in await shop.events(FieldsChanged, 2)]
    assert first.changed == ("title", *(f"fields.{note}" for note in notes))
    assert first.previous.keys() == set(first.changed[:-1])
    assert first.previous["title"] == "Oak table"
    assert second.previous == {"amount": EUR_100, "fields.note_0": None}


async def test_the_amount_follows_the_product_rows_until_it_is_given_by_hand(shop: Tenant) -> None:
    item = await shop.deal()
    path = f"/v1/items/{item['id']}"
    table = {"name": "Table", "price": 9999, "quantity": "1.5", "discount_percent": 10, "tax_percent": 19}

    made = await shop.post(f"{path}/products", {"rows": [table]})
    assert made["amount"] == {"amount": 16064, "currency": "EUR"}
    more = await shop.post(f"{path}/products", {"rows": [{"name": "Chair", "price": 100}]})
    assert [row["name"] for row in more["rows"]] == ["Table", "Chair"]
    assert more["amount"]["amount"] == 16164

    await shop.patch(path, {"amount": EUR_100})
    assert (await shop.put(f"{path}/products", {"rows": [table]}))["amount"] == EUR_100
    assert (await shop.patch(path, {"amount": None}))["amount"]["amount"] == 16064


async def test_rows_are_added_copied_moved_and_deleted_and_amounts_follow(shop: Tenant) -> None:
    item, other = await shop.deal(), await shop.deal()
    about, to = {"item_id": item["id"], "actor": "rule:it"}, {"other_id": other["id"]}
    table = {"name": "Table", "price": {"amount": 9999, "currency": "EUR"}, "quantity": "1.5", "discount_percent": 10}
    chair = {"name": "Chair", "price": {"amount": 119, "currency": "EUR"}, "tax_percent": 19, "tax_included": True}

    added = await shop.done(AddProducts.model_validate({**about, "rows": [table | {"tax_percent": 19}, chair]}))
    assert added == {"count": 2, "amount": {"amount": 16064 + 119, "currency": "EUR"}}
    rows = (await shop.get(f"/v1/items/{item['id']}/products"))["rows"]
    assert [(row["net"]["amount"], row["total"]["amount"]) for row in rows] == [(13499, 16064), (100, 119)]

    copied = await shop.done(CopyProducts.model_validate({**about, **to, "row_ids": [rows[1]["id"]]}))
    assert copied == {"count": 1, "item_id": other["id"], "amount": {"amount": 119, "currency": "EUR"}}
    moved = await shop.done(MoveProducts.model_validate({**about, **to, "row_ids": [rows[0]["id"], str(uuid4())]}))
    assert (moved["count"], moved["amount"]["amount"]) == (1, 16183)
    left, there = [(await shop.get(f"/v1/items/{one['id']}/products"))["rows"] for one in (item, other)]
    assert [[row["name"] for row in some] for some in (left, there)] == [["Chair"], ["Chair", "Table"]]
    assert (there[1], left) == (rows[0], rows[1:])
    gone = DeleteProducts.model_validate(about)
    assert [await shop.done(gone) for _ in range(2)] == [{"count": 1, "amount": None}, {"count": 0, "amount": None}]


async def test_rows_that_do_not_go_together_are_refused_and_stay_where_they_are(shop: Tenant) -> None:
    item, dollars = await shop.deal(), await shop.deal()
    for one, currency in ((item, "EUR"), (dollars, "USD")):
        body = {"rows": [{"name": "Table", "price": 100}] * 250, "currency": currency}
        await shop.put(f"/v1/items/{one['id']}/products", body)
    about = {"item_id": item["id"], "actor": "rule:it"}
    there = await shop.get(f"/v1/items/{item['id']}/products")

    to_dollars = MoveProducts.model_validate({**about, "other_id": dollars["id"]})
    assert await shop.refused(to_dollars) == "rows: have different currencies: EUR, USD"
    assert "is the item itself" in await shop.refused(CopyProducts.model_validate({**about, "other_id": item["id"]}))
    row = {"name": "Chair", "price": {"amount": 1, "currency": "EUR"}}
    too_many = AddProducts.model_validate({**about, "rows": [row] * 251})
    assert await shop.refused(too_many) == "rows: would be more than 500"
    assert await shop.get(f"/v1/items/{item['id']}/products") == there


async def test_item_document_and_payment_come_to_the_same_whichever_way_tax_is_rounded(
    harness: Harness, shop: Tenant
) -> None:
    rows = [{"name": "Chair", "price": 24167, "tax_percent": 20}] * 50
    made: dict[str, int] = {}
    deals = {}
    for rounding in ("per_rate", "per_row"):
        await shop.put("/v1/tenant", {"name": "Shop", "tax_rounding": rounding})
        deals[rounding] = await shop.deal()
        written = await shop.put(f"/v1/items/{deals[rounding]['id']}/products", {"rows": rows})
        made[rounding] = written["amount"]["amount"]

    assert made == {"per_rate": 1_450_020, "per_row": 1_450_000}
    for rounding, deal in deals.items():  # the setting has changed since the first one was offered
        (context,) = (await contexts(harness, (shop, deal))).contexts()
        (printed,) = totals(context.products, {"item": context.item.model_dump(mode="json")})
        invoice = await shop.post(f"/v1/items/{deal['id']}/invoices", {})
        payment = await shop.get(f"/v1/payments/{invoice['payment_id']}")
        assert printed["total"] == payment["amount"] == {"amount": made[rounding], "currency": "EUR"}
        assert printed["net"]["amount"] + printed["taxes"][0]["amount"]["amount"] == made[rounding]


async def test_a_task_goes_on_by_its_status(shop: Tenant) -> None:
    employee = await shop.put("/v1/employees/e1", {"first_name": "Eva"})
    item = await shop.deal(responsible_id=employee["id"])

    task = await shop.post(f"/v1/items/{item['id']}/tasks", {"name": "Call", "deadline": "2026-03-01T14:00:00+01:00"})
    done = await shop.ask("PATCH", f"/v1/tasks/{task['id']}", {"status": "done"})

    assert (task["assignee_id"], task["stage"], task["status"]) == (employee["id"], "new", "open")
    assert (done.json()["status"], done.json()["completed_at"] is None) == ("done", False)
    assert (await shop.get(f"/v1/tasks?assignee={employee['id']}&status=open"))["items"] == []


async def invoice_of(shop: Tenant) -> tuple[dict[str, Any], dict[str, Any]]:
    deal = await shop.deal(amount=EUR_100)
    return deal, await shop.post(f"/v1/items/{deal['id']}/invoices", {})


async def test_an_invoice_is_an_item_linked_to_its_deal_with_a_pending_payment(shop: Tenant) -> None:
    deal, made = await invoice_of(shop)

    invoice = made["invoice"]
    assert (invoice["kind"], invoice["pipeline"], invoice["amount"]) == ("invoice", "invoices", EUR_100)
    (payment,) = (await shop.get(f"/v1/items/{deal['id']}/payments"))["items"]
    assert (payment["id"], payment["status"], payment["deal_id"]) == (made["payment_id"], "pending", deal["id"])
    (link,) = (await shop.get(f"/v1/items/{deal['id']}/links"))["items"]
    assert (link["relation"], link["item_id"]) == ("invoice", invoice["id"])
    changed = (await shop.events(PaymentChanged))[0]
    assert (changed.data.status, changed.data.previous) == ("pending", None)
    assert changed.key == f"{shop.id}:{deal['id']}"


async def test_a_deal_without_amount_has_no_invoice_without_one(shop: Tenant) -> None:
    deal = await shop.deal()

    answer = await shop.ask("POST", f"/v1/items/{deal['id']}/invoices", {})

    assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, "amount")
