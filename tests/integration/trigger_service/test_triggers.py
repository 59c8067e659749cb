"""Triggers set off by events and webhooks: one move per event, and a reason whenever nothing moves."""

from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.envelope import Cause
from contracts.kit.clock import new_id, utc_now
from contracts.messages.doc import DocumentViewed
from contracts.messages.entity_commands import MoveItem
from contracts.messages.results import CommandDone
from contracts.messages.trigger_events import ArrivalJudged
from contracts.topics import DOC_EVENTS, ENTITY_EVENTS
from contracts.triggers import TenantTriggers
from integration.trigger_service.harness import PAID, Harness, Tenant
from support.messages import fact
from support.waiting import eventually
from trigger_service.triggers.registry import TRIGGER_TYPES


async def test_a_payment_event_that_comes_twice_moves_the_item_once(harness: Harness) -> None:
    tenant = harness.tenant()
    await tenant.put("triggers/paid", PAID)
    await tenant.put("triggers/all-paid", {**PAID, "stage": "won", "allow_moving_back": True})
    deal = harness.entity.add_deal(tenant.id)
    causes = (Cause("rule", "item"),)
    paid, next_ = tenant.paid(deal, causepath=causes), tenant.paid(deal)
    await harness.kafka_probe.publish(ENTITY_EVENTS, paid, paid, next_)
    first, second = await tenant.said(MoveItem, 2)
    assert (first.causation, second.causation) == (paid.id, next_.id)
    assert (first.causepath, first.correlation) == (causes, paid.correlation)
    assert [(c.reference, c.stage, c.forward_only) for c in first.data.candidates] == [
        ("all-paid", "won", False),
        ("paid", "prepayment", True),
    ]
    moved = {"verdict": "moved", "stage": "prepayment", "reference": "paid"}
    await harness.answer(first, CommandDone(command_id=first.command_id, outputs=moved))
    await harness.answer(second, CommandDone(command_id=second.command_id, outputs={"verdict": "same"}))
    found = {event.causation: event.data for event in await tenant.said(ArrivalJudged, 2)}
    assert {(data.verdict, data.trigger) for data in found.values()} == {("moved", "paid"), ("same", None)}
    won = await tenant.arrivals("trigger=paid&verdict=moved")
    assert [arrival["item_id"] for arrival in won] == [str(deal)]
    assert [arrival["id"] for arrival in await tenant.arrivals("trigger=all-paid&verdict=not_matched")] == [
        won[0]["id"]
    ]


async def test_a_false_condition_says_why_and_moves_nothing(harness: Harness) -> None:
    tenant = harness.tenant()
    condition = {"path": "item.activity_count", "op": "eq", "value": 0}
    await tenant.put("triggers/paid", {**PAID, "condition": condition})
    busy, idle = harness.entity.add_deal(tenant.id, activity_count=3), harness.entity.add_deal(tenant.id)
    await harness.kafka_probe.publish(ENTITY_EVENTS, tenant.paid(busy), tenant.paid(idle))
    assert [command.data.item_id for command in await tenant.said(MoveItem)] == [idle]
    arrival = (await tenant.arrivals(f"item_id={busy}"))[0]
    assert arrival["verdict"] == "condition_false"
    assert arrival["triggers"][0]["reason"] == "item.activity_count = 0 is false: it is 3"
    assert (await tenant.said(ArrivalJudged))[0].data.verdict == "condition_false"


async def test_an_event_without_a_matching_trigger_or_item_is_stored_with_its_reason(harness: Harness) -> None:
    tenant = harness.tenant()
    await tenant.put("triggers/paid", PAID)
    await tenant.put("triggers/off", {**PAID, "enabled": False})
    deal, gone = harness.entity.add_deal(tenant.id, pipeline="repairs"), new_id()
    await harness.kafka_probe.publish(ENTITY_EVENTS, tenant.paid(deal), tenant.paid(gone))
    await tenant.said(ArrivalJudged, 2)
    assert [a["verdict"] for a in await tenant.arrivals(f"item_id={deal}")] == ["not_matched"]
    assert [a["verdict"] for a in await tenant.arrivals(f"item_id={gone}")] == ["gone"]


async def test_an_event_that_no_trigger_waits_for_leaves_no_arrival_and_asks_for_no_item(harness: Harness) -> None:
    without, other_settings = harness.tenant(), harness.tenant()
    await other_settings.put("triggers/paid", {**PAID, "settings": {"minimum": {"amount": 9000, "currency": "EUR"}}})
    deals = [harness.entity.add_deal(tenant.id) for tenant in (without, other_settings)]
    asked = harness.entity.asked
    events = [tenant.paid(deal) for tenant, deal in zip((without, other_settings), deals, strict=True)]
    await harness.kafka_probe.publish(ENTITY_EVENTS, *events)
    (judged,) = await other_settings.said(ArrivalJudged)
    assert (judged.data.verdict, judged.data.trigger_type) == ("not_matched", "invoice_paid")
    await harness.kafka_probe.publish(ENTITY_EVENTS, without.paid(deals[0]), other_settings.paid(deals[1]))
    await other_settings.said(ArrivalJudged, 2)
    assert harness.entity.asked == asked
    assert await without.arrivals() == []


async def test_triggers_of_several_types_on_one_event_are_one_move_with_the_earliest_stage(harness: Harness) -> None:
    tenant = harness.tenant()
    await tenant.put("triggers/paid", {**PAID, "stage": "won"})
    await tenant.put("triggers/received", {**PAID, "type": "payment_received"})
    await tenant.put("triggers/false", {**PAID, "condition": {"path": "item.title", "op": "eq", "value": "Other"}})
    deal = harness.entity.add_deal(tenant.id)
    paid = tenant.paid(deal)
    await harness.kafka_probe.publish(ENTITY_EVENTS, paid, paid)
    (move,) = await tenant.said(MoveItem)
    assert [(c.reference, c.stage) for c in move.data.candidates] == [("paid", "won"), ("received", "prepayment")]
    moved = {"verdict": "moved", "stage": "prepayment", "reference": "received"}
    await harness.answer(move, CommandDone(command_id=move.command_id, outputs=moved))
    judged = {event.data.trigger_type: event.data for event in await tenant.said(ArrivalJudged, 2)}
    assert judged["payment_received"].verdict == "moved"
    assert judged["invoice_paid"].verdict == "not_matched"
    assert judged["invoice_paid"].reason == "the trigger 'received' moved it, to this stage or an earlier one"
    assert len(await tenant.arrivals(f"item_id={deal}")) == 2
    assert len(harness.kafka_probe.said(tenant.id, MoveItem)) == 1


async def test_events_wait_while_entity_service_is_away(harness: Harness) -> None:
    tenant = harness.tenant()
    await tenant.put("triggers/paid", PAID)
    deal = harness.entity.add_deal(tenant.id)
    harness.entity.away, asked = True, harness.entity.asked
    try:
        await harness.kafka_probe.publish(ENTITY_EVENTS, tenant.paid(deal))
        await eventually(lambda: _asked_again(harness, asked))
        assert await tenant.arrivals() == []
    finally:
        harness.entity.away = False
    assert (await tenant.said(MoveItem))[0].data.item_id == deal


async def _asked_again(harness: Harness, before: int) -> bool:
    return harness.entity.asked >= before + 3


async def test_a_viewed_document_moves_the_item(harness: Harness) -> None:
    tenant = harness.tenant()
    trigger = {**PAID, "type": "document_viewed", "settings": {"template": "invoice"}}
    await tenant.put("triggers/viewed", trigger)
    deal = harness.entity.add_deal(tenant.id)
    data = DocumentViewed(document_id=new_id(), item_id=deal, template="invoice", views=1, at=utc_now())
    await harness.kafka_probe.publish(DOC_EVENTS, fact(data, tenant.id, deal, source="doc-service"))
    assert (await tenant.said(MoveItem))[0].data.candidates[0].reference == "viewed"


WEBHOOK = {
    **PAID,
    "type": "webhook",
    "settings": {"item": "order.item_id"},
    "condition": {"path": "body.order.state", "op": "eq", "value": "shipped"},
}


async def webhook(tenant: Tenant) -> str:
    path: str = (await tenant.put("triggers/shipped", WEBHOOK))["webhook_path"]
    return path


async def test_a_webhook_moves_the_item_that_its_body_names_once_per_key(harness: Harness) -> None:
    tenant = harness.tenant()
    path, deal = await webhook(tenant), harness.entity.add_deal(tenant.id)
    body: dict[str, Any] = {"order": {"item_id": str(deal), "state": "shipped"}}
    key = {"idempotency-key": "call-1"}
    first, again = [await tenant.post(path, body, headers=key) for _ in range(2)]
    assert (first.status_code, first.json()) == (202, again.json())
    packed = await tenant.post(path, {"order": {"item_id": str(deal), "state": "packed"}})
    arrival = await tenant.verdict(packed.json()["arrival_id"], "condition_false")
    assert arrival["triggers"][0]["reason"] == "body.order.state = shipped is false"
    moves = await tenant.said(MoveItem)
    assert [(move.data.item_id, move.correlation) for move in moves] == [(deal, first.json()["arrival_id"])]
    kept = await harness.service_environment.sql("SELECT arrival_id FROM submissions WHERE tenant_id = $1", tenant.id)
    assert [str(row["arrival_id"]) for row in kept] == [first.json()["arrival_id"]]  # until its move is answered


def call_of(item: UUID | None, state: str = "shipped") -> dict[str, Any]:
    return {"order": {"item_id": str(item) if item else None, "state": state}}


async def test_a_refused_call_may_be_corrected_under_its_key(harness: Harness) -> None:
    tenant = harness.tenant()
    path, deal, key = await webhook(tenant), harness.entity.add_deal(tenant.id), {"webhook-id": "call-1"}
    assert (await tenant.post(path, call_of(None), headers=key)).status_code == 422
    assert (await tenant.post(path, call_of(None), headers=key)).status_code == 422
    packed = await tenant.post(path, call_of(deal, "packed"), headers=key)
    await tenant.verdict(packed.json()["arrival_id"], "condition_false")
    assert (await tenant.post(path, call_of(deal), headers=key)).status_code == 202
    assert [move.data.item_id for move in await tenant.said(MoveItem)] == [deal]


async def test_a_key_that_moved_one_item_is_refused_for_another(harness: Harness) -> None:
    tenant = harness.tenant()
    path, key = await webhook(tenant), {"idempotency-key": "K"}
    one, other = harness.entity.add_deal(tenant.id), harness.entity.add_deal(tenant.id)
    first = (await tenant.post(path, call_of(one), headers=key)).json()["arrival_id"]
    move = (await tenant.said(MoveItem))[0]
    early = await tenant.post(path, call_of(other), headers=key)
    assert (early.status_code, early.headers["retry-after"]) == (409, "5")
    await harness.answer(
        move, CommandDone(command_id=move.command_id, outputs={"verdict": "moved", "stage": "shipped"})
    )
    await tenant.verdict(first, "moved")
    refused = await tenant.post(path, call_of(other), headers=key)
    assert (refused.status_code, refused.json()["errors"][0]["what"]) == (422, "take a new one for another content")
    assert (await tenant.post(path, call_of(one), headers=key)).json()["arrival_id"] == first
    assert (await tenant.post(path, call_of(other), headers={"idempotency-key": "L"})).status_code == 202
    assert [move.data.item_id for move in await tenant.said(MoveItem, 2)] == [one, other]


async def test_a_webhook_that_names_no_item_is_refused_with_the_reason(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await webhook(tenant)
    assert (await tenant.post(path, {"order": {}})).status_code == 422
    assert [arrival["verdict"] for arrival in await tenant.arrivals("trigger=shipped")] == ["refused"]
    deep = b'{"order":' * 900 + b"1" + b"}" * 900
    for malformed in (b"{", b"[]", b'{"a":"\\u0000"}', deep, b"[" * 5000):
        response = await tenant.call("POST", path, role=None, content=malformed)
        assert response.status_code == 422


async def test_the_address_of_a_webhook_is_answered_once_and_void_after_rotation(harness: Harness) -> None:
    tenant = harness.tenant()
    path = await webhook(tenant)
    assert (await tenant.call("GET", "/v1/triggers/shipped")).json()["webhook_path"] is None
    replaced = await tenant.call("PUT", "/v1/triggers/shipped", json=WEBHOOK)
    assert (replaced.status_code, replaced.json()["webhook_path"]) == (200, None)
    fresh = (await tenant.call("POST", "/v1/triggers/shipped/rotate")).json()["webhook_path"]
    assert (await tenant.post(path, {})).status_code == 404
    assert (await tenant.post(fresh, {})).status_code == 422
    kept = await harness.service_environment.sql(
        "SELECT token_hash FROM public_addresses WHERE owner_tenant = $1", tenant.id
    )
    assert fresh.rpartition("/")[2].encode() not in [row["token_hash"] for row in kept]


@pytest.mark.parametrize(
    ("changes", "where"),
    [
        ({"stage": "lost"}, "stage"),
        ({"type": "horn_blown"}, "type"),
        ({"settings": {"colour": "red"}}, "settings.colour"),
        ({"condition": {"path": "item.colour", "op": "filled"}}, "condition"),
    ],
)
async def test_a_trigger_that_refers_to_nothing_is_refused(
    harness: Harness, changes: dict[str, Any], where: str
) -> None:
    response = await harness.tenant().call("PUT", "/v1/triggers/paid", json={**PAID, **changes})
    assert response.status_code == 422
    assert [error["where"] for error in response.json()["errors"]] == [where]


async def test_a_definition_comes_back_as_it_was_put(harness: Harness) -> None:
    tenant = harness.tenant()
    condition = {"not": {"all": [{"path": "item.title", "op": "eq", "value": "Other"}]}}
    await tenant.put("triggers/paid", {**PAID, "condition": condition})
    found = (await tenant.call("GET", "/v1/triggers/paid", role="viewer")).json()
    assert found["condition"] == condition
    assert PAID.items() <= found.items()
    assert [one["code"] for one in (await tenant.call("GET", "/v1/triggers")).json()["items"]] == ["paid"]
    types = (await tenant.call("GET", "/v1/trigger-types", role="viewer")).json()["items"]
    assert {one["type"] for one in types} == TRIGGER_TYPES.keys()


async def test_a_definition_needs_an_author_and_reading_needs_a_token(harness: Harness) -> None:
    tenant = harness.tenant()
    assert (await tenant.call("PUT", "/v1/triggers/paid", role="agent", json=PAID)).status_code == 403
    assert (await tenant.call("GET", "/v1/arrivals", role=None)).status_code == 401


async def test_one_tenant_sees_and_moves_nothing_of_another(harness: Harness) -> None:
    mine, other = harness.tenant(), harness.tenant()
    await mine.put("triggers/paid", PAID)
    await other.put("triggers/never", {**PAID, "condition": {"path": "item.title", "op": "eq", "value": "Other"}})
    path, deal = await webhook(mine), harness.entity.add_deal(other.id)
    await mine.submit(path, {"order": {"item_id": str(deal), "state": "shipped"}})
    await harness.kafka_probe.publish(ENTITY_EVENTS, other.paid(deal))
    found = await mine.said(ArrivalJudged), await other.said(ArrivalJudged)
    assert [events[0].data.verdict for events in found] == ["gone", "condition_false"]
    arrival = (await mine.arrivals())[0]["id"]
    assert (await other.call("GET", f"/v1/arrivals/{arrival}")).status_code == 404
    assert (await other.call("GET", "/v1/triggers/paid")).status_code == 404
    assert [one["code"] for one in (await other.call("GET", "/v1/triggers")).json()["items"]] == ["never"]
    assert (await other.call("POST", "/v1/triggers/shipped/rotate")).status_code == 404
    assert harness.kafka_probe.said(mine.id, MoveItem) == harness.kafka_probe.said(other.id, MoveItem) == []


async def test_arrivals_are_listed_newest_first_in_pages(harness: Harness) -> None:
    tenant = harness.tenant()
    await tenant.put("triggers/off", {**PAID, "enabled": False})
    deals = [harness.entity.add_deal(tenant.id) for _ in range(3)]
    await harness.kafka_probe.publish(ENTITY_EVENTS, *[tenant.paid(deal) for deal in deals])
    await tenant.said(ArrivalJudged, 3)
    first = (await tenant.call("GET", "/v1/arrivals?limit=2")).json()
    second = (await tenant.call("GET", f"/v1/arrivals?limit=2&cursor={first['next_cursor']}")).json()
    received = [arrival["received_at"] for arrival in first["items"] + second["items"]]
    assert (len(received), received, second["next_cursor"]) == (3, sorted(received, reverse=True), None)
    assert (await tenant.call("GET", "/v1/arrivals?cursor=nonsense")).status_code == 400
    assert (await tenant.call("GET", f"/v1/arrivals/{uuid4()}")).status_code == 404


async def test_other_services_read_where_triggers_in_use_take_items(harness: Harness) -> None:
    tenant = harness.tenant()
    await tenant.put("triggers/paid", PAID)
    await tenant.put("triggers/back", {**PAID, "stage": "won", "allow_moving_back": True})
    await tenant.put("triggers/off", {**PAID, "enabled": False})
    await tenant.put("triggers/gone", {**PAID, "archived": True})
    path = f"/internal/triggers/{tenant.id}"
    answer = await tenant.call("GET", path, role=None, headers=harness.service_environment.as_service("GET", path))
    found = TenantTriggers.model_validate_json(answer.content)
    assert [(one.code, one.type, one.pipeline, one.stage, one.allow_moving_back) for one in found.triggers] == [
        ("back", "invoice_paid", "sales", "won", True),
        ("paid", "invoice_paid", "sales", "prepayment", False),
    ]
    assert (await tenant.call("GET", path, role="admin")).status_code == 401
