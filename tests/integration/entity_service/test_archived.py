"""Archived employees: what still refers to them is listed, and new work goes to the next."""

from typing import Any
from uuid import UUID

import pytest

from contracts.messages.entity_commands import (
    CopyItem,
    CreateFollowUp,
    CreateItem,
    CreateTask,
    FieldAssignment,
    UpdateItem,
)
from integration.entity_service.harness import Harness, Tenant, contexts


@pytest.fixture
async def staffed(shop: Tenant) -> dict[str, str]:
    """The ids of Sia, who is archived and once sold, of her department's head, and of somebody of no department."""
    await shop.put("/v1/departments/sales", {"name": "Sales", "head": "hilda"})
    ids = {}
    for code, department in (("sia", "sales"), ("hilda", "sales"), ("nils", None)):
        made = await shop.put(f"/v1/employees/{code}", {"first_name": code.title(), "department": department})
        ids[code] = made["id"]
    return ids


async def archive(shop: Tenant, code: str, **more: Any) -> Any:
    return await shop.put(f"/v1/employees/{code}", {"first_name": code.title(), "archived": True, **more})


async def history(shop: Tenant, item: Any) -> list[str]:
    entries = (await shop.get(f"/v1/items/{item}/timeline"))["items"]
    return [one["text"] for one in entries if one["kind"] == "history"]


async def test_archiving_answers_what_still_refers_to_the_employee(shop: Tenant, staffed: dict[str, str]) -> None:
    deals = [await shop.deal(title=f"Deal {n}", responsible_id=staffed["hilda"]) for n in range(22)]
    won = await shop.deal(responsible_id=staffed["hilda"])
    await shop.move(won, "won")
    path = f"/v1/items/{deals[0]['id']}/tasks"
    task = await shop.post(path, {"name": "Call", "observers": [staffed["hilda"]], "participants": [staffed["hilda"]]})
    done = await shop.post(path, {"name": "Mail"})
    await shop.ask("PATCH", f"/v1/tasks/{done['id']}", {"status": "done"})
    await shop.put("/v1/employees/sia", {"first_name": "Sia", "department": "sales", "successor": "hilda"})
    await shop.put("/v1/tenant", {"name": "Shop", "default_assignee": "hilda"})

    answer = (await archive(shop, "hilda", successor="nils"))["references"]

    assert answer["new_work_goes_to"] == "nils"
    found = {one["kind"]: (one["count"], [first["name"] for first in one["first"]]) for one in answer["references"]}
    assert found == {
        "open_item": (22, [deal["title"] for deal in deals[:20]]),
        "open_task": (1, ["Call"]),
        "participant_of_open_task": (1, ["Call"]),
        "observer_of_open_task": (1, ["Call"]),
        "head_of_department": (1, ["Sales"]),
        "successor_of_employee": (1, ["Sia"]),
        "default_assignee": (1, ["Shop"]),
    }
    assert answer["references"][1]["first"] == [{"ref": task["id"], "name": "Call"}]
    assert await shop.get("/v1/employees/hilda/references") == answer


async def test_who_is_not_archived_is_answered_without_references(shop: Tenant, staffed: dict[str, str]) -> None:
    answer = await shop.put("/v1/employees/sia", {"first_name": "Sia"})
    assert (answer["id"], answer["references"]) == (staffed["sia"], None)
    assert (await shop.get("/v1/employees/sia/references"))["new_work_goes_to"] == "sia"
    assert (await shop.ask("GET", "/v1/employees/nobody/references")).status_code == 404
    itself = await shop.ask("PUT", "/v1/employees/sia", {"first_name": "Sia", "successor": "sia"})
    assert (itself.status_code, itself.json()["errors"][0]["where"]) == (422, "successor")


async def test_a_task_of_a_rule_for_an_archived_employee_goes_to_the_head_and_the_timeline_says_so(
    shop: Tenant, staffed: dict[str, str]
) -> None:
    deal = await shop.deal(responsible_id=staffed["nils"])
    await archive(shop, "sia", department="sales")
    wanted = CreateTask(
        item_id=UUID(deal["id"]),
        name="Call",
        assignee_id=UUID(staffed["sia"]),
        participants=(UUID(staffed["sia"]), UUID(staffed["nils"]), UUID(staffed["hilda"])),
        stage="new",
        actor="rule:call",
    )

    await shop.done(wanted)

    (task,) = (await shop.get(f"/v1/items/{deal['id']}/tasks"))["items"]
    assert task["assignee_id"] == staffed["hilda"]
    assert task["participants"] == [staffed["hilda"], staffed["nils"]]
    assert await history(shop, deal["id"]) == [
        "a part in the task 'Call' for Sia, who is archived, goes to Hilda",
        "the task 'Call' for Sia, who is archived, goes to Hilda",
    ]


async def test_a_task_without_assignee_on_an_archived_employees_item_goes_to_the_next_for_people_too(
    shop: Tenant, staffed: dict[str, str]
) -> None:
    deal = await shop.deal(responsible_id=staffed["sia"])
    await archive(shop, "sia", successor="nils")

    task = await shop.post(f"/v1/items/{deal['id']}/tasks", {"name": "Call"})

    assert task["assignee_id"] == staffed["nils"]
    assert await history(shop, deal["id"]) == ["the task 'Call' for Sia, who is archived, goes to Nils"]


async def test_an_observer_whom_nobody_follows_is_left_out(shop: Tenant, staffed: dict[str, str]) -> None:
    deal = await shop.deal(responsible_id=staffed["nils"])
    await archive(shop, "sia")
    wanted = CreateTask(
        item_id=UUID(deal["id"]), name="Call", observers=(UUID(staffed["sia"]),), stage="new", actor="rule:call"
    )

    await shop.done(wanted)

    (task,) = (await shop.get(f"/v1/items/{deal['id']}/tasks"))["items"]
    assert (task["assignee_id"], task["observers"]) == (staffed["nils"], [])
    assert "nobody is left" in (await history(shop, deal["id"]))[0]


async def test_leads_copies_and_changes_by_rules_go_to_the_next(shop: Tenant, staffed: dict[str, str]) -> None:
    sia, nils = UUID(staffed["sia"]), staffed["nils"]
    deal = await shop.deal(responsible_id=staffed["sia"])
    other = await shop.deal(responsible_id=staffed["hilda"])
    await archive(shop, "sia", department="sales", successor="nils")

    lead = await shop.done(
        CreateItem(kind="lead", title="Again", responsible_id=sia, actor="form:contact", origin="intake")
    )
    copy = await shop.done(CopyItem(item_id=UUID(deal["id"]), pipeline="sales", actor="rule:copy"))
    change = FieldAssignment(field="responsible_id", value=str(sia))
    await shop.done(UpdateItem(item_id=UUID(other["id"]), assignments=(change,), actor="rule:change"))

    for item, title in ((lead["item_id"], "lead 'Again'"), (copy["item_id"], "deal 'Oak table Copy'")):
        assert (await shop.get(f"/v1/items/{item}"))["responsible_id"] == nils
        assert await history(shop, item) == [f"the {title} for Sia, who is archived, goes to Nils"]
    assert (await shop.get(f"/v1/items/{other['id']}"))["responsible_id"] == nils
    assert await history(shop, other["id"]) == ["the deal 'Oak table' for Sia, who is archived, goes to Nils"]
    assert (await shop.get(f"/v1/items/{deal['id']}"))["responsible_id"] == staffed["sia"], "what was theirs stays"


async def test_an_invoice_of_an_archived_employees_deal_goes_to_the_next(shop: Tenant, staffed: dict[str, str]) -> None:
    deal = await shop.deal(responsible_id=staffed["sia"], amount={"amount": 100, "currency": "EUR"})
    await archive(shop, "sia", successor="nils")

    made = await shop.post(f"/v1/items/{deal['id']}/invoices", {})

    assert made["invoice"]["responsible_id"] == staffed["nils"]


async def test_with_nobody_left_a_command_is_refused_and_says_what_to_do(shop: Tenant, staffed: dict[str, str]) -> None:
    sia = UUID(staffed["sia"])
    deal = await shop.deal(responsible_id=staffed["nils"])
    await archive(shop, "sia")
    wanted = (
        CreateTask(item_id=UUID(deal["id"]), name="Call", assignee_id=sia, stage="new", actor="rule:call"),
        CreateFollowUp(item_id=UUID(deal["id"]), kind="lead", title="Again", responsible_id=sia, actor="rule:again"),
        CopyItem(item_id=UUID(deal["id"]), pipeline="sales", responsible_id=sia, actor="rule:copy"),
    )

    for command in wanted:
        reason = await shop.refused(command)
        assert "employee 'sia' is archived and nobody is left to take over: give them a successor" in reason

    await shop.put("/v1/tenant", {"name": "Shop", "default_assignee": "nils"})
    await shop.done(wanted[0])


async def test_a_person_who_names_an_archived_employee_is_refused(shop: Tenant, staffed: dict[str, str]) -> None:
    sia = staffed["sia"]
    hers = await shop.deal(responsible_id=sia)
    deal = await shop.deal()
    await archive(shop, "sia", successor="nils")
    asked = (
        ("POST", "/v1/items", {"kind": "deal", "title": "New", "responsible_id": sia}, "responsible_id"),
        ("PATCH", f"/v1/items/{deal['id']}", {"responsible_id": sia}, "responsible_id"),
        (
            "POST",
            "/v1/items/import",
            {"items": [{"kind": "deal", "title": "New", "responsible_id": sia}]},
            "items[0].responsible_id",
        ),
        ("POST", f"/v1/items/{deal['id']}/tasks", {"name": "Call", "assignee_id": sia}, "employees"),
        (
            "POST",
            f"/v1/items/{deal['id']}/tasks",
            {"name": "Call", "assignee_id": staffed["nils"], "observers": [sia]},
            "employees",
        ),
    )

    for method, path, body, where in asked:
        answer = await shop.ask(method, path, body, if_match="*")
        assert (answer.status_code, [one["where"] for one in answer.json()["errors"]]) == (422, [where]), answer.text
        assert "archived" in answer.text
    same = await shop.patch(f"/v1/items/{hers['id']}", {"responsible_id": sia, "title": "Elm table"})
    assert (same["responsible_id"], same["title"]) == (sia, "Elm table")


async def test_other_services_read_who_gets_new_work(harness: Harness, shop: Tenant, staffed: dict[str, str]) -> None:
    deal = await shop.deal()
    await archive(shop, "sia", successor="nils")
    lost = await shop.put("/v1/employees/lost", {"first_name": "Lou", "archived": True})

    (context,) = (await contexts(harness, (shop, deal))).contexts()
    (without,) = (await contexts(harness, (shop, deal), parts=["contacts"])).contexts()

    assert context.reassignments == {UUID(staffed["sia"]): UUID(staffed["nils"]), UUID(lost["id"]): None}
    assert without.reassignments == {}
