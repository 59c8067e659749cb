"""Trigger types: what they read out of events and bodies, and what definitions may refer to."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from pydantic import BaseModel

from contracts.contexts import EmployeeRef, FieldSchema, PipelineSchema, StageContext, TenantSchema, TenantSettings
from contracts.item_types import ItemType
from contracts.messages.entity_events import PaymentChanged, ShipmentChanged
from contracts.values import Money
from support.messages import fact
from trigger_service.domain.checks import check_form, check_trigger
from trigger_service.domain.errors import InvalidInputError
from trigger_service.domain.forms import FormSpec
from trigger_service.domain.triggers import TriggerSpec
from trigger_service.messages import arrival_of_event
from trigger_service.triggers.documents import DocumentSettings, DocumentViewedTrigger
from trigger_service.triggers.forms import FormSettings, FormSubmitted
from trigger_service.triggers.payments import InvoicePaid, PaymentReceived
from trigger_service.triggers.registry import EVENT_TRIGGERS, TRIGGER_TYPES
from trigger_service.triggers.webhooks import Webhook

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
DEAL = UUID("00000000-0000-7000-8000-000000000001")
INVOICE = UUID("00000000-0000-7000-8000-000000000002")
EMPLOYEE = UUID("00000000-0000-7000-8000-0000000000aa")
SCHEMA = TenantSchema(
    tenant_id=DEAL,
    tenant=TenantSettings(name="Shop"),
    pipelines=(
        PipelineSchema(
            code="sales",
            name="Sales",
            kind="deal",
            stages=(StageContext(code="new", name="New", position=0), StageContext(code="won", name="Won", position=1)),
        ),
    ),
    fields=(
        FieldSchema(code="pieces", name="Pieces", kind="deal", type="number"),
        FieldSchema(code="wood", name="Wood", kind="deal", type="list", options=("oak", "ash")),
        FieldSchema(code="day", name="Day", kind="deal", type="date"),
        FieldSchema(code="price", name="Price", kind="deal", type="money"),
    ),
    employees=(EmployeeRef(id=EMPLOYEE, code="manager", name="A manager"),),
)


def payment(status: str, invoice: UUID | None = INVOICE) -> PaymentChanged:
    fields = {"payment_id": DEAL, "item_id": DEAL, "invoice_id": invoice, "status": status, "previous": "pending"}
    return PaymentChanged.model_validate({**fields, "amount": Money(amount=1, currency="EUR"), "at": NOW})


def test_every_type_has_what_the_catalogue_shows_and_settings_that_need_nothing() -> None:
    for kind in TRIGGER_TYPES.values():
        assert all((kind.title, kind.group, kind.description, kind.context_name))
        kind.settings.model_validate({})
        schema = kind.settings.model_json_schema()
        assert all(one.get("description") for one in schema.get("properties", {}).values())


def test_a_paid_invoice_concerns_the_deal_and_the_invoice_once_each() -> None:
    paid = InvoicePaid().occurrence(payment("paid"))
    assert paid is not None
    assert paid.items == (DEAL, INVOICE)
    alone = InvoicePaid().occurrence(payment("paid", DEAL))
    assert alone is not None
    assert alone.items == (DEAL,)


@pytest.mark.parametrize("status", ["pending", "failed", "refunded"])
def test_only_paid_is_paid(status: str) -> None:
    assert InvoicePaid().occurrence(payment(status)) is None


def test_a_viewed_document_matches_by_template_or_any() -> None:
    facts = {"template": "invoice"}
    assert DocumentViewedTrigger().mismatch(DocumentSettings(), facts) is None
    assert DocumentViewedTrigger().mismatch(DocumentSettings(template="invoice"), facts) is None
    assert DocumentViewedTrigger().mismatch(DocumentSettings(template="offer"), facts) is not None


def test_a_form_matches_by_code_or_any() -> None:
    assert FormSubmitted().mismatch(FormSettings(), {"code": "order"}) is None
    assert FormSubmitted().mismatch(FormSettings(form="order"), {"code": "order"}) is None
    assert FormSubmitted().mismatch(FormSettings(form="other"), {"code": "order"}) is not None


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("item_id", {"item_id": str(DEAL)}),
        ("order.item_id", {"order": {"item_id": str(DEAL)}}),
        ("/order/items/0/id", {"order": {"items": [{"id": str(DEAL)}]}}),
        ("/a~1b/m~0n", {"a/b": {"m~n": str(DEAL)}}),
    ],
)
def test_the_item_is_found_by_dotted_path_or_pointer(path: str, body: dict[str, Any]) -> None:
    assert Webhook.item_id({"item": path}, body) == DEAL


@pytest.mark.parametrize("body", [{}, {"item_id": 7}, {"item_id": "x"}, {"item_id": {"id": str(DEAL)}}])
def test_a_body_without_an_items_id_names_no_item(body: dict[str, Any]) -> None:
    assert Webhook.item_id({}, body) is None


def spec(**changes: Any) -> TriggerSpec:
    fields = {"name": "Paid", "type": "invoice_paid", "pipeline": "sales", "stage": "won", **changes}
    return TriggerSpec.model_validate(fields)


@pytest.mark.parametrize("employee", ["manager", str(EMPLOYEE)])
def test_an_employee_is_named_by_code_or_id(employee: str) -> None:
    assert check_trigger(spec(change_stage_as=employee), SCHEMA) == EMPLOYEE


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"pipeline": "repairs"}, "pipeline"),
        ({"stage": "lost"}, "stage"),
        ({"type": "horn_blown"}, "type"),
        ({"change_stage_as": "nobody"}, "change_stage_as"),
        ({"settings": {"minimum": 5}}, "settings.minimum"),
        ({"settings": {"colour": "red"}}, "settings.colour"),
        ({"condition": {"path": "item.fields.colour", "op": "filled"}}, "condition"),
        ({"condition": {"path": "item.colour", "op": "filled"}}, "condition"),
        ({"condition": {"path": "document.views", "op": "filled"}}, "condition"),
        ({"condition": {"path": "item.responsible_id", "op": "eq", "value": "manager"}}, "condition"),
    ],
)
def test_a_trigger_that_refers_to_nothing_is_refused(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_trigger(spec(**changes), SCHEMA)
    assert where in [place for place, _ in refused.value.errors]


def test_a_condition_about_clients_of_a_type_that_has_none_says_so() -> None:
    inspection = ItemType(code="inspection", title={"en": "Inspection"}, has_clients=False)
    (sales,) = SCHEMA.pipelines
    schema = replace_in(SCHEMA, item_types=(inspection,), pipelines=(replace_in(sales, kind="inspection"),))
    conditions = [{"path": path, "op": "filled"} for path in ("contact.phone", "company", "item.title", "products")]
    with pytest.raises(InvalidInputError) as refused:
        check_trigger(spec(condition={"all": conditions}), schema)
    assert [what for _, what in refused.value.errors] == [
        f"{path}: items of type 'inspection' have no clients" for path in ("company", "contact.phone")
    ]


def replace_in[M: BaseModel](model: M, **changes: Any) -> M:
    return model.model_copy(update=changes)


def test_a_condition_may_look_at_fields_of_the_item_and_facts_of_the_type() -> None:
    parts = [
        {"path": "item.fields.pieces", "op": "gt", "value": 1},
        {"path": "payment.invoice_id", "op": "filled"},
        {"path": "contact.phone", "op": "filled"},
        {"path": "item.responsible_id", "op": "in", "value": [str(EMPLOYEE)]},
    ]
    assert check_trigger(spec(condition={"all": parts}), SCHEMA) is None


def form(**changes: Any) -> FormSpec:
    fields = [{"name": "pieces", "label": "Pieces", "type": "number", "target": "item.fields.pieces"}]
    return FormSpec.model_validate({"name": "Order", "fields": fields, "pipeline": "sales", **changes})


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"pipeline": "repairs"}, "pipeline"),
        ({"stage": "lost"}, "stage"),
        ({"kind": "lead"}, "kind"),
        ({"responsible": "nobody"}, "responsible"),
        ({"title": "Order of {colour}"}, "title"),
        ({"fields": [{"name": "a", "label": "A", "target": "item.fields.colour"}]}, "fields[0].target"),
        ({"fields": [{"name": "a", "label": "A", "target": "item.fields.price"}]}, "fields[0].target"),
        ({"fields": [{"name": "a", "label": "A", "target": "item.fields.pieces"}]}, "fields[0].type"),
        (
            {"fields": [{"name": "a", "label": "A", "type": "boolean", "target": "item.fields.pieces"}]},
            "fields[0].type",
        ),
        ({"fields": [{"name": "a", "label": "A", "type": "number", "target": "item.fields.day"}]}, "fields[0].type"),
        ({"kind": "project"}, "kind"),
        (
            {
                "fields": [
                    {"name": "a", "label": "A", "type": "choice", "choices": ["elm"], "target": "item.fields.wood"}
                ]
            },
            "fields[0].choices",
        ),
    ],
)
def test_a_form_that_refers_to_nothing_is_refused(changes: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        check_form(form(**changes), SCHEMA)
    assert where in [place for place, _ in refused.value.errors]


def test_a_form_whose_references_exist_is_taken() -> None:
    assert check_form(form(stage="new", responsible="manager", title="{pieces} pieces"), SCHEMA) == EMPLOYEE


def test_each_type_that_looks_for_an_event_has_an_arrival_of_its_own_and_the_item_has_one_move() -> None:
    paid = fact(payment("paid"), DEAL, DEAL, at=NOW)
    types = [kind.name for kind in EVENT_TRIGGERS[PaymentChanged]]
    assert types == ["invoice_paid", "payment_received"]
    arrivals = {arrival_of_event(paid, type, item) for type in types for item in (DEAL, INVOICE)}
    assert len(arrivals) == 4
    forged = replace(paid, tenant=INVOICE)
    assert not arrivals & {arrival_of_event(forged, type, item) for type in types for item in (DEAL, INVOICE)}


def test_a_payment_without_an_invoice_is_received_and_is_no_invoice_paid() -> None:
    by_link = payment("paid", None)
    received = PaymentReceived().occurrence(by_link)
    assert received is not None
    assert received.items == (DEAL,)
    assert InvoicePaid().occurrence(by_link) is None


def shipment(status: str, previous: str | None, **changes: Any) -> ShipmentChanged:
    fields = {"shipment_id": DEAL, "item_id": DEAL, "carrier": "courier", "status": status, "previous": previous}
    return ShipmentChanged.model_validate({**fields, "at": NOW, **changes})


@pytest.mark.parametrize(
    ("changed", "fired"),
    [
        (shipment("asked", None), []),
        (shipment("planned", "asked", tracking="T-1", tracking_changed=True), ["shipment_tracking"]),
        (shipment("allowed", "planned"), ["shipment_allowed"]),
        (shipment("shipped", "allowed"), ["shipment_shipped"]),
        (shipment("shipped", "shipped", tracking="T-2", tracking_changed=True), ["shipment_tracking"]),
        (
            shipment("shipped", "asked", tracking="T-1", tracking_changed=True),
            ["shipment_tracking", "shipment_shipped"],
        ),
        (shipment("delivered", "shipped"), ["shipment_delivered"]),
        (shipment("cancelled", "allowed"), ["order_cancelled"]),
        (shipment("failed", "asked"), []),
    ],
)
def test_a_trigger_of_shipments_waits_for_its_own_change(changed: ShipmentChanged, fired: list[str]) -> None:
    assert [kind.name for kind in EVENT_TRIGGERS[ShipmentChanged] if kind.occurrence(changed)] == fired
