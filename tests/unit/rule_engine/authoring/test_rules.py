"""The rule types: the command each one makes, and why it cannot."""

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from contracts.messages.comms import Notify, SendMessage
from contracts.messages.doc import CreateDocument, CreateQrCode
from contracts.messages.entity_commands import (
    BookResource,
    CompleteActivities,
    CopyItem,
    CreateFollowUp,
    CreateTask,
    MoveItem,
    PlanActivity,
    UpdateItem,
)
from contracts.messages.payment_commands import CreatePaymentLink, ReadPayment
from contracts.messages.rule_commands import StartWorkflow, StopAutomation, StopWorkflows
from contracts.messages.shipment_commands import AllowDelivery, CancelShipment, CreateShipment, ReadShipment
from rule_engine.domain.actions import Failure
from rule_engine.domain.language.values import values_of
from rule_engine.rules import REGISTRY
from support.acting import act
from support.shop import ADA, BELL, COMPANY, CONTACT, DEAL, HEAD, NOON, SELLER, SETTINGS, WAREHOUSE, deal

FILE = {"file_id": str(UUID(int=5)), "name": "invoice.pdf", "sha256": "0" * 64, "media_type": "application/pdf"}


def test_an_sms_goes_to_the_first_number_of_the_contact_with_the_text_as_it_is() -> None:
    message = act("send_sms", {"text": "Hello Ada, a manager will contact you within 30 minutes"})
    assert message == SendMessage(
        item_id=DEAL,
        contact_id=CONTACT,
        kind="sms",
        to="+493012345678",
        to_name="Ada Bell",
        text="Hello Ada, a manager will contact you within 30 minutes",
        sent_by="rule:it",
    )


def test_how_long_an_sms_may_be_is_decided_where_its_parts_are_counted() -> None:
    assert act("send_sms", {"text": "a" * 1531}).text == "a" * 1531


@pytest.mark.parametrize(
    ("phone_type", "to", "contact"),
    [("mobile", "+491701234567", CONTACT), ("work", "+493099999999", None)],
)
def test_an_sms_takes_the_wanted_type_of_the_contact_then_of_the_company(
    phone_type: str, to: str, contact: UUID | None
) -> None:
    message = act("send_sms", {"text": "Hi", "phone_type": phone_type})
    assert (message.to, message.contact_id) == (to, contact)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"company": None}, "the contact has no phone number"),
        ({}, "the contact has no phone number, nor has the company"),
        ({"contact": None}, "the item has no contact, and its company has no phone number"),
        (
            {"contact": None, "company": None},
            "the item has neither a contact nor a company to take a phone number from",
        ),
    ],
)
def test_an_sms_without_a_number_fails_with_that_reason(changes: dict[str, Any], reason: str) -> None:
    mute = {"contact": ADA.model_copy(update={"phones": ()}), "company": BELL.model_copy(update={"phones": ()})}
    assert act("send_sms", {"text": "Hi"}, deal(**mute | changes)) == Failure(reason)


def test_an_sms_without_a_number_of_the_type_says_which() -> None:
    answer = act("send_sms", {"text": "Hi", "phone_type": "other"}, deal(company=None))
    assert answer == Failure("the contact has no phone number of type other")


def test_an_email_is_plain_or_html_with_its_attachments() -> None:
    params = {"subject": "Your invoice", "text": "It is attached", "attachments": [FILE]}
    message = act("send_email", params)
    assert (message.to, message.subject, message.text, message.html) == (
        "ada@example.org",
        "Your invoice",
        "It is attached",
        None,
    )
    assert message.attachments[0].name == "invoice.pdf"
    as_html = act("send_email", {"subject": "Hi", "text": "<b>Hi</b>", "html": True, "address_type": "work"})
    assert (as_html.to, as_html.html, as_html.text) == ("office@example.org", "<b>Hi</b>", "")


def test_an_email_without_an_address_fails_with_that_reason() -> None:
    context = deal(contact=ADA.model_copy(update={"emails": ()}), company=None)
    assert act("send_email", {"subject": "Hi", "text": "Hi"}, context) == Failure("the contact has no e-mail address")


def test_an_attachment_that_is_no_file_is_refused() -> None:
    with pytest.raises(ValidationError):
        act("send_email", {"subject": "Hi", "text": "Hi", "attachments": [None]})


def test_the_supervisor_is_notified_unless_others_are_named() -> None:
    assert act("notify_supervisor", {"text": "Look"}) == Notify(item_id=DEAL, recipients=(HEAD.id,), text="Look")
    named = act("notify_supervisor", {"text": "Look", "recipients": [str(WAREHOUSE.id)]})
    assert named.recipients == (WAREHOUSE.id,)


def test_what_is_meant_for_archived_employees_is_told_to_whoever_gets_their_work() -> None:
    gone, lost = UUID(int=71), UUID(int=72)
    context = deal(reassignments={gone: HEAD.id, lost: None})
    to = {"text": "Look", "recipients": [str(gone), str(WAREHOUSE.id), str(lost), str(HEAD.id)]}
    assert act("notify_supervisor", to, context).recipients == (HEAD.id, WAREHOUSE.id)
    nobody = act("notify_supervisor", {"text": "Look", "recipients": [str(lost)]}, context)
    assert isinstance(nobody, Failure)
    assert "nobody is left to take over: give them successors" in nobody.reason


def test_without_a_supervisor_the_notification_fails() -> None:
    answer = act("notify_supervisor", {"text": "Look"}, deal(supervisor=None))
    assert isinstance(answer, Failure)
    assert "no supervisor" in answer.reason


def test_a_document_gets_everything_its_template_may_print() -> None:
    command = act("create_document", {"template": "invoice", "public_link": True, "fields": {"note": "Thanks"}})
    assert isinstance(command, CreateDocument)
    assert (command.template, command.wait_for_pdf, command.public_link) == ("invoice", True, True)
    assert (command.language, command.time_zone, command.fields) == ("en", "Europe/Berlin", {"note": "Thanks"})
    assert command.data["company"] == values_of(deal(), {}, NOON)["company"]
    assert "steps" not in command.data


def test_a_qr_code_says_in_the_tenants_language_what_it_leads_to() -> None:
    said = {"title": "Care", "description": "Oil it", "address": "https://shop.example/care"}
    made = CreateQrCode.model_validate(said | {"item_id": DEAL, "language": "en", "created_by": "rule:it"})
    assert act("create_qr_code", said) == made


SAME: dict[str, Any] = {"item_id": DEAL, "expect_entry_seq": 2, "actor": "rule:it"}


def test_a_payment_link_ends_in_two_weeks_unless_its_rule_says_when() -> None:
    assert act("create_payment_link", {}) == CreatePaymentLink(**SAME, expires_at=NOON + timedelta(days=14))
    said = {"amount": {"amount": 1, "currency": "EUR"}, "expires": {"in": {"hours": 2}}, "account": "bank"}
    link = act("create_payment_link", said)
    assert (link.amount.amount, link.expires_at, link.account) == (1, NOON + timedelta(hours=2), "bank")
    nothing = act("create_payment_link", {"amount": {"amount": 0, "currency": "EUR"}})
    assert nothing == Failure("params.amount: give a positive amount")


def test_a_shipment_is_brought_within_a_window_that_does_not_end_before_it_begins() -> None:
    window = {"start": {"in": {"hours": 1}}, "end": {"in": {"hours": 3}}}
    said = {"address": "Via Esempio 1", "carrier": "courier"}
    times = {"window_start": NOON + timedelta(hours=1), "window_end": NOON + timedelta(hours=3)}
    assert act("create_shipment", {**said, "window": window}) == CreateShipment(**SAME, **said, **times)
    backwards = act("create_shipment", {**said, "window": {"start": window["end"], "end": window["start"]}})
    assert backwards == Failure("params.window: it ends before it begins")


@pytest.mark.parametrize(
    ("type", "command"),
    [("allow_delivery", AllowDelivery), ("cancel_shipment", CancelShipment), ("get_delivery", ReadShipment)],
)
def test_the_last_shipment_is_meant_unless_one_is_named(type: str, command: Any) -> None:
    assert act(type, {}) == command(**SAME)
    assert act(type, {"shipment": str(UUID(int=7))}) == command(**SAME, shipment_id=UUID(int=7))


def test_the_last_payment_is_meant_unless_one_is_named() -> None:
    assert act("get_payment", {}) == ReadPayment(**SAME)
    assert act("get_payment", {"payment": str(UUID(int=7))}) == ReadPayment(**SAME, payment_id=UUID(int=7))


def test_a_task_is_due_tomorrow_at_two_in_the_companys_zone() -> None:
    deadline = {"in": {"days": 1}, "at": "14:00"}
    params = {"name": "Pack", "description": "2 x Oak table", "assignee": str(WAREHOUSE.id), "deadline": deadline}
    assert act("create_task", params, stage="prepayment") == CreateTask(
        item_id=DEAL,
        name="Pack",
        description="2 x Oak table",
        assignee_id=WAREHOUSE.id,
        deadline=datetime(2026, 3, 3, 13, 0, tzinfo=UTC),
        stage="prepayment",
        expect_entry_seq=2,
        actor="rule:it",
    )


@pytest.mark.parametrize(
    ("deadline", "now", "due"),
    [
        ({"in": {"days": 1}, "at": "14:00"}, "2026-03-28T12:00:00Z", "2026-03-29T12:00:00Z"),
        ({"in": {"days": 1}, "at": "02:30"}, "2026-03-28T12:00:00Z", "2026-03-29T01:00:00Z"),
        ({"in": {"months": 1}}, "2026-01-31T09:00:00Z", "2026-02-28T09:00:00Z"),
        ({"in": {"hours": 2}}, "2026-10-25T00:30:00Z", "2026-10-25T02:30:00Z"),
        ({"at": "18:00"}, "2026-03-02T12:00:00Z", "2026-03-02T17:00:00Z"),
    ],
)
def test_a_deadline_counts_the_companys_calendar(deadline: dict[str, Any], now: str, due: str) -> None:
    task = act("create_task", {"name": "Pack", "deadline": deadline}, now=datetime.fromisoformat(now))
    assert task.deadline == datetime.fromisoformat(due)


@pytest.mark.parametrize("deadline", [{}, {"at": "25:00"}, {"in": {"hours": 1}, "at": "14:00"}, {"in": {}}])
def test_a_deadline_that_says_nothing_or_two_things_is_refused(deadline: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        act("create_task", {"name": "Pack", "deadline": deadline})


def test_a_task_is_the_responsible_persons_unless_somebody_is_named() -> None:
    assert act("create_task", {"name": "Call"}).assignee_id is None


def test_a_repeat_lead_has_the_deals_client_and_a_link_to_the_deal() -> None:
    assert act("create_repeat_lead", {"name": "Renewal for Bell & Sons"}, guard=None) == CreateFollowUp(
        item_id=DEAL,
        kind="lead",
        title="Renewal for Bell & Sons",
        responsible_id=SELLER.id,
        contact_ids=(CONTACT,),
        company_id=COMPANY,
        expect_entry_seq=None,
        actor="rule:it",
    )


def test_a_copy_goes_to_its_own_pipeline_unless_another_one_is_named() -> None:
    assert act("copy_deal", {}) == CopyItem(item_id=DEAL, pipeline="sales", expect_entry_seq=2, actor="rule:it")
    other = act("copy_deal", {"pipeline": "installation", "stage": "planned", "name": "Install"})
    assert (other.pipeline, other.stage, other.title) == ("installation", "planned", "Install")


def test_fields_are_set_and_appended_to() -> None:
    fields = [{"field": "title", "value": "Ash table"}, {"field": "fields.colours", "value": "red", "append": True}]
    command = act("update_item", {"fields": fields, "changed_by": str(SELLER.id)})
    assert isinstance(command, UpdateItem)
    assert [(one.field, one.value, one.append) for one in command.assignments] == [
        ("title", "Ash table", False),
        ("fields.colours", "red", True),
    ]
    assert (command.actor, command.expect_entry_seq) == (str(SELLER.id), 2)


def test_a_move_always_carries_the_entry_it_was_meant_for() -> None:
    command = act("change_stage", {"stage": "won"}, guard=None, entry_seq=7)
    assert isinstance(command, MoveItem)
    assert (command.expect_entry_seq, command.origin, command.actor) == (7, "rule", "rule:it")
    assert [one.stage for one in command.candidates] == ["won"]


@pytest.mark.parametrize(
    ("type", "result", "outputs"),
    [
        ("send_sms", {"message_id": "1", "sent_to": "+49"}, {"message_id": "1", "sent_to": "+49"}),
        ("create_repeat_lead", {"item_id": "1", "contact_id": None, "duplicate": False}, {"lead_id": "1"}),
        ("copy_deal", {"item_id": "1"}, {"deal_id": "1"}),
        ("create_task", {"task_id": "1", "more": 2}, {"task_id": "1"}),
        (
            "change_stage",
            {"verdict": "moved", "stage": "won", "pipeline": "sales"},
            {"verdict": "moved", "stage": "won"},
        ),
    ],
)
def test_outputs_are_those_that_the_type_declares(type: str, result: dict[str, Any], outputs: dict[str, Any]) -> None:
    assert REGISTRY[type].outputs_of(result) == outputs


@pytest.mark.parametrize("type", sorted(REGISTRY))
def test_a_type_refuses_parameters_it_does_not_know(type: str) -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        REGISTRY[type].params.model_validate({"shade": "red"})


def test_the_time_zone_of_the_tenant_decides_deadlines() -> None:
    tokyo = deal(tenant=SETTINGS.model_copy(update={"time_zone": "Asia/Tokyo"}))
    due = act("create_task", {"name": "Pack", "deadline": {"in": {"days": 1}, "at": "14:00"}}, tokyo).deadline
    assert due == datetime(2026, 3, 3, 5, 0, tzinfo=UTC)


def test_a_workflow_is_started_on_the_item_or_on_another_one() -> None:
    own = act("start_workflow", {"workflow": "welcome", "parameters": {"days": 3}})
    assert own == StartWorkflow(item_id=DEAL, workflow="welcome", parameters={"days": 3}, started_by="rule:it")
    other = act("start_workflow", {"workflow": "welcome", "item": str(UUID(int=7)), "wait_for_end": True})
    assert (other.item_id, other.wait_for_end) == (UUID(int=7), True)


def test_a_started_workflow_is_an_output() -> None:
    ended: dict[str, Any] = {
        "run_id": str(UUID(int=8)),
        "outcome": "done",
        "status": "Greeted",
        "variables": {"calls": 2},
    }
    outputs = REGISTRY["start_workflow"].outputs_of(ended)
    assert outputs == {
        "workflow_id": str(UUID(int=8)),
        "outcome": "done",
        "status": "Greeted",
        "variables": {"calls": 2},
    }


def test_workflows_and_automation_are_stopped_but_for_the_run_that_says_so() -> None:
    said: dict[str, Any] = {"item_id": DEAL, "except_run": UUID(int=9), "reason": "stopped by rule:it"}
    assert act("stop_workflows", {"workflow": "welcome"}) == StopWorkflows(workflow="welcome", **said)
    assert act("stop_workflows", {}) == StopWorkflows(**said)
    assert act("stop_automation", {"stage": "won"}) == StopAutomation(stage="won", **said)


def test_an_activity_is_planned_with_everything_that_is_said_of_it() -> None:
    said = {
        "description": "All of them",
        "minutes": 90,
        "reminders": [15, 1440],
        "colour": "yellow",
        "add_to_calendar": True,
        "guests": [str(WAREHOUSE.id)],
        "address": "Via Esempio 1",
        "room": "oak",
        "link": "https://meet.example/samples",
        "files": [FILE],
        "complete_on_leave": True,
    }
    rule = {"name": "Show the samples", "deadline": {"in": {"days": 1}, "at": "14:00"}, "responsible": str(HEAD.id)}
    planned = act("plan_activity", rule | said | {"clients": "all"})
    assert planned == PlanActivity.model_validate(
        said
        | {
            "item_id": DEAL,
            "expect_entry_seq": 2,
            "actor": "rule:it",
            "stage": "new",
            "name": "Show the samples",
            "deadline": planned.deadline,
            "responsible_id": HEAD.id,
            "contact_ids": (CONTACT,),
        }
    )
    assert act("plan_activity", {"name": "x", "clients": "none"}).contact_ids == ()


@pytest.mark.parametrize(("type", "kind"), [("schedule_call", "call"), ("schedule_meeting", "meeting")])
def test_a_call_or_meeting_is_in_the_calendar_with_the_client(type: str, kind: str) -> None:
    planned = act(type, {"subject": "About the table", "date": {"in": {"hours": 2}}, "complete_on_leave": True})
    assert (planned.kind, planned.name, planned.deadline) == (kind, "About the table", NOON + timedelta(hours=2))
    assert (planned.contact_ids, planned.add_to_calendar, planned.complete_on_leave) == ((CONTACT,), True, True)


def test_activities_are_completed_and_a_resource_is_booked() -> None:
    same = {"item_id": DEAL, "expect_entry_seq": 2, "actor": "rule:it"}
    completed = act("complete_activities", {"kinds": ["call"], "author": str(SELLER.id)})
    assert completed == CompleteActivities(**same, kinds=("call",), author_id=SELLER.id)
    start = "2026-08-07T08:00:00Z"
    booked = act("book_resource", {"resource": "van", "service": "Delivery", "start": {"from": start}, "minutes": 60})
    assert booked == BookResource(**same, resource="van", service="Delivery", start=start, minutes=60)


def test_a_time_counts_from_a_day_or_a_moment() -> None:
    times = {
        "2026-03-29T10:00:00Z": {"from": "2026-03-29T10:00:00Z"},
        "2026-03-28T23:00:00Z": {"from": "2026-03-29"},
        "2026-03-30T12:00:00Z": {"from": "2026-03-29", "in": {"days": 1}, "at": "14:00"},
    }
    for moment, start in times.items():
        booked = act("book_resource", {"resource": "van", "start": start, "minutes": 60})
        assert booked.start == datetime.fromisoformat(moment)


def test_the_fields_of_another_item_are_printed_in_the_language_of_the_tenant() -> None:
    kind = REGISTRY["get_item_data"]
    values: dict[str, Any] = {
        "amount": {"amount": 123_450, "currency": "EUR"},
        "fields.day": "2026-03-02",
        "fields.sold": True,
    }
    around: dict[str, Any] = {
        "tenant": {"language": "de", "time_zone": "Europe/Berlin", "currency": "EUR"},
        "now": NOON.isoformat(),
    }
    found = kind.outputs_of({"item_id": str(DEAL), "values": values, "around": around})
    assert found == {"item_id": str(DEAL), "amount": "1.234,50\N{NO-BREAK SPACE}€", "day": "02.03.2026", "sold": "ja"}
    many: dict[str, Any] = {"fields.many": ["2026-03-02T10:00:00Z"] * 1_000}
    assert "work" in str(kind.outputs_of({"item_id": str(DEAL), "values": many, "around": around})["many"])
