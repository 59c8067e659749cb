"""A workflow that asks employees while nobody else's automation changes its item, on the running stack."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local_stack.demo.shop import Shop, open_shop
from local_stack.stack import Stack
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.verify]

ANY = {"If-Match": "*"}
ASK = {
    "block": "approve",
    "name": "discount",
    "subject": "A discount for {{ item.title }}",
    "voters": ["manager", "warehouse_worker"],
    "branches": [
        {
            "name": "approved",
            "blocks": [
                {
                    "block": "action",
                    "name": "grant",
                    "type": "update_item",
                    "params": {"fields": [{"field": "source", "value": "{{ steps.discount.votes | size }} agreed"}]},
                }
            ],
        }
    ],
}
DISCOUNT = {
    "kind": "deal",
    "publish": True,
    "blocks": [{"block": "lock_item", "name": "alone", "branches": [{"name": "locked", "blocks": [ASK]}]}],
}
RENAME = {
    "block": "action",
    "name": "rename",
    "type": "update_item",
    "params": {"fields": [{"field": "title", "value": "Elm table"}]},
}
OTHER = {"kind": "deal", "publish": True, "blocks": [RENAME]}


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Iterator[Shop]:
    stack.start(["all"])
    with closing(open_shop(stack)) as shop:
        shop.owner.put("rule-engine", "/v1/workflows/discount", DISCOUNT)
        shop.owner.put("rule-engine", "/v1/workflows/other", OTHER)
        yield shop


def start(shop: Shop, workflow: str, item: str) -> str:
    return str(shop.head.post("rule-engine", f"/v1/workflows/{workflow}/runs", {"item_id": item})["id"])


def run(shop: Shop, id: str) -> dict[str, Any]:
    found: dict[str, Any] = shop.head.get("rule-engine", f"/v1/runs/{id}")
    return found


def row(shop: Shop, id: str, name: str) -> dict[str, Any]:
    return next((one for one in run(shop, id)["rules"] if one["name"] == name), {})


def asked(shop: Shop, run: str) -> dict[str, dict[str, Any]]:
    """The open assignments in the manager's inbox of a run, by assignee."""
    found = shop.manager.list("rule-engine", "/v1/assignments", workflow="discount")
    return {one["assignee"]: one for one in found if one["run_id"] == run}


def answer(shop: Shop, one: dict[str, Any]) -> None:
    path, said = f"/v1/assignments/{one['id']}/answer", {"choice": "approve"}
    shop.manager.send("POST", "rule-engine", path, json=said, headers=ANY)


def test_employees_and_their_substitutes_approve_while_nobody_else_changes_the_item(shop: Shop) -> None:
    item = str(shop.manager.post("entity-service", "/v1/items", {"kind": "deal", "title": "Oak table"})["id"])
    run_id = start(shop, "discount", item)
    until(lambda: asked(shop, run_id).keys() == {shop.ids["manager"]}, "the manager to be asked")
    lock = shop.manager.get("entity-service", f"/v1/items/{item}")["lock"]
    assert (lock["run_id"], lock["workflow"]) == (run_id, "discount")

    other = start(shop, "other", item)
    until(lambda: row(shop, other, "rename").get("state") == "refused", "the other workflow to be refused")
    assert "locked by workflow 'discount'" in row(shop, other, "rename")["reason"]

    now = datetime.now(UTC)
    away = {"from": now.isoformat(), "until": (now + timedelta(days=7)).isoformat(), "substitute": "manager"}
    shop.owner.put("entity-service", "/v1/employees/warehouse_worker/schedule", {"absences": [away]})
    worker = shop.ids["warehouse_worker"]
    assert asked(shop, run_id)[worker]["on_behalf_of"] == worker
    for one in asked(shop, run_id).values():
        answer(shop, one)

    until(lambda: run(shop, run_id)["outcome"] == "done", "the workflow to end")
    until(lambda: shop.manager.get("entity-service", f"/v1/items/{item}")["lock"] is None, "the item to be unlocked")
    found = shop.manager.get("entity-service", f"/v1/items/{item}")
    assert (found["title"], found["source"]) == ("Oak table", "2 agreed")

    step = row(shop, other, "rename")["step"]
    shop.head.post("rule-engine", f"/v1/runs/{other}/blocks/{step}/retry", {})
    until(lambda: run(shop, other)["outcome"] == "done", "the other workflow to end")
    assert shop.manager.get("entity-service", f"/v1/items/{item}")["title"] == "Elm table"
