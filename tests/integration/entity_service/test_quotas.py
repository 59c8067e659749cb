"""What one cause and one tenant may have made by automation, and how many definitions a tenant may have."""

from typing import Any
from uuid import UUID, uuid4

import entity_service
from contracts.kit.database import Database
from contracts.messages.entity_commands import CopyItem, CreateFollowUp
from contracts.messages.entity_events import StageChanged
from entity_service.jobs import Forgetting
from entity_service.settings import Settings
from integration.entity_service.harness import STAGES, Harness, Tenant


def copy(item: dict[str, Any]) -> CopyItem:
    return CopyItem(item_id=UUID(item["id"]), pipeline="installation", actor="a-rule")


def follow_up(item: dict[str, Any], origin: Any = "rule") -> CreateFollowUp:
    id = UUID(item["id"])
    return CreateFollowUp(kind="lead", title="Renewal", item_id=id, actor="somebody", origin=origin)


async def stops(shop: Tenant, item: dict[str, Any]) -> list[str]:
    """What the timeline says of stopped automation."""
    entries = (await shop.get(f"/v1/items/{item['id']}/timeline"))["items"]
    return [entry["text"] for entry in entries if entry["kind"] == "automation_stopped"]


async def test_items_out_of_one_cause_are_counted_for_all_makers_and_another_cause_goes_on(shop: Tenant) -> None:
    await shop.may_have("items_per_cause", 3)
    item, root = await shop.deal(), str(uuid4())
    await shop.done(copy(item), root=root)
    await shop.done(follow_up(item), root=root)
    await shop.done(follow_up(item, "trigger"), root=root)

    reasons = [await shop.refused(command, root=root) for command in (copy(item), follow_up(item, "trigger"))]

    expected = (
        "quota items_per_cause: at most 3 items that rules and triggers make out of one cause; "
        "those who run this installation can raise it"
    )
    assert reasons == [expected, expected]
    assert await stops(shop, item) == reasons
    await shop.done(copy(item), root=str(uuid4()))
    await shop.may_have("items_per_cause", 4)
    await shop.done(copy(item), root=root)


async def test_a_command_without_a_root_is_the_root_of_what_comes_of_it(shop: Tenant) -> None:
    await shop.may_have("items_per_cause", 1)
    first = shop.order(copy(await shop.deal()))
    await shop.harness.send(first)
    await shop.results(first.command_id)

    entered = (await shop.events(StageChanged, 2))[1]
    assert entered.root == first.id
    copied = await shop.get(f"/v1/items/{entered.data.item.id}")
    assert "quota items_per_cause" in await shop.refused(copy(copied), root=entered.root_cause)
    assert await shop.done(copy(copied))


async def test_rules_make_so_many_items_an_hour_and_forms_and_people_go_on(shop: Tenant) -> None:
    await shop.may_have("items_by_rules_per_hour", 2)
    item = await shop.deal()
    for _ in range(2):
        await shop.done(copy(item))

    assert "at most 2 items that rules make within an hour" in await shop.refused(follow_up(item))
    assert len(await stops(shop, item)) == 1
    await shop.done(follow_up(item, "trigger"))
    await shop.deal()
    used = {one["name"]: one["used"] for one in (await shop.get("/v1/quotas"))["items"]}
    assert used["items_by_rules_per_hour"] == 2
    await shop.harness.service_environment.sql(
        "UPDATE automatic_items SET made_at = made_at - interval '1 hour' WHERE tenant_id = $1", shop.id
    )
    await shop.done(copy(item))


async def test_definitions_are_counted_and_those_that_there_are_can_be_changed(shop: Tenant) -> None:
    pipeline = {"name": "Sales", "kind": "deal", "stages": STAGES}
    await shop.may_have("definitions", 5)
    await shop.put("/v1/fields/deal/wood", {"name": "Wood", "type": "text"})

    for path, body in (
        ("/v1/pipelines/more", pipeline),
        ("/v1/fields/deal/more", {"name": "More", "type": "text"}),
        ("/v1/departments/more", {"name": "More"}),
        ("/v1/employees/more", {"first_name": "Mo"}),
    ):
        answer = await shop.ask("PUT", path, body)
        assert (answer.status_code, answer.json()["title"]) == (409, "Quota used up"), path
        assert "quota definitions: at most 5 item types, pipelines, custom fields" in answer.json()["detail"]
    await shop.put("/v1/pipelines/sales", pipeline | {"name": "Sales again"})


async def test_what_no_cause_goes_on_from_any_more_is_forgotten(harness: Harness, shop: Tenant) -> None:
    root = str(uuid4())
    await shop.done(copy(await shop.deal()), root=root)
    await harness.service_environment.sql(
        "UPDATE automatic_items SET made_at = made_at - interval '8 days' WHERE root = $1", root
    )
    await shop.done(copy(await shop.deal()), root=root)

    database = Database(await harness.service_environment.settle(entity_service, Settings), service="entity-service")
    await database.open()
    assert await Forgetting(database).once() >= 1
    await database.close()

    (row,) = await harness.service_environment.sql("SELECT count(*) FROM automatic_items WHERE root = $1", root)
    assert row["count"] == 1
