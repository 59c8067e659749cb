"""Diff, roll back, copy, enable and disable, and what publishing warns of: through the API on a real PostgreSQL."""

import asyncio
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.kit.database import Database
from contracts.triggers import TriggerPlace
from integration.rule_engine.authoring.conftest import Tenants
from integration.rule_engine.authoring.test_rule_sets import GREETING, URL, numbers, put, renamed
from rule_engine.store.rule_sets import RuleSets
from support.entity import EntityStandIn, TriggersStandIn
from support.shop import FURNITURE_SHOP, SCHEMA, rule, rule_set

PAID = TriggerPlace(code="paid", type="invoice_paid", pipeline="sales", stage="prepayment")
BACK = rule_set(prepayment=[rule("back", "change_stage", stage="new")])
COPY = rule_set(won=[rule("copy", "copy_deal", pipeline="installation")])
COPY_BACK = rule_set("installation", planned=[rule("copy", "copy_deal", pipeline="sales", stage="won")])


async def act(author: httpx.AsyncClient, path: str, body: Any, status: int = 200) -> dict[str, Any]:
    answer = await author.post(f"{URL}/{path}", json=body)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


def names(view: dict[str, Any], stage: str) -> list[tuple[str, bool]]:
    return [(one["name"], one["enabled"]) for one in view["document"]["stages"][stage]["rules"]]


async def test_what_a_draft_would_change_is_told_rule_by_rule(author: httpx.AsyncClient) -> None:
    await put(author, GREETING, publish=True)
    await put(author, rule_set(new=[rule("greet", "send_sms", text="Hi")]))
    seen = (await author.get(f"{URL}/diff")).json()
    assert (seen["from"], seen["to"]) == (1, 2)
    assert [one["what"] for one in seen["changes"]] == [
        "new: rule 'greet': params.text is 'Hi', before 'Hello {{ contact.first_name }}'"
    ]
    back = (await author.get(f"{URL}/diff", params={"from": "draft", "to": "1"})).json()
    assert (back["from"], back["to"], len(back["changes"])) == (2, 1, 1)
    assert (await author.get(f"{URL}/diff", params={"from": "7"})).status_code == 404


async def test_rolling_back_publishes_the_old_version_as_a_new_one_and_leaves_the_draft(
    author: httpx.AsyncClient,
) -> None:
    first = await put(author, renamed(GREETING, "First"), publish=True)
    await put(author, FURNITURE_SHOP, publish=True)
    await put(author, rule_set(won=[]))
    back = await act(author, "rollback", {"version": 1})
    assert (back["version"], back["status"], back["name"]) == (3, "published", "First")
    assert back["document"] == first["document"]
    draft = (await author.get(URL, params={"version": "draft"})).json()
    assert (draft["version"], list(draft["document"]["stages"])) == (4, ["won"])


async def test_whoever_changes_a_rule_set_is_recorded_whichever_way_it_is_changed(call: Tenants, tenant: UUID) -> None:
    author = call(tenant)
    await put(author, GREETING)
    await put(author, GREETING, publish=True)
    await put(author, GREETING, publish=True)
    await act(author, "rules/disable", {"rules": [{"stage": "new", "name": "greet"}]})
    await act(author, "rollback", {"version": 1})
    await put(author, GREETING, publish=True, archived=True)
    changes = (await call(tenant, "admin").get("/v1/changes", params={"kind": "rule-set"})).json()["items"]
    assert {(one["code"], one["changed_by"]) for one in changes} == {(URL.rpartition("/")[2], "ada")}
    archived, rolled_back, disabled, published, made = changes
    assert made["before"] is None
    assert published["fields"] == ["draft", "published"]
    assert disabled["fields"] == rolled_back["fields"] == ["published", "stages"]
    assert archived["fields"] == ["archived"]
    assert [one["before"] for one in changes] == [*(one["after"] for one in changes[1:]), None]


async def test_a_version_that_cannot_be_published_any_more_is_not_rolled_back_to(
    author: httpx.AsyncClient, entity: EntityStandIn
) -> None:
    await put(author, FURNITURE_SHOP, publish=True)
    await put(author, GREETING, publish=True)
    entity.schema = SCHEMA.model_copy(update={"employees": ()})
    refused = await act(author, "rollback", {"version": 1}, 422)
    assert refused["errors"][0]["where"] == "stages.prepayment.rules[0].params.assignee"
    assert await numbers(author) == [(2, "published"), (1, "published")]
    assert (await act(author, "rollback", {"version": 9}, 404))["detail"] == (
        "there is no published version 9 of rule set 'sales'"
    )


async def test_rules_are_switched_off_and_on_in_what_is_published_and_in_the_draft(
    author: httpx.AsyncClient, tenant: UUID, database: Database
) -> None:
    await put(author, FURNITURE_SHOP, publish=True)
    await put(author, renamed(FURNITURE_SHOP, "Draft"))
    both = {"rules": [{"stage": "new", "name": "greet"}, {"stage": "won", "name": "renew"}]}
    off = await act(author, "rules/disable", both)
    assert (off["version"], off["status"]) == (2, "published")
    assert names(off, "new") == [("greet", False), ("escalate", True)]
    async with database.transaction(tenant) as tx:
        programs = await RuleSets().programs(tx, tenant, "sales", 2)
    assert [one.enabled for program in programs["new"] for one in program.rules()] == [False, True]
    draft = (await author.get(URL, params={"version": "draft"})).json()
    assert (draft["version"], draft["document"]["name"], names(draft, "won")[0]) == (3, "Draft", ("renew", False))
    assert (await act(author, "rules/disable", both))["version"] == 2
    assert names(await act(author, "rules/enable", both), "new")[0] == ("greet", True)


async def test_switching_off_is_refused_only_for_what_it_breaks(
    author: httpx.AsyncClient, entity: EntityStandIn
) -> None:
    await put(author, FURNITURE_SHOP, publish=True)
    needed = {"rules": [{"stage": "documents", "name": "create_document"}]}
    refused = await act(author, "rules/disable", needed, 422)
    assert refused["errors"][0]["what"] == "'create_document' is disabled, so it has no outputs"
    entity.schema = SCHEMA.model_copy(update={"employees": ()})
    assert (await act(author, "rules/disable", {"rules": [{"stage": "new", "name": "greet"}]}))["version"] == 2
    missing = await act(author, "rules/disable", {"rules": [{"stage": "new", "name": "great"}]}, 422)
    assert missing["errors"] == [
        {"where": "rules[0].name", "what": "there is no rule 'great' in stage 'new': did you mean 'greet'?"}
    ]


async def test_rules_are_copied_to_another_pipeline_and_checked_there(author: httpx.AsyncClient) -> None:
    await put(author, FURNITURE_SHOP, publish=True)
    await put(author, rule_set("installation", planned=[]), code="fitting", publish=True)
    seen = await act(author, "copy", {"stage": "new", "to_stage": "planned", "to": "fitting", "publish": True})
    assert (seen["code"], seen["version"], seen["status"]) == ("fitting", 2, "published")
    assert names(seen, "planned") == [("greet", True), ("escalate", True)]
    again = await act(author, "copy", {"stage": "new", "to_stage": "planned", "to": "fitting", "rules": ["greet"]})
    assert (again["status"], names(again, "planned")[-1]) == ("draft", ("greet_2", True))
    ids = [one["id"] for one in again["document"]["stages"]["planned"]["rules"]]
    assert len(set(ids)) == 3


async def test_copies_that_cannot_live_in_the_other_pipeline_are_refused(author: httpx.AsyncClient) -> None:
    await put(author, FURNITURE_SHOP, publish=True)
    await put(author, rule_set("bills", sent=[]), code="bills", publish=True)
    body = {"stage": "won", "to_stage": "sent", "to": "bills"}
    refused = await act(author, "copy", body | {"publish": True}, 422)
    assert refused["errors"][0]["what"] == "create_repeat_lead is for deal, not for invoice pipelines"
    assert (await act(author, "copy", body))["issues"][0]["where"] == "stages.sent.rules[0].type"
    assert (await act(author, "copy", body | {"to": "none"}, 404))["detail"] == "there is no rule set 'none'"


async def test_a_circle_over_two_rule_sets_is_refused_and_named(author: httpx.AsyncClient) -> None:
    await put(author, COPY, publish=True)
    answer = await author.put("/v1/rule-sets/fitting", json=COPY_BACK | {"publish": True})
    assert answer.status_code == 422
    assert "installation/planned → sales/won → installation/planned" in answer.json()["errors"][0]["what"]
    await put(author, COPY | {"archived": True})
    assert (await author.put("/v1/rule-sets/fitting", json=COPY_BACK | {"publish": True})).status_code == 200


async def test_of_two_halves_of_a_circle_that_are_published_in_one_moment_one_is_refused(
    author: httpx.AsyncClient, triggers: TriggersStandIn
) -> None:
    triggers.barrier = asyncio.Barrier(2)  # neither sees the other while they are checked
    halves = {"sales": COPY, "fitting": COPY_BACK}
    answers = await asyncio.gather(
        *(author.put(f"/v1/rule-sets/{code}", json=half | {"publish": True}) for code, half in halves.items())
    )
    triggers.barrier = None
    refused = {code: answer for code, answer in zip(halves, answers, strict=True) if answer.status_code != 200}
    ((code, answer),) = refused.items()
    assert (answer.status_code, "published meanwhile" in answer.json()["detail"]) == (409, True)
    again = await author.put(f"/v1/rule-sets/{code}", json=halves[code] | {"publish": True})
    assert (again.status_code, "this never ends" in again.json()["errors"][0]["what"]) == (422, True)


async def test_a_circle_through_a_trigger_is_warned_of(author: httpx.AsyncClient, triggers: TriggersStandIn) -> None:
    assert (await put(author, BACK, publish=True))["warnings"] == []
    triggers.triggers = (PAID,)
    (warning,) = (await author.post(f"{URL}/publish")).json()["warnings"]
    assert warning["where"] == "stages.prepayment.rules[0].params"
    assert "prepayment → new → prepayment (by rule 'back', trigger 'paid')" in warning["what"]


async def test_publishing_says_when_triggers_could_not_be_seen(
    author: httpx.AsyncClient, triggers: TriggersStandIn
) -> None:
    triggers.away = True
    seen = await put(author, BACK, publish=True)
    assert seen["status"] == "published"
    assert seen["warnings"][0]["what"].startswith("circles through triggers were not looked for: trigger-service")
    assert (await put(author, GREETING, publish=True))["warnings"] == []


@pytest.mark.parametrize("path", ["rollback", "rules/enable", "rules/disable", "copy"])
async def test_only_authors_give_orders(call: Tenants, tenant: UUID, path: str) -> None:
    await put(call(tenant), GREETING, publish=True)
    bodies = {"rollback": {"version": 1}, "copy": {"stage": "new", "to_stage": "won"}}
    body = bodies.get(path, {"rules": [{"stage": "new", "name": "greet"}]})
    await act(call(tenant, "agent"), path, body, 403)
    await act(call(UUID(int=99)), path, body, 404)
