"""What each owner does with a command before it asks its database, and how what leaves the house is built."""

import tempfile
from collections.abc import Mapping
from email import message_from_bytes, policy
from typing import Any

import typst

from comms_service.domain.channels import Channel
from comms_service.domain.messages import Message, plan_message
from comms_service.domain.notifications import check_notification
from comms_service.domain.sms_text import parts
from comms_service.gateways.mail import build_mail, refuse_other_addresses
from comms_service.handlers import usable
from contract.accepted import FIELDS, ID, NOW, REFERENCES, SELLER
from contracts.clients import CompanyFields, ContactFields
from contracts.contexts import ItemContext, PipelineSchema, StageContext
from contracts.envelope import Body
from contracts.inputs import unkeepable
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
    ItemCommand,
    MoveItem,
    PlanActivity,
    UpdateItem,
)
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
from contracts.messages.rule_commands import StartWorkflow, StopAutomation, StopWorkflows
from contracts.messages.shipment_commands import AllowDelivery, CancelShipment, CreateShipment, ReadShipment
from contracts.taxes import product_row
from contracts.texts import one_line
from doc_service.api.pages import scanned_page
from doc_service.builtin import load_templates
from doc_service.domain.documents import plan_document, template_inputs
from doc_service.domain.qr_codes import draw, plan_qr_code
from entity_service.api.bookings import BookingInput
from entity_service.api.planned_activities import PlannedActivityInput
from entity_service.api.tasks import TaskInput
from entity_service.domain.client_fields import assigned
from entity_service.domain.conversions import carried, check_target
from entity_service.domain.items import Item, assign, copy_of, new_item
from entity_service.domain.lists import KeptList, row_values
from entity_service.domain.pipelines import choose, find_place
from entity_service.domain.planned_activities import planned_activity
from entity_service.domain.requisites import with_values
from entity_service.domain.tasks import new_task
from entity_service.domain.timeline import TimelineEntry
from local_stack.peers.sms import Sms
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.authoring.workflow_starts import parameters_of
from rule_engine.domain.language.asked import AskedDocument
from rule_engine.domain.language.variables import Definition, VariableDocument
from support.messages import order
from support.shop import SCHEMA as SHOP

STAGES = tuple(StageContext(code=code, name=code, position=at) for at, code in enumerate(("new", "won")))
PIPELINES = {
    code: PipelineSchema(code=code, name=code, kind=kind, stages=STAGES)
    for code, kind in (("sales", "deal"), ("works", "deal"), ("leads", "lead"), ("offers", "quote"))
}
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
KEPT = {"type", "multiple", "options"}
MAIL = Channel(
    code="mail", kind="email", name="Mail", sender_address="office@shop.example", sender_name="The shop", default=True
)
SMS = Channel(code="sms", kind="sms", name="SMS", default=True)


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


def to_codes(asked: CreateQrCode, _: ItemContext) -> None:
    """The code's page, and its image's name."""
    code = plan_qr_code(order(asked, ID, ID), NOW)
    image = code.file(draw("https://shop.example/q/token"), "0" * 64, NOW)
    assert image.ref.name.endswith(".png")
    assert scanned_page(code).status_code == 200


def to_new_item(wanted: CreateFollowUp, _: ItemContext) -> None:
    place = find_place(PIPELINES, wanted.kind, wanted.pipeline, wanted.stage)
    made = new_item(wanted, place, REFERENCES, id=ID, now=NOW)
    assert made.title == one_line(made.title)


def to_copy(wanted: CopyItem, context: ItemContext) -> None:
    place = find_place(PIPELINES, "deal", wanted.pipeline, wanted.stage)
    copied = copy_of(item_of(context), place, wanted.title or "A copy", wanted.responsible_id, id=ID, now=NOW)
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


def to_list(wanted: CreateListRow | UpdateListRow, _: ItemContext) -> None:
    (of,) = SHOP.lists
    made = row_values({}, wanted.values, KeptList(**dict(of), archived=False), frozenset({SELLER}))
    assert made.keys() == {code for code, value in wanted.values.items() if value not in (None, [])}


def to_row(wanted: ReadListRow, context: ItemContext) -> None:
    """Nothing but the database says which rows there are."""
    assert (wanted.list, wanted.row_id) == ("notes", context.item.id)


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


def to_conversion(wanted: ConvertItem, context: ItemContext) -> None:
    """Every custom field is of deals, so none is carried over into a quote, and each is named."""
    source = item_of(context)
    check_target(source, wanted.target)
    left = carried(source, "quote", REFERENCES).left
    assert [one.partition(":")[0] for one in left] == [f"fields.{code}" for code in source.fields]


def to_requisites(wanted: ChangeRequisites, context: ItemContext) -> None:
    assert context.company is not None
    kept = with_values(context.company.requisites, wanted.template, wanted.address_type, wanted.values).organisation
    assert kept is not None
    assert kept.name == context.company.title


def to_client(wanted: UpdateContacts | UpdateCompany | CreateContact | CreateCompany, context: ItemContext) -> None:
    """Values are kept as they come, names on one line."""
    of_contact = isinstance(wanted, UpdateContacts | CreateContact)
    client = context.contact if of_contact else context.company
    present = client.model_dump() if client else {}
    made = assigned(ContactFields if of_contact else CompanyFields, present, wanted.assignments)
    assert made.get("title", "a") == one_line(made.get("title", "a"))
    for name in ("phones", "emails"):
        assert all(one in present[name] for one in made.get(name, ()))


def to_products(wanted: AddProducts, _: ItemContext) -> None:
    """Each row has a name on one line."""
    rows = [product_row(row, ID) for row in wanted.rows]
    assert [row.name for row in rows] == [one_line(row.name) for row in rows]


def to_links(wanted: ItemCommand, context: ItemContext) -> None:
    """Nothing but the database says which items are linked."""
    assert wanted.item_id == context.item.id


def to_payments(wanted: CreatePaymentLink | ReadPayment, context: ItemContext) -> None:
    """Nothing but the database says what is due."""
    assert wanted.item_id == context.item.id


def to_shipments(wanted: CreateShipment | AllowDelivery | CancelShipment | ReadShipment, context: ItemContext) -> None:
    """Nothing but the database says who carries it."""
    assert wanted.item_id == context.item.id
    if isinstance(wanted, CreateShipment):
        assert wanted.address == one_line(wanted.address)


OWNERS: Mapping[type[Body], Any] = {
    **dict.fromkeys((CreatePaymentLink, ReadPayment), to_payments),
    **dict.fromkeys((CreateShipment, AllowDelivery, CancelShipment, ReadShipment), to_shipments),
    SendMessage: to_comms,
    Notify: to_inbox,
    CreateDocument: to_printer,
    CreateQrCode: to_codes,
    CreateFollowUp: to_new_item,
    CopyItem: to_copy,
    CreateTask: to_task,
    PlanActivity: to_plan,
    BookResource: to_bookings,
    CompleteActivities: to_completed,
    CreateListRow: to_list,
    UpdateListRow: to_list,
    ReadListRow: to_row,
    UpdateLinkedItems: to_linked,
    **dict.fromkeys((UpdateContacts, UpdateCompany, CreateContact, CreateCompany), to_client),
    **dict.fromkeys((DeleteProducts, CopyProducts, MoveProducts), to_links),
    AddProducts: to_products,
    **dict.fromkeys(
        (DeleteItem, ReadItem, DeleteLinkedItems, LinkItems, UnlinkItems, SetParentItem, AddToExceptions), to_links
    ),
    ConvertItem: to_conversion,
    ChangeRequisites: to_requisites,
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
