"""Items over HTTP: creation, moves, changes, lists, imports."""

import asyncio
from uuid import uuid4

from contracts.messages.entity_events import FieldsChanged, ItemCreated, ItemDeleted, StageChanged
from integration.entity_service.harness import Tenant


async def test_creating_an_item_tells_of_it_and_of_its_first_entry(shop: Tenant) -> None:
    item = await shop.deal(amount={"amount": 120000, "currency": "EUR"})

    created = (await shop.events(ItemCreated))[0]
    entered = (await shop.events(StageChanged))[0]

    assert (item["pipeline"], item["stage"], item["version"], item["entry_seq"]) == ("sales", "new", 1, 1)
    assert created.data.item.model_dump(mode="json") == item
    assert (entered.data.from_stage, entered.data.to_stage, entered.data.entry_seq) == (None, "new", 1)
    assert entered.data.automation
    assert entered.data.changed_by == "somebody"
    assert entered.key == f"{shop.id}:{item['id']}"


async def test_a_post_sent_twice_with_one_key_creates_one_item(shop: Tenant) -> None:
    body = {"kind": "deal", "title": "Oak table"}
    first, second = [await shop.post("/v1/items", body, idempotency_key="same") for _ in range(2)]

    assert first == second
    assert len((await shop.get("/v1/items"))["items"]) == 1


async def test_a_move_raises_version_and_entry_and_tells_where_from(shop: Tenant) -> None:
    item = await shop.deal()

    answer = await shop.move(item, "offer", if_match='"1"')

    assert answer.status_code == 200
    assert answer.headers["etag"] == '"2"'
    entered = (await shop.events(StageChanged, 2))[1].data
    assert (entered.from_stage, entered.to_stage, entered.entry_seq, entered.item.version) == ("new", "offer", 2, 2)
    kinds = [entry["kind"] for entry in (await shop.get(f"/v1/items/{item['id']}/timeline"))["items"]]
    assert kinds == ["stage_changed", "created"]


async def test_a_move_to_the_same_stage_changes_and_tells_nothing(shop: Tenant) -> None:
    item = await shop.deal()

    assert (await shop.move(item, "new")).json() == item
    await shop.move(item, "offer")

    assert [one.data.to_stage for one in await shop.events(StageChanged, 2)] == ["new", "offer"]


async def test_a_move_into_another_pipeline_counts_on(shop: Tenant) -> None:
    item = await shop.deal()

    moved = (await shop.move(item, "talks", pipeline="installation")).json()

    assert (moved["pipeline"], moved["stage"], moved["entry_seq"]) == ("installation", "talks", 2)


async def test_moves_that_make_no_sense_are_refused_with_the_reason(shop: Tenant) -> None:
    item = await shop.deal()

    nowhere = await shop.move(item, "moon")
    other_kind = await shop.move(item, "new", pipeline="leads")

    assert (nowhere.status_code, other_kind.status_code) == (422, 422)
    assert nowhere.json()["errors"] == [{"where": "stage", "what": "pipeline 'sales' has no stage 'moon'"}]
    assert "is for items of kind lead" in other_kind.json()["errors"][0]["what"]


async def test_changes_demand_the_version_that_was_seen(shop: Tenant) -> None:
    item = await shop.deal()
    path = f"/v1/items/{item['id']}"

    without = await shop.ask("PATCH", path, {"title": "Elm table"})
    await shop.patch(path, {"title": "Elm table"}, if_match='"1"')
    outdated = await shop.ask("PATCH", path, {"title": "Ash table"}, if_match='"1"')

    assert (without.status_code, outdated.status_code) == (428, 412)
    assert outdated.headers["etag"] == '"2"'
    assert (await shop.get(path))["title"] == "Elm table"


async def test_of_two_moves_at_once_from_the_same_version_one_wins(shop: Tenant) -> None:
    item = await shop.deal()

    answers = await asyncio.gather(*(shop.move(item, stage, if_match='"1"') for stage in ("talks", "offer")))

    assert sorted(answer.status_code for answer in answers) == [200, 412]
    assert (await shop.get(f"/v1/items/{item['id']}"))["entry_seq"] == 2


async def test_moves_at_once_enter_one_after_another_and_are_published_in_that_order(shop: Tenant) -> None:
    item = await shop.deal()

    await asyncio.gather(*(shop.move(item, stage) for stage in ("talks", "offer", "won", "lost")))

    entries = [one.data for one in await shop.events(StageChanged, 5)]
    assert [entry.entry_seq for entry in entries] == [1, 2, 3, 4, 5]
    assert [entry.from_stage for entry in entries] == [None, *(entry.to_stage for entry in entries[:-1])]


async def test_a_patch_tells_exactly_what_changed(shop: Tenant) -> None:
    await shop.put("/v1/fields/deal/size", {"name": "Size", "type": "text"})
    item = await shop.deal(source="form")

    await shop.patch(f"/v1/items/{item['id']}", {"source": "form", "title": "Elm table", "fields": {"size": "large"}})
    await shop.patch(f"/v1/items/{item['id']}", {"title": "Elm table"})
    await shop.patch(f"/v1/items/{item['id']}", {"fields": {"size": None}})

    changed = [one.data.changed for one in await shop.events(FieldsChanged, 2)]
    assert changed == [("title", "fields.size"), ("fields.size",)]


async def test_custom_fields_are_checked_with_an_error_per_field(shop: Tenant) -> None:
    for code, type_ in (("size", "text"), ("count", "number"), ("due", "date")):
        await shop.put(f"/v1/fields/deal/{code}", {"name": code, "type": type_})

    fields = {"size": 5, "count": "many", "due": "tomorrow", "colour": "red"}
    answer = await shop.ask("POST", "/v1/items", {"kind": "deal", "title": "Oak table", "fields": fields})

    assert answer.status_code == 422
    wrong = [error["where"] for error in answer.json()["errors"]]
    assert wrong == ["fields.size", "fields.count", "fields.due", "fields.colour"]


async def test_references_to_nobody_are_refused(shop: Tenant) -> None:
    body = {"kind": "deal", "title": "Oak table"}
    for name in ("responsible_id", "company_id"):
        answer = await shop.ask("POST", "/v1/items", {**body, name: str(uuid4())})
        assert (answer.status_code, answer.json()["errors"][0]["where"]) == (422, name)


async def test_texts_that_cannot_be_kept_are_refused(shop: Tenant) -> None:
    for title in (rb"nul\u0000l", rb"half \ud800 pair"):
        answer = await shop.ask_raw("POST", "/v1/items", b'{"kind": "deal", "title": "%s"}' % title)
        assert answer.status_code == 422


async def test_deleting_an_item_tells_of_it_and_leaves_nothing(shop: Tenant) -> None:
    item = await shop.deal()

    assert (await shop.ask("DELETE", f"/v1/items/{item['id']}")).status_code == 204

    deleted = (await shop.events(ItemDeleted))[0]
    assert str(deleted.data.item_id) == item["id"]
    assert (await shop.ask("GET", f"/v1/items/{item['id']}")).status_code == 404


async def test_lists_are_narrowed_and_come_in_pages(shop: Tenant) -> None:
    contact = await shop.post("/v1/contacts", {"first_name": "Anna"})
    first = await shop.deal(title="50% oak", contact_ids=[contact["id"]])
    second = await shop.deal(title="Elm")
    third = await shop.post("/v1/items", {"kind": "lead", "title": "Oak, please"})
    await shop.move(second, "offer")

    async def ids(query: str) -> list[str]:
        return [item["id"] for item in (await shop.get(f"/v1/items?{query}"))["items"]]

    assert await ids("kind=deal") == [second["id"], first["id"]]
    assert await ids("pipeline=sales&stage=offer") == [second["id"]]
    assert await ids("q=oak") == [third["id"], first["id"]]
    assert await ids("q=50%25 o") == [first["id"]]
    assert await ids(f"contact={contact['id']}") == [first["id"]]
    page = await shop.get("/v1/items?limit=2")
    assert [item["id"] for item in page["items"]] == [third["id"], second["id"]]
    assert await ids(f"limit=2&cursor={page['next_cursor']}") == [first["id"]]


async def test_an_import_starts_no_rules_unless_asked(shop: Tenant) -> None:
    rows = [{"kind": "deal", "title": f"Table {number}"} for number in range(3)]

    await shop.post("/v1/items/import", {"items": rows})
    await shop.post("/v1/items/import", {"items": rows[:1], "run_rules": True})

    entries = [one.data for one in await shop.events(StageChanged, 4)]
    assert sorted((entry.origin, entry.automation) for entry in entries) == [("import", False)] * 3 + [("import", True)]


async def test_an_import_with_a_wrong_row_imports_nothing(shop: Tenant) -> None:
    rows = [
        {"kind": "deal", "title": "Oak"},
        {"kind": "deal", "title": "Elm", "stage": "moon"},
        {"kind": "deal", "title": "Ash", "fields": {"colour": "red"}},
    ]

    answer = await shop.ask("POST", "/v1/items/import", {"items": rows})

    assert answer.status_code == 422
    assert [error["where"] for error in answer.json()["errors"]] == ["items[1].stage", "items[2].fields.colour"]
    assert (await shop.get("/v1/items"))["items"] == []


async def test_a_thousand_items_are_imported_at_once(shop: Tenant) -> None:
    rows = [{"kind": "deal", "title": f"Table {number}", "source": "x" * 200} for number in range(1000)]

    answer = await shop.post("/v1/items/import", {"items": rows})

    assert len(answer["ids"]) == 1000
    await shop.events(StageChanged, 1000)
