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
