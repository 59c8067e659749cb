"""Every type that follows events: an event that comes twice, and a tenant that has no trigger of the type."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

import pytest

from contracts.catalogue import TOPIC_OF
from contracts.contexts import ItemRef
from contracts.envelope import Body
from contracts.kit.clock import new_id, utc_now
from contracts.messages.doc import DocumentCreated, DocumentViewed, QrScanned
from contracts.messages.entity_commands import MoveItem
from contracts.messages.entity_events import (
    FieldsChanged,
    PaymentChanged,
    ResourceBooked,
    ShipmentChanged,
    StageChanged,
    TaskChanged,
)
from contracts.messages.trigger_events import ArrivalJudged
from integration.trigger_service.harness import PAID, Harness, Tenant
from support.messages import fact
from trigger_service.triggers.registry import EVENT_TRIGGERS

ID = new_id()
PDF = {"file_id": ID, "name": "invoice.pdf", "sha256": "0" * 64}
SHIPMENT = {"shipment_id": ID, "carrier": "courier", "previous": "asked", "tracking": "T-1"}
VAN = {"booking_id": ID, "kind": "resource", "resource": "van", "service": "", "start": utc_now(), "end": utc_now()}
TASK = {"task_id": ID, "name": "Call", "assignee_id": ID, "status": "done", "previous": "open"}
SEVERAL = {"changed": ["title", "responsible_id"], "changed_by": "somebody"}
ENTRY = {"entry_seq": 2, "from_pipeline": None, "from_stage": None, "to_pipeline": "sales", "to_stage": "won"}
MONEY = {"amount": 5000, "currency": "EUR"}

HAPPENED: Mapping[type[Body], Mapping[str, Any]] = {
    PaymentChanged: {"payment_id": ID, "status": "paid", "previous": "pending", "amount": MONEY},
    DocumentCreated: {"document_id": ID, "template": "invoice", "number": "1", "pdf": PDF},
    DocumentViewed: {"document_id": ID, "template": "invoice", "views": 1},
    QrScanned: {"qr_code_id": ID, "title": "Care", "scans": 1},
    ShipmentChanged: SHIPMENT,
    FieldsChanged: SEVERAL,
    TaskChanged: TASK,
    StageChanged: ENTRY | {"origin": "user", "changed_by": "somebody"},
    ResourceBooked: VAN,
}
STATUSES = {"shipment_allowed": "allowed", "shipment_shipped": "shipped", "shipment_delivered": "delivered"}
TYPES = [(body, kind.name) for body, kinds in EVENT_TRIGGERS.items() for kind in kinds]


def happened(harness: Harness, tenant: Tenant, body: type[Body], type: str, deal: UUID) -> Body:
    """An event of the deal that fires a trigger of the type without settings."""
    snapshot = harness.entity.items[ItemRef(tenant_id=tenant.id, item_id=deal)].item
    common = {"item_id": deal, "invoice_id": deal, "item": snapshot, "at": utc_now()}
    more = {"status": STATUSES.get(type, "cancelled"), "tracking_changed": True} if body is ShipmentChanged else {}
    return body.model_validate({**common, **HAPPENED[body], **more})


@pytest.mark.parametrize(("body", "type"), TYPES)
async def test_an_event_that_comes_twice_is_one_move(harness: Harness, body: type[Body], type: str) -> None:
    tenant = harness.tenant()
    await tenant.put("triggers/one", {**PAID, "type": type})
    deal = harness.entity.add_deal(tenant.id)
    about = deal
    if type == "linked_item_stage":
        about = harness.entity.add_deal(tenant.id)
        harness.entity.links[ItemRef(tenant_id=tenant.id, item_id=about)] = (deal,)
    event = fact(happened(harness, tenant, body, type, about), tenant.id, about)
    after = fact(happened(harness, tenant, body, type, about), tenant.id, about)
    await harness.kafka_probe.publish(TOPIC_OF[body], event, event, after)
    moves = await tenant.said(MoveItem, 2)
    assert [(move.causation, move.data.item_id) for move in moves] == [(event.id, deal), (after.id, deal)]
    assert len(await tenant.arrivals(f"item_id={deal}")) == 2


async def test_an_event_that_a_tenant_has_no_trigger_for_costs_one_look_at_its_triggers(harness: Harness) -> None:
    """Of all events only the last one, which a trigger of another tenant waits for, leads to a question."""
    without, with_one = harness.tenant(), harness.tenant()
    await with_one.put("triggers/one", {**PAID, "condition": {"path": "item.title", "op": "eq", "value": "Other"}})
    deal, other = harness.entity.add_deal(without.id), harness.entity.add_deal(with_one.id)
    asked = harness.entity.asked
    for body, type in TYPES:
        await harness.kafka_probe.publish(
            TOPIC_OF[body], fact(happened(harness, without, body, type, deal), without.id, deal)
        )
    await harness.kafka_probe.publish(TOPIC_OF[PaymentChanged], with_one.paid(other))
    await with_one.said(ArrivalJudged)
    assert harness.entity.asked == asked + 1
    assert await without.arrivals() == []
