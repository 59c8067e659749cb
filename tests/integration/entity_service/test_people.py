"""Employees are read and chosen, and get items in turn: also a thousand at once."""

import asyncio
from collections import Counter
from typing import Any
from uuid import UUID

import pytest

import entity_service
from contracts.kit.clock import new_id, utc_now
from contracts.kit.database import Database
from contracts.kit.outbox import Outbox
from contracts.messages.employee_commands import ChangeObservers, ChangeResponsible, ReadEmployee, SelectEmployee
from contracts.messages.entity_commands import CompleteTasks, CreateTask
from contracts.messages.entity_events import FieldsChanged
from entity_service.application import make_changes
from entity_service.messages import Actor
from entity_service.settings import Settings
from integration.entity_service.harness import Tenant, contexts

AWAY = {"absences": [{"from": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z"}]}


@pytest.fixture
async def staffed(shop: Tenant) -> Tenant:
    """Sales below the board, three sellers in it; kim heads sales, lou the board."""
    await shop.put("/v1/departments/board", {"name": "Board", "head": "lou"})
    await shop.put("/v1/departments/sales", {"name": "Sales", "parent": "board", "head": "kim"})
    for code in ("ann", "bob", "cid"):
        await shop.put(f"/v1/employees/{code}", {"first_name": code.title(), "department": "sales"})
    for code in ("kim", "lou"):
        await shop.put(f"/v1/employees/{code}", {"first_name": code.title()})
    return shop


async def id_of(shop: Tenant, code: str) -> str:
    return str((await shop.get(f"/v1/employees/{code}"))["id"])


async def ids_of(shop: Tenant, *codes: str) -> list[str]:
    return [await id_of(shop, code) for code in codes]


def about[C](item: dict[str, Any], command: type[C], **more: Any) -> C:
    return command.model_validate({"item_id": item["id"], "actor": "rule:it", **more})  # type: ignore[attr-defined, no-any-return]


@pytest.mark.verify
async def test_of_a_thousand_items_given_out_at_once_none_of_three_gets_two_more_than_another(staffed: Tenant) -> None:
    environment = staffed.harness.service_environment
    settings = await environment.settle(entity_service, Settings, database_pool=16)
    database = Database(settings, service="entity-service")
    rows = [{"kind": "deal", "title": str(number)} for number in range(1_000)]
    ids = (await staffed.post("/v1/items/import", {"items": rows}))["ids"]
    changes = make_changes(Outbox(), utc_now, new_id, "http://localhost")
    actor = Actor(by="rule:it", origin="rule")

    at_once = asyncio.Semaphore(16)

    async def give(id: str) -> str:
        wanted = about({"id": id}, ChangeResponsible, departments=["sales"], method="in_order", turns_of="r")
        async with at_once, database.transaction(staffed.id) as tx:
            item = await changes.items.lock(tx, staffed.id, UUID(id))
            return str((await changes.people.change_responsible(tx, item, wanted, actor)).responsible_id)

    await database.open()
    try:
        given = Counter(await asyncio.gather(*map(give, ids)))
    finally:
        await database.close()
    assert sorted(given.values()) == [333, 333, 334]
    assert given.keys() == set(await ids_of(staffed, "ann", "bob", "cid"))


async def test_turns_pass_over_the_absent_and_those_who_have_not_started_work(staffed: Tenant) -> None:
    ann, bob, cid = await ids_of(staffed, "ann", "bob", "cid")
    await staffed.put("/v1/employees/bob/schedule", AWAY)
    item = await staffed.deal()

    async def turn(**more: Any) -> str:
        wanted = {"departments": ["sales"], "method": "in_order", "turns_of": "r", **more}
        return str((await staffed.done(about(item, ChangeResponsible, **wanted)))["responsible_id"])

    assert [await turn() for _ in range(3)] == [ann, cid, ann]
    assert await turn(skip_absent=False) == bob
    await staffed.put("/v1/employees/cid/schedule", {"tracked": True})
    assert [await turn(skip_not_at_work=True), await turn(turns_of="another")] == [ann, ann]


async def test_when_nobody_is_left_it_is_said_of_each_why_and_no_turn_is_taken(staffed: Tenant) -> None:
    for code in ("ann", "bob"):
        await staffed.put(f"/v1/employees/{code}/schedule", AWAY)
    await staffed.put("/v1/employees/cid/schedule", {"tracked": True})
    item = await staffed.deal()
    wanted = about(item, ChangeResponsible, departments=["sales"], method="first", skip_not_at_work=True)

    reason = await staffed.refused(wanted)

    assert reason.startswith("nobody is left to choose: ann is absent until 2099-01-01 00:00 UTC; bob is absent")
    assert reason.endswith("cid has not started work")
    assert (await staffed.get(f"/v1/items/{item['id']}"))["responsible_id"] is None
    unknown = wanted.model_copy(update={"departments": ("nowhere",)})
    assert "departments: do not exist: nowhere" in await staffed.refused(unknown)


async def test_whoever_gets_the_work_of_an_archived_employee_is_chosen_in_their_place(staffed: Tenant) -> None:
    ann, lou = await ids_of(staffed, "ann", "lou")
    await staffed.put("/v1/employees/ann", {"first_name": "Ann", "archived": True, "successor": "lou"})
    item = await staffed.deal()

    outputs = await staffed.done(about(item, ChangeResponsible, employee_ids=[ann], method="first"))

    assert outputs["responsible_id"] == lou


async def test_a_supervisor_is_found_up_the_tree_and_else_the_reserve(staffed: Tenant) -> None:
    ann, bob, kim, lou = await ids_of(staffed, "ann", "bob", "kim", "lou")
    item = await staffed.deal(responsible_id=ann)
    wanted = about(item, SelectEmployee, method="supervisor", reserve_ids=[bob])

    assert await staffed.done(wanted) == {"employee_id": kim}
    await staffed.put("/v1/employees/kim/schedule", AWAY)
    assert await staffed.done(wanted) == {"employee_id": lou}
    await staffed.put("/v1/employees/lou/schedule", AWAY)
    assert await staffed.done(wanted) == {"employee_id": bob}
    assert "kim is absent" in await staffed.refused(wanted.model_copy(update={"reserve_ids": ()}))


async def test_an_employee_is_read_with_the_department_and_its_head(staffed: Tenant) -> None:
    ann, kim = await ids_of(staffed, "ann", "kim")
    item = await staffed.deal()

    outputs = await staffed.done(about(item, ReadEmployee, employee_id=ann))

    assert (outputs["name"], outputs["department"], outputs["head_id"]) == ("Ann", "Sales", kim)
    assert outputs["absent_until"] is None
    assert "there is no employee" in await staffed.refused(about(item, ReadEmployee, employee_id=item["id"]))


async def test_observers_are_added_taken_away_and_replaced(staffed: Tenant) -> None:
    ann, bob, cid = await ids_of(staffed, "ann", "bob", "cid")
    item = await staffed.deal(observer_ids=[ann])

    async def observers(action: str, *ids: str) -> list[str]:
        outputs = await staffed.done(about(item, ChangeObservers, action=action, observer_ids=ids))
        return list(outputs["observer_ids"])

    assert await observers("add", bob, ann) == [ann, bob]
    assert await observers("remove", ann) == [bob]
    assert await observers("replace", cid) == [cid]
    changed = await staffed.events(FieldsChanged, 3)
    assert [one.data.changed for one in changed] == [("observer_ids",)] * 3
    assert "observer_ids: are no employees' ids" in await staffed.refused(
        about(item, ChangeObservers, action="add", observer_ids=[item["id"]])
    )
    references = (await staffed.get("/v1/employees/cid/references"))["references"]
    assert [one["kind"] for one in references] == ["observer_of_open_item"]


async def test_members_of_departments_come_with_a_context_that_asks_for_them(staffed: Tenant) -> None:
    item = await staffed.deal()
    sellers = [UUID(one) for one in await ids_of(staffed, "ann", "bob", "cid")]

    (without,) = (await contexts(staffed.harness, (staffed, item), parts=["stage"])).contexts()
    (with_members,) = (await contexts(staffed.harness, (staffed, item), parts=["members"])).contexts()

    assert without.members == {}
    assert {code: list(ids) for code, ids in with_members.members.items()} == {"sales": sellers, "board": sellers}


async def test_only_tasks_that_rules_of_the_stage_made_are_completed(staffed: Tenant) -> None:
    item = await staffed.deal(responsible_id=await id_of(staffed, "ann"))
    await staffed.post(f"/v1/items/{item['id']}/tasks", {"name": "by hand"})
    for stage in ("new", "talks"):
        await staffed.done(about(item, CreateTask, name=f"of {stage}", stage=stage))

    assert await staffed.done(about(item, CompleteTasks, stage="new")) == {"completed": 1}

    tasks = (await staffed.get(f"/v1/items/{item['id']}/tasks"))["items"]
    assert {one["name"]: one["status"] for one in tasks} == {"by hand": "open", "of new": "done", "of talks": "open"}
