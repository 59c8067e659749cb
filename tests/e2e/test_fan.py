"""A move that fans out: three copies of each of three copies of each of three, all of one cause, which has a quota."""

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import pytest

from local_stack.demo.people import Person
from local_stack.demo.shop import Shop
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.verify, pytest.mark.timeout(900)]

PLACES = ("fan_one", "fan_two", "fan_three", "fan_four")
"""Pipelines with one stage each; whatever enters one is copied three times into the next."""
LIMIT = 10


def fan(shop: Shop) -> None:
    """Publishes it."""
    for code in PLACES:
        pipeline = {"name": code, "kind": "deal", "stages": [{"code": "new", "name": "New"}]}
        shop.owner.put("entity-service", f"/v1/pipelines/{code}", pipeline)
    for code, next_ in pairwise(PLACES):
        rules = [
            {"name": f"copy_{n}", "type": "copy_deal", "execution": "parallel", "params": {"pipeline": next_}}
            for n in range(3)
        ]
        document = {"pipeline": code, "publish": True, "stages": {"new": {"rules": rules}}}
        shop.owner.put("rule-engine", f"/v1/rule-sets/{code}", document)


def enter(shop: Shop, title: str) -> str:
    body = {"kind": "deal", "title": title, "pipeline": PLACES[0]}
    return str(shop.manager.post("entity-service", "/v1/items", body)["id"])


def copies(shop: Shop) -> list[dict[str, Any]]:
    """All that were made in the pipelines behind the first."""
    found = [shop.manager.list("entity-service", "/v1/items", pipeline=code, limit="200") for code in PLACES[1:]]
    return [item for items in found for item in items]


def rules_of(shop: Shop, item: str) -> list[Mapping[str, Any]]:
    view = shop.manager.find("rule-engine", f"/v1/automation/items/{item}") or {"stages": []}
    return [rule for stage in view["stages"] for entry in stage["entries"] for rule in entry["rules"]]


def come_to_rest(shop: Shop, deal: str, count: int) -> list[str]:
    """Waits until there are so many copies and no rule of any of them goes on; the items that had rules."""

    def at_rest() -> bool:
        made = copies(shop)
        parents = [deal, *(item["id"] for item in made if item["pipeline"] != PLACES[-1])]
        seen = [rules_of(shop, item) for item in parents]
        ended = all(len(rules) == 3 and {rule["state"] for rule in rules} <= {"done", "refused"} for rules in seen)
        return len(made) == count and ended

    until(at_rest, f"{count} copies and rest")
    return [deal, *(item["id"] for item in copies(shop) if item["pipeline"] != PLACES[-1])]


def test_a_fan_of_copies_ends_at_its_causes_quota_says_so_and_another_cause_goes_on(shop: Shop) -> None:
    fan(shop)
    platform = Person(shop.stack.addresses, shop.stack.credentials.platform_token("olga"))
    platform.put("entity-service", f"/internal/quotas/{shop.tenant}/items_per_cause", {"limit": LIMIT})
    platform.close()

    deal = enter(shop, "first")
    parents = come_to_rest(shop, deal, LIMIT)

    refused = {item: rule for item in parents for rule in rules_of(shop, item) if rule["state"] == "refused"}
    assert refused
    for item, rule in refused.items():
        assert rule["reason"].startswith(f"quota items_per_cause: at most {LIMIT} items")
        timeline = shop.manager.list("entity-service", f"/v1/items/{item}/timeline", limit="200")
        assert rule["reason"] in {one["text"] for one in timeline if one["kind"] == "automation_stopped"}

    another = enter(shop, "second")
    until(lambda: len(copies(shop)) == 2 * LIMIT, "as many copies out of another cause")
    until(lambda: {rule["state"] for rule in rules_of(shop, another)} == {"done"}, "its rules to be done")
