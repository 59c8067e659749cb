"""What clients, visitors and employees gave goes through every rule type to its owner, and nobody refuses it.

Values come in through the APIs' own models; the engine's own steps make commands of them; commands go over JSON to the
owners' own checks, and what leaves the house is built as it leaves. Left out is what only a peer or consent knows.
"""

import json
import tempfile
from collections.abc import Mapping
from email import message_from_bytes, policy
from functools import cache
from typing import Any

import pytest
import typst
from hypothesis import HealthCheck, given, settings

from comms_service.domain.channels import Channel
from comms_service.domain.messages import Message, plan_message
from comms_service.domain.notifications import check_notification
from comms_service.domain.sms_text import parts
from comms_service.gateways.mail import build_mail, refuse_other_addresses
from comms_service.handlers import usable
from contract.accepted import FIELDS, ID, NOW, REFERENCES, SELLER, around, contexts, item_with, tenant_with
from contracts.contexts import EmployeeRef, ItemContext, PipelineSchema, StageContext, TenantSchema, TenantSettings
from contracts.envelope import Body
from contracts.inputs import unkeepable
from contracts.messages.comms import Notify, SendMessage
from contracts.messages.doc import CreateDocument
from contracts.messages.employee_commands import ChangeObservers, ChangeResponsible, ReadEmployee, SelectEmployee
from contracts.messages.entity_commands import (
    AddTimelineEntry,
    BookResource,
    CompleteActivities,
    CompleteTasks,
    CopyItem,
    CreateFollowUp,
    CreateTask,
    ItemCommand,
    MoveItem,
    PlanActivity,
    UpdateItem,
)
from contracts.messages.link_commands import (
    DeleteItem,
    DeleteLinkedItems,
    LinkItems,
    ReadItem,
    SetParentItem,
    UnlinkItems,
    UpdateLinkedItems,
)
from contracts.messages.rule_commands import StartWorkflow, StopAutomation, StopWorkflows
from contracts.texts import one_line
from doc_service.builtin import load_templates
from doc_service.domain.documents import plan_document, template_inputs
from entity_service.api.bookings import BookingInput
from entity_service.api.planned_activities import PlannedActivityInput
from entity_service.api.tasks import TaskInput
from entity_service.domain.items import Item, assign, copy_of, new_item
from entity_service.domain.pipelines import choose, find_place
from entity_service.domain.planned_activities import planned_activity
from entity_service.domain.tasks import new_task
from entity_service.domain.timeline import TimelineEntry
from local_stack.peers.sms import Sms
from rule_engine.blocks import BLOCKS
from rule_engine.domain.authoring.checks import RuleSetCheck
from rule_engine.domain.authoring.compiling import compile_document, with_ids
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.authoring.workflow_starts import parameters_of
from rule_engine.domain.execution.advance import advance, begin
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import Entry
from rule_engine.domain.execution.step import RunFacts, Step
from rule_engine.domain.language.asked import AskedDocument
from rule_engine.domain.language.variables import Definition, Stored, VariableDocument, by_name
from rule_engine.domain.schedule.due import times_of
from rule_engine.rules import REGISTRY
from support.messages import order

STAGES = tuple(StageContext(code=code, name=code, position=at) for at, code in enumerate(("new", "won")))
PIPELINES = {
    code: PipelineSchema(code=code, name=code, kind=kind, stages=STAGES)
    for code, kind in (("sales", "deal"), ("works", "deal"), ("leads", "lead"))
}
SCHEMA = TenantSchema(
    tenant_id=ID,
    tenant=TenantSettings(name="Shop"),
    pipelines=tuple(PIPELINES.values()),
    fields=FIELDS,
    employees=(EmployeeRef(id=SELLER, code="seller", name="Sam"),),
)
PLAIN = ("item.title", "item.source", "contact.name", "company.title", "company.tax_number", "responsible.name")
LONG = ("company.address", "my_company.address", "my_company.name", "tenant.name", "stage.name", "supervisor.position")
PRINTED = tuple(
    f"item.fields.{field.code}" + (" | join: '; '" if field.multiple else "")
    for field in FIELDS
    if field.type not in ("money", "file")
)
LINE = "For: " + " ".join(f"{{{{ {path} }}}}" for path in PLAIN)
TEXT = "\n".join(
    [
        *(f"{{{{ {path} }}}}" for path in (*PLAIN, *LONG, *PRINTED)),
        "{% for row in products %}{{ row.quantity }} {{ row.unit }} {{ row.name }} {{ row.total | money }}{% endfor %}",
        "{{ item.amount | money }} {{ item.fields.money0 | money }}",
    ]
)
TYPES = {"text": "text", "number": "number", "boolean": "bool", "list": "list"}
DEFINITIONS = [
    Definition("variable", "a_line", VariableDocument(type="string")),
    Definition("variable", "a_text", VariableDocument(type="text")),
    *(
        Definition(
            "variable",
            f"a_{field.code}",
            VariableDocument(type=TYPES.get(field.type, field.type), multiple=field.multiple, options=field.options),
        )
        for field in FIELDS
    ),
]
VALUES = {f"a_{field.code}": {"path": f"item.fields.{field.code}"} for field in FIELDS}
KEPT = {"type", "multiple", "options"}
COPIES = [f"fields.{field.code}" for field in FIELDS]
RULES: Mapping[str, Mapping[str, Any]] = {
    "send_email": {"subject": LINE, "text": TEXT, "attachments": [{"path": "item.fields.file0"}]},
    "send_sms": {"text": LINE + " {{ item.fields.text0 }}"},
    "notify_supervisor": {"text": TEXT},
    "create_task": {
        "name": LINE,
        "description": TEXT,
        "deadline": {"in": {"days": 1}, "at": "14:00"},
        "checklist": [LINE, *(f"{{{{ {path} }}}}" for path in (*PLAIN, *PRINTED))],
        "tags": [LINE, *(f"{{{{ {path} }}}}" for path in PLAIN)],
    },
    "plan_activity": {
        "name": LINE,
        "description": TEXT,
        "deadline": {"in": {"days": 1}, "at": "14:00"},
        "clients": "all",
        "address": LINE,
        "files": [{"path": "item.fields.file0"}],
    },
    "schedule_call": {"subject": LINE, "description": TEXT, "date": {"in": {"hours": 1}}},
    "schedule_meeting": {"subject": LINE, "description": TEXT, "date": {"in": {"days": 1}, "at": "14:00"}},
    "complete_activities": {"kinds": ["call"]},
    "book_resource": {"resource": "van", "service": LINE, "start": {"in": {"hours": 1}}, "minutes": 60},
    "notify_employee": {"text": TEXT, "sender": "seller"},
    "add_timeline_comment": {"text": TEXT},
    "add_history_entry": {"text": LINE, "author": "seller"},
    "change_observers": {"observers": [{"path": "item.responsible_id"}]},
    "change_responsible": {"employees": ["seller", {"path": "item.responsible_id"}]},
    "get_employee": {},
    "select_employee": {"employees": [{"path": "item.responsible_id"}], "reserve": ["seller"]},
    "generate_code": {},
    "complete_tasks": {},
    "create_repeat_lead": {"name": LINE, "source": LINE},
    "copy_deal": {"name": LINE, "pipeline": "works"},
    "create_document": {"template": "invoice", "fields": {"company.address": TEXT, "item.title": LINE}},
    "update_item": {
        "fields": [
            {"field": "title", "value": LINE},
            {"field": "source", "value": LINE},
            {"field": "amount", "value": {"path": "item.amount"}},
            *({"field": name, "value": {"path": f"item.{name}"}} for name in COPIES),
        ]
    },
    "change_stage": {"stage": "won"},
    "change_pipeline": {"pipeline": "works", "stage": "won"},
    "create_item": {
        "kind": "deal",
        "name": LINE,
        "pipeline": "works",
        "fields": [
            {"field": "amount", "value": {"path": "item.amount"}},
            *({"field": name, "value": {"path": f"item.{name}"}} for name in COPIES),
        ],
    },
    "get_item_data": {"link": "parent", "fields": ["title"]},
    "update_linked_item": {"link": "child", "fields": [{"field": "title", "value": {"path": "item.title"}}]},
    "delete_linked_item": {"link": "copy"},
    "delete_item": {},
    "get_products": {},
    "link_items": {"item": {"path": "item.id"}},
    "unlink_items": {"item": {"path": "item.id"}},
    "set_parent_item": {"item": {"path": "item.id"}},
    "set_variable": {"variable": "a_line", "value": {"path": "item.title"}},
    "start_workflow": {"workflow": "welcome", "parameters": {"a_line": LINE, "a_text": TEXT, **VALUES}},
    "stop_workflows": {"workflow": "welcome"},
    "stop_automation": {"stage": "won"},
    "calculate": {
        "values": [
            {"name": "line", "value": "{{ contact.name }}", "variable": "a_line"},
            {"name": "text", "value": TEXT, "variable": "a_text"},
            *(
                {"name": field.code, "value": {"path": f"item.fields.{field.code}"}, "variable": f"a_{field.code}"}
                for field in FIELDS
            ),
        ]
    },
}
"""Of every rule type one that writes values wherever it takes a text, and takes over values of every type."""
FILE = {"file_id": str(ID), "name": "plan.pdf", "sha256": "0" * 64, "media_type": "application/pdf"}
MAIL = Channel(
    code="mail", kind="email", name="Mail", sender_address="office@shop.example", sender_name="The shop", default=True
)
SMS = Channel(code="sms", kind="sms", name="SMS", default=True)


def test_every_rule_type_is_tried() -> None:
    assert RULES.keys() == REGISTRY.keys()


@pytest.mark.parametrize("type", RULES)
@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(context=contexts())
def test_what_was_accepted_is_refused_by_no_rule_and_no_owner(type: str, context: ItemContext) -> None:
    goes_through(type, context)


FOUND: Mapping[str, Mapping[str, Any]] = {
    "a number that rules do not read": {"number0": 1e-300, "number1": [5e-324]},
    "a file whose name no mail could carry": {"file0": FILE | {"name": "\x1fplan.pdf"}},
    "a text of many lines and of control characters": {"text0": "Oak\x96table\n" * 700},
    "the longest texts": {"title": "x" * 500, "source": "x" * 200, "text0": "n" * 10_000},
    "nothing": {"text0": "", "source": ""},
}


@pytest.mark.parametrize("type", RULES)
@pytest.mark.parametrize("given", FOUND)
def test_what_was_found_goes_through(type: str, given: str) -> None:
    goes_through(type, around(item_with(FOUND[given]), tenant_with({"language": "de-QQ"})))


def goes_through(type: str, context: ItemContext) -> None:
    step = acted(type, params_for(type, context), context)
    (progress,) = step.state.rules.values()
    assert progress.state in ("running", "done"), progress.reason
    assert unkeepable([one.value for one in step.assigned]) is None
    for emission in step.emissions:
        body = type_of(emission.body).model_validate_json(emission.body.model_dump_json())
        OWNERS[type_of(body)](body, context)


@settings(deadline=None, max_examples=40, suppress_health_check=list(HealthCheck))
@given(context=contexts())
def test_what_was_accepted_can_be_sent_as_html(context: ItemContext) -> None:
    params = {"subject": LINE, "text": f"<p dir='auto'>{TEXT}</p>", "html": True}
    (emission,) = acted("send_email", params, context).emissions
    OWNERS[SendMessage](SendMessage.model_validate_json(emission.body.model_dump_json()), context)


def type_of(body: Body) -> type[Body]:
    return type(body)


def params_for(type: str, context: ItemContext) -> Mapping[str, Any]:
    """The rule's parameters; a file is attached where there is one."""
    if "file0" in context.item.fields:
        return RULES[type]
    return {name: [] if name in ("attachments", "files") else value for name, value in RULES[type].items()}


def acted(type: str, params: Mapping[str, Any], context: ItemContext) -> Step:
    """The rule when the item has entered the stage."""
    made = published(type, json.dumps(params))
    entry = Entry(context.item.id, context.item.entry_seq, NOW, context.item)
    facts = RunFacts(ID, REGISTRY, Stored(by_name(DEFINITIONS)))
    return advance(made, begin(made, entry, times_of(context.tenant)), entry, context, NOW, facts)


@cache
def published(type: str, params: str) -> Program:
    """The program of a rule as it is published, once for the same parameters."""
    rule = {"name": "it", "type": type, "params": json.loads(params)}
    document = RuleSetDocument.model_validate({"pipeline": "sales", "stages": {"new": {"rules": [rule]}}})
    assert RuleSetCheck(document, SCHEMA, REGISTRY, definitions=DEFINITIONS).issues() == []
    programs = compile_document(with_ids(document, [], lambda: ID), SCHEMA, REGISTRY, DEFINITIONS)
    return programs["new"][0].bound(BLOCKS)


def item_of(context: ItemContext) -> Item:
    return Item(tenant_id=ID, **dict(context.item))


def to_comms(send: SendMessage, _: ItemContext) -> None:
    """The message as the provider gets it."""
    send, address = usable(send)
    message = plan_message(order(send, ID, ID), MAIL if send.kind == "email" else SMS, address, NOW)
    mailed(message) if send.kind == "email" else texted(message)


def mailed(message: Message) -> None:
    mail = build_mail(message, [b"content"] * len(message.attachments))
    refuse_other_addresses(mail, message)
    ascii = f"{message.sender_address}{message.to_address}".isascii()
    read = message_from_bytes(mail.as_bytes(policy=policy.SMTP if ascii else policy.SMTPUTF8), policy=policy.default)
    assert read["Subject"] == message.subject
    assert [one.get_filename() for one in read.iter_attachments()] == [one.name for one in message.attachments]
    body = read.get_body(("plain",))
    assert body is not None
    if message.html is None:
        assert body.get_content().splitlines() == message.text.splitlines()


def texted(message: Message) -> None:
    assert parts(message.text) > 0
    Sms.model_validate({"to": message.to_address, "text": message.text})


def to_printer(asked: CreateDocument, _: ItemContext) -> None:
    """The document as it is set."""
    template = load_templates()[asked.template]
    document = plan_document(order(asked, ID, ID), template, "INV-2026-0001", NOW)
    with tempfile.TemporaryDirectory() as root:
        inputs = template_inputs(document)
        compiler = typst.Compiler(root=root, ignore_system_fonts=True, package_path=root, sys_inputs=inputs)
        assert compiler.compile(template.source.encode(), format="pdf")


def to_new_item(wanted: CreateFollowUp, _: ItemContext) -> None:
    place = find_place(PIPELINES, wanted.kind, wanted.pipeline, wanted.stage)
    made = new_item(wanted, place, REFERENCES, id=ID, now=NOW)
    assert made.title == one_line(made.title)


def to_copy(wanted: CopyItem, context: ItemContext) -> None:
    place = find_place(PIPELINES, "deal", wanted.pipeline, wanted.stage)
    copied = copy_of(item_of(context), place, wanted.title, wanted.responsible_id, id=ID, now=NOW)
    assert 0 < len(copied.title) <= 500
    assert copied.title == one_line(copied.title)


def to_task(wanted: CreateTask, context: ItemContext) -> None:
    assignee = wanted.assignee_id or SELLER
    task = new_task(item_of(context), wanted, stage=wanted.stage, assignee=assignee, by=wanted.actor, id=ID, now=NOW)
    kept = TaskInput.model_validate(task.model_dump(include=set(TaskInput.model_fields)))
    assert (kept.name, kept.checklist, kept.tags) == (task.name, task.checklist, task.tags)


def to_plan(wanted: PlanActivity, context: ItemContext) -> None:
    planned = planned_activity(
        item_of(context), wanted, stage=wanted.stage, responsible=SELLER, by=wanted.actor, id=ID, now=NOW
    )
    kept = PlannedActivityInput.model_validate(planned.model_dump(include=set(PlannedActivityInput.model_fields)))
    assert (kept.name, kept.address, kept.files) == (planned.name, planned.address, planned.files)


def to_bookings(wanted: BookResource, context: ItemContext) -> None:
    booked = {"kind": "resource", **wanted.model_dump(include={"resource", "start", "minutes", "service"})}
    assert BookingInput.model_validate(booked).service == one_line(wanted.service)


def to_completed(wanted: CompleteActivities, context: ItemContext) -> None:
    """Nothing but the database says what is open."""
    assert wanted.item_id == context.item.id


def to_update(wanted: UpdateItem, context: ItemContext) -> None:
    """What was taken over from the item is as it was."""
    before = item_of(context)
    after = assign(before, wanted.assignments, REFERENCES)
    assert (after.fields, after.amount) == (before.fields, before.amount)


def to_move(wanted: MoveItem, context: ItemContext) -> None:
    assert choose(PIPELINES, item_of(context), wanted.candidates, wanted.forward_only).verdict == "moved"


def to_inbox(wanted: Notify, _: ItemContext) -> None:
    check_notification(wanted)


def to_workflow(wanted: StartWorkflow, _: ItemContext) -> None:
    """The parameters as the run keeps them."""
    types = {one.code: AskedDocument(**one.document.model_dump(include=KEPT)) for one in DEFINITIONS}
    types["a_line"] = AskedDocument(type="text")
    parameters_of(WorkflowDocument(kind="deal", parameters=types, blocks=()), wanted.parameters)


def to_runs(wanted: StopWorkflows | StopAutomation, context: ItemContext) -> None:
    """Nothing but the database says what is stopped."""
    assert (wanted.item_id, wanted.except_run) == (context.item.id, ID)


def to_timeline(wanted: AddTimelineEntry, _: ItemContext) -> None:
    text = TimelineEntry(id=ID, item_id=ID, kind=wanted.kind, text=wanted.text, author=wanted.actor, at=NOW).text
    assert unkeepable(text) is None


def to_people(wanted: ReadEmployee | SelectEmployee | ChangeResponsible | ChangeObservers, _: ItemContext) -> None:
    """Those who are named are employees."""
    named = wanted.model_dump(include={"employee_id", "employee_ids", "reserve_ids", "observer_ids"}).values()
    ids = {id for one in named for id in (one if isinstance(one, tuple) else (one,))}
    assert ids
    assert ids <= REFERENCES.employees


def to_tasks(wanted: CompleteTasks, _: ItemContext) -> None:
    assert wanted.stage == "new"


def to_linked(wanted: UpdateLinkedItems, context: ItemContext) -> None:
    after = assign(item_of(context), wanted.assignments, REFERENCES)
    assert after.title == one_line(after.title)


def to_links(wanted: ItemCommand, context: ItemContext) -> None:
    """Nothing but the database says which items are linked."""
    assert wanted.item_id == context.item.id


OWNERS: Mapping[type[Body], Any] = {
    SendMessage: to_comms,
    Notify: to_inbox,
    CreateDocument: to_printer,
    CreateFollowUp: to_new_item,
    CopyItem: to_copy,
    CreateTask: to_task,
    PlanActivity: to_plan,
    BookResource: to_bookings,
    CompleteActivities: to_completed,
    UpdateLinkedItems: to_linked,
    **dict.fromkeys((DeleteItem, ReadItem, DeleteLinkedItems, LinkItems, UnlinkItems, SetParentItem), to_links),
    CompleteTasks: to_tasks,
    AddTimelineEntry: to_timeline,
    ReadEmployee: to_people,
    SelectEmployee: to_people,
    ChangeResponsible: to_people,
    ChangeObservers: to_people,
    UpdateItem: to_update,
    MoveItem: to_move,
    StartWorkflow: to_workflow,
    StopWorkflows: to_runs,
    StopAutomation: to_runs,
}
"""What each owner does with a command before it asks its database; raises when it refuses."""
