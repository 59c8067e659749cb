"""Types of items of one's own on all services: pipelines, fields, forms, triggers, rules and links take them."""

import time
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from local_stack.apply import Services, apply, read
from local_stack.demo.reading import Reading
from local_stack.demo.shop import Shop
from local_stack.plan import plan
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.verify]


def send_form(shop: Shop, form: str) -> None:
    """As a visitor does, who needs a moment to fill it in."""
    page = shop.visitor.send("GET", "trigger-service", form, headers={"Accept": "application/json"}).json()
    shown = time.monotonic()
    until(lambda: time.monotonic() - shown >= page["min_age_s"], "the form to be filled in")
    answers = {"name": "Alex Example", "email": "alex@example.com", "place": "Via Esempio 3"}
    shop.visitor.send("POST", "trigger-service", form, data=answers | {"_nonce": page["nonce"]})


def test_a_project_comes_from_a_form_is_moved_by_a_webhook_and_leads_to_an_inspection(shop: Shop) -> None:
    documents, seen = read(Path(__file__).parent / "own_types.yaml"), Reading(shop)
    with closing(Services(shop.stack.addresses, shop.stack.credentials, shop.tenant)) as services:
        answers = apply(documents, services, lambda _, __: None)
        assert [one.words() for one in plan(documents, services) if one.change != "same"] == []
    send_form(shop, answers["form/projects"]["path"])
    until(lambda: len(seen.items(kind="inspection")) == 1, "the inspection to be due")
    (project,), (inspection,) = seen.items(kind="project"), seen.items(kind="inspection")
    assert (project["title"], project["fields"]) == ("Project of Alex Example", {"place": "Via Esempio 3"})
    assert (inspection["title"], inspection["fields"]) == ("Inspect Via Esempio 3", {"place": "Via Esempio 3"})
    (link,) = seen.of_item(project["id"], "links")
    assert (link["relation"], link["kind"], link["item_id"]) == ("follow_up", "inspection", inspection["id"])
    shop.visitor.post("trigger-service", answers["trigger/begun"]["webhook_path"], {"item": project["id"]})
    until(lambda: seen.item(inspection["id"])["source"] is not None, "the inspection to be told")
    assert seen.item(inspection["id"])["source"] == "project 1 of Alex Example"
    assert seen.state(project["id"], "under_way", "say_so") == "done"
    _is_in_use(shop)
    _knows_no_other(shop)


def _is_in_use(shop: Shop) -> None:
    spec = {"title": {"en": "Project"}, "has_products": False, "archived": True}
    answer = shop.owner.send("PUT", "entity-service", "/v1/item-types/project", json=spec, also=[409])
    assert "in use by the pipeline 'projects', 1 item:" in answer.json()["detail"]


def _knows_no_other(shop: Shop) -> None:
    rule: dict[str, Any] = {"name": "it", "type": "create_item", "params": {"kind": "projekt", "name": "x"}}
    rules = {"pipeline": "projects", "stages": {"planned": {"rules": [rule]}}, "publish": True}
    answer = shop.owner.send("PUT", "rule-engine", "/v1/rule-sets/projects", json=rules, also=[422])
    (error,) = answer.json()["errors"]
    assert error["where"] == "stages.planned.rules[0].params.kind"
    assert error["what"] == "there is no item type 'projekt': did you mean 'project'?"
