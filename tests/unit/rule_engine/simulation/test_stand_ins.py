"""Stand-ins answer as the caller says, always in the same way, with outputs that later rules can name."""

import os
import subprocess
import sys
from uuid import UUID

import pytest
from pydantic import ValidationError

from contracts.messages.client_commands import CreateCompany, CreateContact, UpdateCompany, UpdateContacts
from contracts.messages.comms import Notify, SendMessage
from contracts.messages.doc import CreateDocument, CreateQrCode
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
    PlanActivity,
)
from contracts.messages.link_commands import (
    ConvertItem,
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
from contracts.messages.rule_commands import StartWorkflow, StopAutomation, StopWorkflows
from contracts.messages.shipment_commands import AllowDelivery, CancelShipment, CreateShipment, ReadShipment
from local_stack.layout import WORKSPACE
from rule_engine.domain.simulation.made_up import made_up_outputs
from rule_engine.domain.simulation.stand_ins import StandIn, answer, fraction
from rule_engine.rules import REGISTRY
from support.shop import DEAL, FURNITURE_SHOP, NOON, SELLER
from support.simulated import deals, many_deals, simulated, world

ID = UUID("00000000-0000-4000-8000-0000000000aa")
ABOUT = {"item_id": DEAL, "actor": "rule:one"}
SET = (FieldAssignment(field="title", value="x"),)
PLANNED = PlanActivity(**ABOUT, name="Call", stage="new")
SENT = {
    "send_sms": SendMessage(item_id=DEAL, kind="sms", to="+49301", sent_by="rule:one"),
    "send_email": SendMessage(item_id=DEAL, kind="email", to="a@example.org", sent_by="rule:one"),
    "notify_supervisor": Notify(recipients=(SELLER.id,), text="Look"),
    "notify_employee": Notify(recipients=(SELLER.id,), text="Look"),
    "add_timeline_comment": AddTimelineEntry(**ABOUT, kind="comment", text="Look"),
    "add_history_entry": AddTimelineEntry(**ABOUT, text="Look"),
    "change_observers": ChangeObservers(**ABOUT, action="add", observer_ids=(SELLER.id,)),
    "change_responsible": ChangeResponsible(**ABOUT, method="random", employee_ids=(SELLER.id,)),
    "get_employee": ReadEmployee(**ABOUT, employee_id=SELLER.id),
    "select_employee": SelectEmployee(**ABOUT, method="random", departments=("sales",)),
    "complete_tasks": CompleteTasks(**ABOUT, stage="new"),
    **dict.fromkeys(
        ("plan_activity", "schedule_call", "schedule_meeting"), PlanActivity(**ABOUT, name="x", stage="new")
    ),
    "complete_activities": CompleteActivities(**ABOUT),
    "book_resource": BookResource(**ABOUT, resource="van", start=NOON, minutes=60),
    "create_item": CreateFollowUp(**ABOUT, kind="lead", title="Again", linked=False),
    "get_item_data": ReadItem(**ABOUT, link="parent", fields=("title",)),
    "update_linked_item": UpdateLinkedItems(**ABOUT, other_id=DEAL, assignments=SET),
    "delete_linked_item": DeleteLinkedItems(**ABOUT, link="child"),
    "update_contact": UpdateContacts(**ABOUT, contact_ids=(DEAL,), assignments=SET),
    "update_company": UpdateCompany(**ABOUT, company_id=DEAL, assignments=SET),
    "create_contact": CreateContact(**ABOUT, assignments=SET),
    "create_company": CreateCompany(**ABOUT, assignments=SET),
    "add_products": AddProducts(**ABOUT, rows=({"name": "Table", "price": {"amount": 1, "currency": "EUR"}},)),
    "copy_products": CopyProducts(**ABOUT, link="child"),
    "move_products": MoveProducts(**ABOUT, other_id=DEAL),
    "delete_products": DeleteProducts(**ABOUT),
    "list_item_create": CreateListRow(**ABOUT, list="notes"),
    "list_item_update": UpdateListRow(**ABOUT, list="notes", row_id=DEAL, values={"size": 3}),
    "list_item_read": ReadListRow(**ABOUT, list="notes", row_id=DEAL),
    "link_items": LinkItems(**ABOUT, other_id=DEAL),
    "unlink_items": UnlinkItems(**ABOUT),
    "set_parent_item": SetParentItem(**ABOUT, parent_id=DEAL),
    "create_from_source": ConvertItem(**ABOUT, target="quote"),
    "change_requisites": ChangeRequisites(**ABOUT, party="contact", template="person", values={"last_name": "Bell"}),
    "add_to_exceptions": AddToExceptions(**ABOUT),
    "create_task": CreateTask(**ABOUT, name="Call", stage="new"),
    "create_repeat_lead": CreateFollowUp(**ABOUT, kind="lead", title="Again"),
    "copy_deal": CopyItem(**ABOUT, pipeline="sales"),
    "start_workflow": StartWorkflow(item_id=DEAL, workflow="chase", wait_for_end=True, started_by="rule:one"),
    "stop_workflows": StopWorkflows(item_id=DEAL, reason="enough"),
    "stop_automation": StopAutomation(item_id=DEAL, reason="enough"),
    "create_qr_code": CreateQrCode(item_id=DEAL, title="Care", created_by="rule:one"),
    "create_payment_link": CreatePaymentLink(**ABOUT, expires_at=NOON),
    "get_payment": ReadPayment(**ABOUT),
    "create_shipment": CreateShipment(**ABOUT, address="Via Esempio 1"),
    "allow_delivery": AllowDelivery(**ABOUT),
    "cancel_shipment": CancelShipment(**ABOUT),
    "get_delivery": ReadShipment(**ABOUT),
    "create_document": CreateDocument(item_id=DEAL, template="bill", data={}, public_link=True, created_by="rule:one"),
}
MAY_BE_UNKNOWN = {
    "start_workflow": {"status"},
    "get_employee": {"absent_until"},
    "get_payment": {"paid_at", "method", "link"},
    "create_from_source": {"contact_id", "company_id"},
    "add_products": {"amount"},
    "copy_products": {"amount"},
    "move_products": {"amount"},
    "delete_products": {"amount"},
}
"""A workflow need not have a status; an employee may be there; a payment may be open; without rows
there is no amount."""
WITHOUT_COMMAND = {"update_item", "change_stage", "change_pipeline", "generate_code", "get_products", "get_requisites"}
"""What the simulation itself does to the item, or the rule by itself."""


@pytest.mark.parametrize("rule_type", [one for one in REGISTRY.values() if one.outputs.model_fields])
def test_every_rule_type_gets_all_its_outputs(rule_type: object) -> None:
    kind = REGISTRY[getattr(rule_type, "type")]  # noqa: B009 - parametrised over classes of many parameters
    if kind.type in WITHOUT_COMMAND or kind.stores:
        return
    outputs = kind.outputs_of(made_up_outputs(SENT[kind.type], ID))
    kind.outputs.model_validate(outputs)
    assert outputs.keys() >= kind.outputs.model_fields.keys()
    unknown = {name for name in kind.outputs.model_fields if outputs[name] is None}
    assert unknown == MAY_BE_UNKNOWN.get(kind.type, set())


def test_the_first_stand_in_that_fits_answers_and_without_one_it_is_done_at_once() -> None:
    known = [StandIn(rule="greet", after_seconds=5), StandIn(type="send_sms", refused=1.0), StandIn(failed=1.0)]
    assert answer(known, "greet", "send_sms", "x").outcome == "done"
    assert answer(known, "other", "send_sms", "x").outcome == "refused"
    assert answer(known, "other", "create_task", "x").outcome == "failed"
    assert (answer([], "other", "create_task", "x").outcome, answer([], "a", "b", "x").after.total_seconds()) == (
        "done",
        0,
    )


def test_shares_are_drawn_evenly_and_for_ever_in_the_same_way() -> None:
    drawn = [fraction(str(number)) for number in range(4000)]
    assert 0.47 < sum(drawn) / len(drawn) < 0.53
    assert fraction("deal 1/greet/1") == pytest.approx(0.02495, abs=1e-5)


def test_shares_that_are_more_than_one_together_are_refused() -> None:
    with pytest.raises(ValidationError, match="more than 1 together"):
        StandIn(refused=0.6, failed=0.6)


@pytest.mark.parametrize("seed", ["1", "2"])
def test_another_process_says_the_same_to_the_byte(seed: str) -> None:
    code = "import sys; from support.simulated import many_deals; sys.stdout.write(many_deals())"
    done = subprocess.run(  # noqa: S603 - our own code
        [sys.executable, "-c", code],
        env=os.environ | {"PYTHONHASHSEED": seed},
        cwd=WORKSPACE / "tests",
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == many_deals()


def test_how_it_is_cut_into_slices_changes_nothing() -> None:
    made = world(FURNITURE_SHOP, items=deals(10))
    assert simulated(made, at_once=1) == simulated(made, at_once=1000)
