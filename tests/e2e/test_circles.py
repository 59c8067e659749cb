"""Automation that causes itself ends by itself, through all services, and says so where people look."""

from typing import Any

import pytest

from contracts.envelope import MAX_CAUSES
from local_stack.demo.shop import Shop
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.verify, pytest.mark.timeout(900)]

PIPELINE: dict[str, Any] = {
    "name": "Copies",
    "kind": "deal",
    "stages": [{"code": "again", "name": "Again"}, {"code": "over", "name": "Over", "outcome": "won"}],
}
COPY = {
    "name": "copy",
    "type": "copy_deal",
    "condition": {"path": "item.title", "op": "filled"},
    "params": {"name": "Copy", "pipeline": "copies", "stage": "again"},
}


SECOND = {"kind": "deal", "name": "Second", "pipeline": "round", "stage": "start"}
FIRST = {"path": "item.title", "op": "eq", "value": "First"}
STAGES = ("ping", "pong", "pang")


def test_a_circle_of_linked_items_ends_when_a_trigger_would_move_one_a_second_time(shop: Shop) -> None:
    """Each item follows the other one, a stage ahead, until both have been everywhere."""
    stages = [{"code": code, "name": code} for code in ("start", *STAGES)]
    shop.owner.put("entity-service", "/v1/pipelines/round", {"name": "Round", "kind": "deal", "stages": stages})
    for here, onward in zip(STAGES, (*STAGES[1:], STAGES[0]), strict=True):
        trigger: dict[str, Any] = {"name": onward, "type": "linked_item_stage", "pipeline": "round", "stage": onward}
        trigger |= {"settings": {"stage": here}, "allow_moving_back": True}
        shop.owner.put("trigger-service", f"/v1/triggers/to_{onward}", trigger)
    link = {"name": "link", "type": "create_item", "params": SECOND}
    rules = {"pipeline": "round", "stages": {"start": {"rules": [link | {"condition": FIRST}]}}, "publish": True}
    shop.owner.put("rule-engine", "/v1/rule-sets/round", rules)
    first = shop.manager.post("entity-service", "/v1/items", {"kind": "deal", "title": "First", "pipeline": "round"})

    def links() -> list[dict[str, Any]]:
        return shop.manager.list("entity-service", f"/v1/items/{first['id']}/links")

    until(lambda: bool(links()), "the second item")
    items = (first["id"], links()[0]["item_id"])
    path, any_version = f"/v1/items/{items[0]}/stage", {"If-Match": "*"}
    shop.manager.send("PUT", "entity-service", path, json={"stage": "ping"}, headers=any_version)

    def stopped() -> list[str]:
        entries = [one for item in items for one in shop.manager.list("entity-service", f"/v1/items/{item}/timeline")]
        return [entry["text"] for entry in entries if entry["kind"] == "automation_stopped"]

    until(lambda: bool(stopped()), "the circle to be stopped")
    (reason,) = stopped()
    assert "in a circle: trigger/to_pong acts on this item a second time" in reason

    def moved() -> list[int]:
        return [len(shop.manager.list("trigger-service", "/v1/arrivals", item_id=id, verdict="moved")) for id in items]

    until(lambda: moved() == [3, 3], "three moves of each")
    until(lambda: refused_because(shop, reason, items[1]), "the arrival that says why")


def refused_because(shop: Shop, reason: str, item: str) -> bool:
    refused = shop.manager.list("trigger-service", "/v1/arrivals", item_id=item, verdict="refused")
    return [arrival["reason"] for arrival in refused] == [reason]


def test_a_circle_of_copies_that_no_condition_ends_stops_after_sixteen_causes(shop: Shop) -> None:
    shop.owner.put("entity-service", "/v1/pipelines/copies", PIPELINE)
    rules = {"pipeline": "copies", "stages": {"again": {"rules": [COPY]}}, "publish": True}
    shop.owner.put("rule-engine", "/v1/rule-sets/copies", rules)
    first = shop.manager.post("entity-service", "/v1/items", {"kind": "deal", "title": "Copy", "pipeline": "copies"})

    def deals() -> list[dict[str, Any]]:
        return shop.manager.list("entity-service", "/v1/items", pipeline="copies", limit="100")

    def stopped() -> list[dict[str, Any]]:
        newest = max(deals(), key=lambda deal: str(deal["id"]))
        entries = shop.manager.list("entity-service", f"/v1/items/{newest['id']}/timeline")
        return [entry for entry in entries if entry["kind"] == "automation_stopped"]

    until(lambda: bool(stopped()), "the last copy to say that automation was stopped")
    assert f"more than {MAX_CAUSES} rules caused one another" in stopped()[0]["text"]
    assert len(deals()) == 1 + MAX_CAUSES
    assert first["id"] in {deal["id"] for deal in deals()}
    last = max(deals(), key=lambda deal: str(deal["id"]))
    view = shop.head.get("rule-engine", f"/v1/automation/items/{last['id']}")
    (rule,) = view["stages"][0]["entries"][0]["rules"]
    assert rule["state"] == "refused"
    assert "automation runs on and on" in rule["reason"]
