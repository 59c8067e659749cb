"""What the owners of commands would answer: outputs that later rules can name, their ids made from the command's."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any
from uuid import UUID, uuid5

from pydantic import JsonValue

from contracts.envelope import Body
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

type Outputs = dict[str, JsonValue]


def made_up_outputs(body: Body, command_id: UUID) -> Outputs:
    """What the owner of a command would answer."""
    make = _OUTPUTS.get(type(body))
    return make(body, command_id) if make else {}


def chosen(body: SelectEmployee | ChangeResponsible, command_id: UUID) -> str:
    """The first who is named; of departments nobody knows here who belongs to them."""
    return str(body.employee_ids[0]) if body.employee_ids else _made(command_id)


def _made(command_id: UUID) -> str:
    return str(uuid5(command_id, "made"))


def _id_as(name: str) -> Callable[[Any, UUID], Outputs]:
    return lambda _, command_id: {name: _made(command_id)}


def _message(body: SendMessage, command_id: UUID) -> Outputs:
    return {"message_id": _made(command_id), "sent_to": body.to}


def _notifications(body: Notify, command_id: UUID) -> Outputs:
    return {"notification_ids": {str(one): str(uuid5(command_id, str(one))) for one in body.recipients}}


def _workflow(body: StartWorkflow, command_id: UUID) -> Outputs:
    outcome = "done" if body.wait_for_end else None
    return {"run_id": _made(command_id), "outcome": outcome, "status": None, "variables": {}}


def _stopped(_: Body, __: UUID) -> Outputs:
    return {"stopped": 0}


def _employee(body: ReadEmployee, _: UUID) -> Outputs:
    return {
        "employee_id": str(body.employee_id),
        "name": "Kim Example",
        "first_name": "Kim",
        "email": "kim@company.example",
        "phone": "+493000000000",
        "position": "Sales",
        "department": "Sales",
        "head_id": str(uuid5(body.employee_id, "head")),
        "absent_until": None,
    }


def _other(body: ReadItem, command_id: UUID) -> Outputs:
    other = str(body.other_id) if body.other_id else _made(command_id)
    return {"item_id": other, "values": {name: "…" if body.printable else None for name in body.fields}}


def _others(body: UpdateLinkedItems | DeleteLinkedItems, command_id: UUID) -> Outputs:
    return {"item_ids": [str(body.other_id) if body.other_id else _made(command_id)]}


def _conversion(body: ConvertItem, command_id: UUID) -> Outputs:
    made = body.target if body.target in ("contact", "company") else "item"
    ids = {f"{name}_id": _made(command_id) if name == made else None for name in ("item", "contact", "company")}
    return {**ids, "not_carried": []}


def _requisites(body: ChangeRequisites, _: UUID) -> Outputs:
    return {"changed": [f"{body.template}.{name}" for name in body.values]}


def _added(body: AddProducts, _: UUID) -> Outputs:
    return {"count": len(body.rows), "amount": None}


def _rows(body: DeleteProducts, _: UUID) -> Outputs:
    return {"count": len(body.row_ids or ()), "amount": None}


def _rows_to_other(body: CopyProducts | MoveProducts, command_id: UUID) -> Outputs:
    other = str(body.other_id) if body.other_id else _made(command_id)
    return {"count": len(body.row_ids or ()), "item_id": other, "amount": None}


def _document(body: CreateDocument, command_id: UUID) -> Outputs:
    number = f"{int.from_bytes(command_id.bytes[:3]) % 10_000:04}"
    pdf = _file(command_id, f"{body.template}-{number}.pdf", "application/pdf")
    link = f"https://documents.example/{uuid5(command_id, 'link')}"
    return {
        "document_id": str(uuid5(command_id, "document")),
        "number": number,
        "pdf": pdf if body.wait_for_pdf else None,
        "public_link": link if body.public_link else None,
    }


def _payment_link(_: CreatePaymentLink, command_id: UUID) -> Outputs:
    return {"payment_id": _made(command_id), "link": f"https://pay.example/{uuid5(command_id, 'link')}"}


def _payment(body: ReadPayment, command_id: UUID) -> Outputs:
    return {
        "payment_id": str(body.payment_id or _made(command_id)),
        "status": "pending",
        "amount": {"amount": 10_000, "currency": "EUR"},
        "paid_at": None,
        "method": None,
        "link": None,
    }


def _shipment(status: str) -> Callable[[Any, UUID], Outputs]:
    def make(body: AllowDelivery | CancelShipment | ReadShipment, command_id: UUID) -> Outputs:
        return {"shipment_id": str(body.shipment_id or _made(command_id)), "status": status, "tracking": "SIM-1"}

    return make


def _qr_code(_: CreateQrCode, command_id: UUID) -> Outputs:
    link = f"https://documents.example/q/{uuid5(command_id, 'link')}"
    image = _file(command_id, "code.png", "image/png")
    return {"qr_code_id": _made(command_id), "image": image, "image_link": f"{link}/image.png", "scan_link": link}


def _file(command_id: UUID, name: str, media_type: str) -> Outputs:
    sha = sha256(command_id.bytes).hexdigest()
    return {"file_id": str(uuid5(command_id, "file")), "name": name, "sha256": sha, "media_type": media_type}


_OUTPUTS: Mapping[type[Body], Callable[[Any, UUID], Outputs]] = {
    SendMessage: _message,
    Notify: _notifications,
    CreateTask: _id_as("task_id"),
    CompleteTasks: lambda _, __: {"completed": 0},
    CreateFollowUp: _id_as("item_id"),
    CopyItem: _id_as("item_id"),
    PlanActivity: _id_as("activity_id"),
    BookResource: _id_as("booking_id"),
    CompleteActivities: lambda _, __: {"completed": 0},
    AddTimelineEntry: _id_as("entry_id"),
    StartWorkflow: _workflow,
    StopWorkflows: _stopped,
    StopAutomation: _stopped,
    CreateDocument: _document,
    CreateQrCode: _qr_code,
    CreatePaymentLink: _payment_link,
    ReadPayment: _payment,
    CreateShipment: lambda _, command_id: {"shipment_id": _made(command_id), "tracking": "SIM-1"},
    AllowDelivery: _shipment("allowed"),
    CancelShipment: _shipment("cancelled"),
    ReadShipment: _shipment("planned"),
    ReadItem: _other,
    UpdateLinkedItems: _others,
    DeleteLinkedItems: _others,
    ConvertItem: _conversion,
    ChangeRequisites: _requisites,
    AddToExceptions: lambda _, command_id: {"addresses": 1, "contact_ids": [_made(command_id)]},
    LinkItems: lambda _, __: {"linked": True},
    UnlinkItems: lambda _, __: {"unlinked": 0},
    SetParentItem: lambda body, _: {"parent_id": str(body.parent_id) if body.parent_id else None},
    AddProducts: _added,
    DeleteProducts: _rows,
    CopyProducts: _rows_to_other,
    MoveProducts: _rows_to_other,
    UpdateContacts: lambda body, _: {"contact_ids": [str(id) for id in body.contact_ids]},
    UpdateCompany: lambda body, _: {"company_id": str(body.company_id)},
    CreateContact: _id_as("contact_id"),
    CreateCompany: _id_as("company_id"),
    CreateListRow: _id_as("row_id"),
    UpdateListRow: lambda body, _: {"row_id": str(body.row_id), "version": 2},
    ReadListRow: lambda body, _: {"row_id": str(body.row_id), "values": {}},
    ReadEmployee: _employee,
    SelectEmployee: lambda body, command_id: {"employee_id": chosen(body, command_id)},
    ChangeResponsible: lambda body, command_id: {"responsible_id": chosen(body, command_id)},
    ChangeObservers: lambda body, _: {"observer_ids": [str(id) for id in body.observer_ids]},
}
