"""Commands over Kafka: what they do, what they answer, and that they do it once."""

import asyncio
from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts import topics
from contracts.catalogue import MESSAGES
from contracts.envelope import MAX_CAUSES, Cause
from contracts.kit.clock import new_id
from contracts.messages.client_commands import CreateCompany, CreateContact, UpdateCompany, UpdateContacts
from contracts.messages.employee_commands import ChangeObservers, ChangeResponsible, ReadEmployee, SelectEmployee
from contracts.messages.entity_commands import (
    AddTimelineEntry,
    BookResource,
    CompleteActivities,
    CompleteTasks,
    CopyItem,
    CreateFollowUp,
    CreateTask,
    FieldAssignment,
    ItemCommand,
    LockItem,
    MoveCandidate,
    MoveItem,
    PlanActivity,
    UnlockItem,
    UpdateItem,
)
from contracts.messages.entity_events import FieldsChanged, StageChanged
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
from contracts.messages.list_commands import CreateListRow, ReadListRow, UpdateListRow
from contracts.messages.party_commands import AddToExceptions, ChangeRequisites
from contracts.messages.payment_commands import CreatePaymentLink, ReadPayment
from contracts.messages.product_commands import AddProducts, CopyProducts, DeleteProducts, MoveProducts
from contracts.messages.results import CommandFailed
from contracts.messages.shipment_commands import AllowDelivery, CancelShipment, CreateShipment, ReadShipment
from integration.entity_service.harness import Harness, Tenant

LEFT = "the item has left the stage"


def move(item: dict[str, Any], *stages: str, **more: Any) -> MoveItem:
    candidates = tuple(MoveCandidate(stage=stage, reference=f"to-{stage}") for stage in stages)
    return MoveItem(item_id=UUID(item["id"]), candidates=candidates, actor="a-rule", **more)


async def test_a_move_goes_to_the_earliest_stage_and_says_so(shop: Tenant) -> None:
    item = await shop.deal()

    outputs = await shop.done(move(item, "won", "talks", "offer", forward_only=True))

    assert outputs == {
        "verdict": "moved",
        "stage": "talks",
        "pipeline": "sales",
        "reference": "to-talks",
        "entry_seq": 2,
    }
    entered = (await shop.events(StageChanged, 2))[1].data
    assert (entered.to_stage, entered.origin, entered.changed_by) == ("talks", "rule", "a-rule")


async def test_a_move_is_made_by_whom_the_chosen_candidate_names(shop: Tenant) -> None:
    item = await shop.deal()
    late, early = (MoveCandidate(stage=stage, actor=f"for-{stage}") for stage in ("offer", "talks"))

    await shop.done(MoveItem(item_id=UUID(item["id"]), candidates=(late, early), actor="x", origin="trigger"))

    assert (await shop.events(StageChanged, 2))[1].data.changed_by == "for-talks"


@pytest.mark.invariant(2)
async def test_a_command_sent_twice_has_one_effect_and_the_same_result(shop: Tenant) -> None:
    item = await shop.deal()
    order = shop.order(move(item, "talks", "offer"))

    await shop.harness.send(order, order)
    first, second = await shop.results(order.command_id, 2)
    await shop.done(AddTimelineEntry(item_id=UUID(item["id"]), text="later", actor="a-rule"))

    assert first == second
    assert (await shop.get(f"/v1/items/{item['id']}"))["entry_seq"] == 2
    assert len(shop.heard(StageChanged)) == 2


async def test_the_verdicts_behind_same_and_gone_move_nothing(shop: Tenant) -> None:
    item = await shop.deal(stage="offer")
    nothing = {**item, "id": str(uuid4())}

    behind = await shop.done(move(item, "new", forward_only=True))
    same = await shop.done(move(item, "new", "offer", forward_only=True))
    gone = await shop.done(move(nothing, "new"))

    assert [one["verdict"] for one in (behind, same, gone)] == ["behind", "same", "gone"]
    assert (same["stage"], same["reference"]) == ("offer", "to-offer")
    assert (await shop.get(f"/v1/items/{item['id']}"))["version"] == 1


async def test_a_candidate_that_does_not_exist_is_refused_by_name(shop: Tenant) -> None:
    item = await shop.deal()

    assert "has no stage 'moon'" in await shop.refused(move(item, "talks", "moon"))
    assert (await shop.get(f"/v1/items/{item['id']}"))["stage"] == "new"


ITEM_COMMANDS: Mapping[type[ItemCommand], Mapping[str, Any]] = {
    MoveItem: {"candidates": [{"stage": "talks"}]},
    UpdateItem: {"assignments": [{"field": "title", "value": "Elm"}]},
    CopyItem: {"pipeline": "sales"},
    CreateTask: {"name": "Call", "stage": "new"},
    PlanActivity: {"name": "Visit", "stage": "new"},
    CompleteActivities: {},
    BookResource: {"resource": "van", "start": "2030-05-07T12:00:00Z", "minutes": 60},
    CompleteTasks: {"stage": "new"},
    AddTimelineEntry: {"text": "hello"},
    DeleteItem: {},
    ReadItem: {"link": "parent", "fields": ["title"]},
    UpdateLinkedItems: {"link": "child", "assignments": [{"field": "title", "value": "Elm"}]},
    DeleteLinkedItems: {"link": "child"},
    LinkItems: {"other_id": str(UUID(int=1))},
    UnlinkItems: {},
    SetParentItem: {"parent_id": None},
    ConvertItem: {"target": "quote"},
    ChangeRequisites: {
        "party": "contact",
        "party_id": str(UUID(int=1)),
        "template": "person",
        "values": {"last_name": "Bell"},
    },
    AddToExceptions: {},
    ReadEmployee: {"employee_id": str(UUID(int=1))},
    SelectEmployee: {"method": "random"},
    ChangeResponsible: {"method": "first"},
    ChangeObservers: {"action": "replace", "observer_ids": []},
    UpdateContacts: {"contact_ids": [str(UUID(int=1))], "assignments": [{"field": "first_name", "value": "Alex"}]},
    UpdateCompany: {"company_id": str(UUID(int=1)), "assignments": [{"field": "address", "value": "Via Esempio 1"}]},
    CreateContact: {"assignments": [{"field": "first_name", "value": "Alex"}]},
    CreateCompany: {"assignments": [{"field": "title", "value": "Client"}]},
    AddProducts: {"rows": [{"name": "Table", "price": {"amount": 1, "currency": "EUR"}}]},
    DeleteProducts: {},
    CopyProducts: {"link": "child"},
    MoveProducts: {"link": "child"},
    CreateFollowUp: {"kind": "lead", "title": "Renewal"},
    LockItem: {"run_id": str(uuid4()), "workflow": "discount"},
    UnlockItem: {"lock_id": str(uuid4())},
    CreatePaymentLink: {"expires_at": "2096-02-29T12:00:00Z"},
    ReadPayment: {},
    CreateShipment: {"address": "Via Esempio 1"},
    AllowDelivery: {},
    CancelShipment: {},
    ReadShipment: {},
    CreateListRow: {"list": "warranties"},
    UpdateListRow: {"list": "warranties", "row_id": str(UUID(int=1)), "values": {"months": 12}},
    ReadListRow: {"list": "warranties", "row_id": str(UUID(int=1))},
}
"""Of every command about an item what it says beside the item and the actor."""


def about(item: dict[str, Any], command: type[ItemCommand], **more: Any) -> ItemCommand:
    return command.model_validate({"item_id": item["id"], "actor": "a-rule", **ITEM_COMMANDS[command], **more})


def test_every_item_command_is_tried() -> None:
    assert ITEM_COMMANDS.keys() == {one for one in MESSAGES[topics.ENTITY_COMMANDS] if issubclass(one, ItemCommand)}


@pytest.mark.parametrize("command", ITEM_COMMANDS)
async def test_a_command_that_expects_another_entry_is_refused(shop: Tenant, command: type[ItemCommand]) -> None:
    item = await shop.deal()

    assert await shop.refused(about(item, command, expect_entry_seq=2)) == LEFT
    assert (await shop.get(f"/v1/items/{item['id']}"))["version"] == 1


@pytest.mark.parametrize("command", ITEM_COMMANDS)
async def test_a_circle_is_refused_and_the_timeline_names_it(shop: Tenant, command: type[ItemCommand]) -> None:
    item = await shop.deal()
    causes = (Cause("rule-1", item["id"]), Cause("rule-2", item["id"]), Cause("rule-1", item["id"]))

    reason = await shop.refused(about(item, command), causes=causes)

    assert "in a circle: rule rule-1" in reason
    entries = (await shop.get(f"/v1/items/{item['id']}/timeline"))["items"]
    assert [(one["kind"], one["text"]) for one in entries[:-1]] == [("automation_stopped", reason)]
    assert await shop.get(f"/v1/items/{item['id']}") == item | {"lock": None}
    assert len((await shop.get("/v1/items"))["items"]) == 1


async def test_two_moves_at_once_of_which_each_expects_the_first_entry_move_once(shop: Tenant) -> None:
    item = await shop.deal()
    orders = [shop.order(move(item, stage, expect_entry_seq=1)) for stage in ("talks", "offer")]

    by_hand, _ = await asyncio.gather(shop.move(item, "won", if_match='"1"'), shop.harness.send(*orders))
    answers = [(await shop.results(order.command_id))[0] for order in orders]

    moved = [one for one in answers if getattr(one, "outputs", {}).get("verdict") == "moved"]
    assert len(moved) + (by_hand.status_code == 200) == 1
    assert (await shop.get(f"/v1/items/{item['id']}"))["entry_seq"] == 2


async def test_a_path_of_too_many_rules_is_stopped(shop: Tenant) -> None:
    item = await shop.deal()
    causes = tuple(Cause(str(uuid4()), str(uuid4())) for _ in range(MAX_CAUSES + 1))

    assert f"more than {MAX_CAUSES} rules" in await shop.refused(move(item, "talks"), causes=causes)
    assert "moved" in (await shop.done(move(item, "talks"), causes=causes[1:]))["verdict"]


async def test_the_causepath_of_a_move_goes_on_into_its_event(shop: Tenant) -> None:
    item = await shop.deal()
    causes = (Cause("rule-1", item["id"]),)

    await shop.done(move(item, "talks"), causes=causes)

    entered = (await shop.events(StageChanged, 2))[1]
    assert (entered.causepath, entered.correlation) == (causes, "a-correlation")


def wanted_by(trigger: str, stage: str) -> MoveCandidate:
    return MoveCandidate(stage=stage, reference=trigger, rule_id=f"trigger/{trigger}")


async def test_the_trigger_whose_stage_is_chosen_is_a_cause_of_the_entry_and_moves_no_second_time(shop: Tenant) -> None:
    item = await shop.deal()
    both = MoveItem(
        item_id=item["id"], actor="somebody", candidates=(wanted_by("late", "offer"), wanted_by("early", "talks"))
    )
    assert (await shop.done(both))["reference"] == "early"
    entered = (await shop.events(StageChanged, 2))[1]
    assert entered.causepath == (Cause("trigger/early", item["id"]),)

    onward = MoveItem(item_id=item["id"], actor="somebody", candidates=(wanted_by("late", "offer"),))
    assert (await shop.done(onward, causes=entered.causepath))["verdict"] == "moved"
    again = (await shop.events(StageChanged, 3))[2]
    back = MoveItem(item_id=item["id"], actor="somebody", candidates=(wanted_by("early", "talks"),))
    reason = await shop.refused(back, causes=again.causepath)

    assert "in a circle: trigger/early acts on this item a second time" in reason
    entries = (await shop.get(f"/v1/items/{item['id']}/timeline"))["items"]
    assert (entries[0]["kind"], entries[0]["text"]) == ("automation_stopped", reason)
    assert (await shop.get(f"/v1/items/{item['id']}"))["stage"] == "offer"


async def test_an_update_sets_appends_and_names_what_it_cannot_set(shop: Tenant) -> None:
    await shop.put("/v1/fields/deal/tags", {"name": "Tags", "type": "text", "multiple": True})
    item = await shop.deal(fields={"tags": ["old"]})

    def update(field: str, value: Any, append: bool = False) -> UpdateItem:
        assignment = FieldAssignment(field=field, value=value, append=append)
        return UpdateItem(item_id=UUID(item["id"]), assignments=(assignment,), actor="a-rule")

    assert await shop.done(update("fields.tags", "new", append=True)) == {"version": 2}
    assert await shop.done(update("fields.tags", "new", append=True)) == {"version": 2}
    assert "stage: cannot be set" in await shop.refused(update("stage", "won"))
    changed = (await shop.events(FieldsChanged))[0].data
    assert (changed.changed, changed.item.fields["tags"]) == (("fields.tags",), ["old", "new"])


async def test_a_follow_up_is_linked_to_where_it_came_from(shop: Tenant) -> None:
    item = await shop.deal()
    body = CreateFollowUp(item_id=UUID(item["id"]), kind="lead", title="Renewal", actor="a-rule")

    outputs = await shop.done(body)

    (link,) = (await shop.get(f"/v1/items/{item['id']}/links"))["items"]
    assert (link["relation"], link["direction"], link["item_id"]) == ("follow_up", "to", outputs["item_id"])


async def test_a_copy_carries_everything_over(shop: Tenant) -> None:
    await shop.put("/v1/fields/deal/size", {"name": "Size", "type": "text"})
    contact = await shop.post("/v1/contacts", {"first_name": "Anna"})
    company = await shop.post("/v1/companies", {"title": "Elm Ltd"})
    item = await shop.deal(contact_ids=[contact["id"]], company_id=company["id"], fields={"size": "large"})
    await shop.put(f"/v1/items/{item['id']}/products", {"rows": [{"name": "Table", "price": 10000, "quantity": 2}]})

    outputs = await shop.done(CopyItem(item_id=UUID(item["id"]), pipeline="installation", actor="a-rule"))

    copied = await shop.get(f"/v1/items/{outputs['item_id']}")
    assert (copied["title"], copied["pipeline"], copied["stage"]) == ("Oak table Copy", "installation", "new")
    assert (copied["version"], copied["entry_seq"]) == (1, 1)
    assert copied["amount"] == {"amount": 20000, "currency": "EUR"}
    for name in ("contact_ids", "company_id", "fields"):
        assert copied[name] == item[name]
    products = await shop.get(f"/v1/items/{copied['id']}/products")
    assert [row["name"] for row in products["rows"]] == ["Table"]


async def test_rows_of_a_list_are_written_and_read(shop: Tenant) -> None:
    field = {"code": "months", "name": "Months", "type": "number"}
    await shop.put("/v1/lists/warranties", {"title": "Warranties", "fields": [field, field | {"code": "days"}]})
    item = UUID((await shop.deal())["id"])

    made = await shop.done(CreateListRow(item_id=item, list="warranties", values={"months": 12}, actor="rule:x"))
    row = {"item_id": item, "list": "warranties", "row_id": UUID(made["row_id"]), "actor": "rule:x"}
    changed = await shop.done(UpdateListRow(**row, values={"months": 24}))
    read = await shop.done(ReadListRow(**row))

    assert changed == {"row_id": made["row_id"], "version": 2}
    assert read == {"row_id": made["row_id"], "values": {"months": 24, "days": None}}
    assert (await shop.done(ReadListRow(**row, fields=("months",))))["values"] == {"months": 24}
    assert await shop.refused(ReadListRow(**row, fields=("years",))) == "there is no field 'years' in list 'warranties'"
    nothing = await shop.refused(ReadListRow(**row | {"row_id": item}))
    assert nothing == f"there is no row {item} in list 'warranties'"
    wrong = await shop.refused(UpdateListRow(**row, values={"months": "x"}))
    assert wrong == "values.months: is a number"


async def test_tasks_are_completed_when_the_item_leaves_their_stage(shop: Tenant) -> None:
    worker = await shop.put("/v1/employees/worker", {"first_name": "Wim"})
    item = await shop.deal(responsible_id=worker["id"])

    def task(name: str, stage: str, complete: bool) -> CreateTask:
        return CreateTask(item_id=UUID(item["id"]), name=name, stage=stage, complete_on_leave=complete, actor="a-rule")

    await shop.done(task("goes", "new", True))
    await shop.done(task("stays", "new", False))
    await shop.move(item, "talks")
    await shop.done(task("late", "new", True))

    tasks = (await shop.get(f"/v1/tasks?assignee={worker['id']}"))["items"]
    assert {one["name"]: one["status"] for one in tasks} == {"goes": "done", "stays": "open", "late": "done"}


async def test_a_null_character_in_a_text_fails_its_command_at_once_with_the_place_of_it(shop: Tenant) -> None:
    item = await shop.deal()
    body = AddTimelineEntry(item_id=UUID(item["id"]), text="Call\x00", actor="a-rule")

    answer = await shop.handle(body)

    assert isinstance(answer, CommandFailed)
    assert answer.reason == "the command cannot be handled: text: contains a null character"
    assert not answer.retryable
    assert await shop.done(body.model_copy(update={"text": "Call"}))


async def test_a_task_for_nobody_is_refused(shop: Tenant) -> None:
    item = await shop.deal()
    body = CreateTask(item_id=UUID(item["id"]), name="Call", stage="new", actor="a-rule")

    assert "no responsible person" in await shop.refused(body)
    assert "no employees' ids" in await shop.refused(body.model_copy(update={"assignee_id": uuid4()}))


async def test_another_tenants_item_is_gone_for_a_command(harness: Harness, shop: Tenant) -> None:
    item = await shop.deal()
    other_tenant = await harness.tenant().open()
    body = UpdateItem(
        item_id=UUID(item["id"]), assignments=(FieldAssignment(field="title", value="Mine"),), actor="a-rule"
    )

    assert (await other_tenant.done(move(item, "talks")))["verdict"] == "gone"
    assert await other_tenant.refused(body) == f"there is no item {item['id']}"
    assert await shop.get(f"/v1/items/{item['id']}") == item | {"lock": None}


async def test_a_command_that_breaks_the_database_fails_and_the_others_go_on(shop: Tenant) -> None:
    item = await shop.deal()
    broken = shop.order(AddTimelineEntry(item_id=UUID(item["id"]), text="nul\x00l", actor="a-rule"))
    sound = shop.order(AddTimelineEntry(item_id=UUID(item["id"]), text="sound", actor="a-rule"), id=new_id())

    await shop.harness.send(broken, sound)
    failed, done = (await shop.results(broken.command_id))[0], (await shop.results(sound.command_id))[0]

    assert (failed.TYPE, done.TYPE) == ("crm.command.failed.v1", "crm.command.done.v1")
