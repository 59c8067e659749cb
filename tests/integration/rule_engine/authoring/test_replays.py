"""Replays of what was really decided and recorded, through the API and the command, on a real PostgreSQL."""

import asyncio
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
import yaml
from typer.testing import CliRunner

from integration.rule_engine.authoring.conftest import Tenants
from integration.rule_engine.authoring.engine import Deal, Engine
from integration.rule_engine.authoring.test_simulations import publish
from integration.rule_engine.authoring.test_workflows import action, put, run_of
from local_stack.layout import WORKSPACE
from local_stack.main import app as stack
from support.shop import rule, rule_set

ADA = {"path": "contact.first_name", "op": "eq", "value": "Ada"}
QUIET = {"path": "item.activity_count", "op": "lt", "value": 2}
IN_AN_HOUR = {"when": "after", "hours": 1}


def rules(greet: str = "Hello", remind: dict[str, Any] = QUIET, **options: Any) -> dict[str, Any]:
    return rule_set(
        new=[
            rule("greet", "send_sms", execution="parallel", text=greet + " {{ contact.first_name }}", condition=ADA),
            rule(
                "remind",
                "send_sms",
                execution="parallel",
                text="Call!",
                condition=remind,
                **{"run": IN_AN_HOUR} | options,
            ),
        ]
    )


async def decided(engine: Engine, tenant: UUID, number: int = 3) -> list[Deal]:
    """Deals with 0, 1, 2 … activities on which both rules have decided."""
    deals = [Deal(engine, tenant, activity_count=count) for count in range(number)]
    for deal in deals:
        await deal.enters("new")
    await engine.advance(tenant)
    engine.watch.later(hours=1)
    await engine.advance(tenant)
    engine.watch.later(minutes=1)
    return deals


async def replay(author: httpx.AsyncClient, document: dict[str, Any] | None = None, **asked: Any) -> dict[str, Any]:
    """The findings of the document as a draft."""
    if document is not None:
        await publish(author, document, publish=False)
    answer = await author.post("/v1/rule-sets/sales/replays", json=asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def told(found: dict[str, Any]) -> dict[str, list[tuple[str, str, int]]]:
    return {
        one["rule"]: [(each["was"], each["would"], each["times"]) for each in one["differences"]]
        for one in found["rules"]
    }


async def test_the_version_in_force_would_decide_everything_again(
    author: httpx.AsyncClient, engine: Engine, tenant: UUID
) -> None:
    await publish(author, rules())
    await decided(engine, tenant)
    found = await replay(author, version="newest")
    assert (found["decisions"], found["same"], found["items"], found["version"]) == (6, 6, 3, 1)
    assert {one["change"] for one in found["rules"]} == {"none"}
    assert await replay(author, version="newest") == found


async def test_a_changed_condition_and_a_changed_text_say_for_which_items_and_why(
    author: httpx.AsyncClient, engine: Engine, tenant: UUID
) -> None:
    await publish(author, rules())
    deals = await decided(engine, tenant)
    stricter = {"all": [{"path": "item.activity_count", "op": "gt", "value": 0}]}
    found = await replay(author, rules("Dear", stricter), examples=1)
    assert told(found) == {
        "greet": [("acted", "act otherwise", 3)],
        "remind": [("acted", "not act", 1), ("did not act", "act", 1)],
    }
    greet, remind = found["rules"]
    assert greet["differences"][0]["items"][0]["would"] == "params.text: 'Hello Ada' → 'Dear Ada'"
    assert len(greet["differences"][0]["items"]) == 1
    no_more = remind["differences"][0]["items"][0]
    assert (no_more["item_id"], no_more["would"]) == (str(deals[0].id), "item.activity_count > 0 is false: it is 0")
    now = remind["differences"][1]["items"][0]
    assert (now["item_id"], now["would"]) == (str(deals[2].id), "params.text: 'Call!'")
    assert now["was"] == "item.activity_count < 2 is false: it is 2"


async def test_texts_are_made_in_the_tenants_language_and_zone_and_chance_falls_as_it_did(
    author: httpx.AsyncClient, engine: Engine, tenant: UUID
) -> None:
    """Only what differs between the versions is told."""

    def dated(greeting: str) -> dict[str, Any]:
        text = greeting + " {{ now | date_format: 'd MMMM y' }}, {{ 'a,b,c,d,e,f' | split: ',' | shuffle | join: '' }}"
        return rule_set(new=[rule("greet", "send_sms", text=text)])

    await publish(author, dated("On"))
    await decided(engine, tenant, 1)
    found = await replay(author, dated("At"))
    (difference,) = found["rules"][0]["differences"]
    told = difference["items"][0]["would"]
    assert told.startswith("params.text: 'On 2 March 2026, ")
    assert told.split("'On ")[1].split("'")[0] == told.split("'At ")[1].split("'")[0]


async def test_what_was_not_recorded_is_not_guessed(author: httpx.AsyncClient, engine: Engine, tenant: UUID) -> None:
    await publish(author, rules())
    await decided(engine, tenant)
    fair = {"path": "item.source", "op": "eq", "value": "fair"}
    found = await replay(author, rules(remind={"all": [QUIET, fair]}))
    remind = next(one for one in found["rules"] if one["rule"] == "remind")
    assert (remind["same"], remind["not_said"]) == (1, 2)  # one is false whatever the source was
    assert [(one["what"], one["times"]) for one in remind["unsaid"]] == [("item.source", 2)]
    later = await replay(author, rules(run={"when": "after", "hours": 2}))
    (unsaid,) = next(one for one in later["rules"] if one["rule"] == "remind")["unsaid"]
    assert unsaid["what"].startswith("it would have decided at another moment")


async def test_rules_that_are_gone_disabled_or_new(author: httpx.AsyncClient, engine: Engine, tenant: UUID) -> None:
    """A new rule that is due on entry sees the item as it entered; one that is due later saw nothing."""
    await publish(author, rules())
    await decided(engine, tenant)
    fair = {"path": "item.activity_count", "op": "eq", "value": 1}
    draft = rule_set(
        new=[
            rule("remind", "send_sms", text="Call!", run=IN_AN_HOUR, condition=QUIET, enabled=False),
            rule("entry", "send_sms", execution="parallel", text="{{ item.title }}", condition=fair),
            rule("later", "send_sms", execution="parallel", text="Hm", run=IN_AN_HOUR),
        ]
    )
    found = await replay(author, draft)
    assert told(found) == {
        "greet": [("acted", "not act", 3)],
        "remind": [("acted", "not act", 2)],
        "entry": [("was not there", "act", 1)],
        "later": [],
    }
    assert {one["rule"]: one["change"] for one in found["rules"]} == {
        "greet": "removed",
        "remind": "changed",
        "entry": "added",
        "later": "added",
    }
    assert next(one for one in found["rules"] if one["rule"] == "later")["not_said"] == 3


async def test_an_else_rule_heeds_that_the_rule_above_it_would_have_acted(
    author: httpx.AsyncClient, engine: Engine, tenant: UUID
) -> None:
    def pair(below: int) -> dict[str, Any]:
        condition = {"path": "item.activity_count", "op": "lt", "value": below}
        return rule_set(
            new=[
                rule("first", "send_sms", text="Hello", condition=condition),
                rule("other", "send_sms", execution="else", text="Hello again"),
            ]
        )

    await publish(author, pair(1))
    await decided(engine, tenant)
    assert told(await replay(author, pair(2))) == {
        "first": [("did not act", "act", 1)],
        "other": [("acted", "not act", 1)],
    }


async def test_actions_of_a_workflow_are_replayed_too(author: httpx.AsyncClient, engine: Engine, tenant: UUID) -> None:
    def workflow(text: str, **rest: Any) -> dict[str, Any]:
        return {"kind": "deal", "autorun": {"on_create": True}, "blocks": [action("greet", text)], **rest}

    await put(author, workflow("Hello {{ item.title }}"))
    deal = Deal(engine, tenant)
    await deal.enters("new")
    await engine.advance(tenant)
    engine.watch.later(minutes=1)
    run = await run_of(author, deal)
    code = run["rule_set"]
    saved = await author.put(f"/v1/workflows/{code}", json=workflow("Dear {{ item.title }}"))
    assert saved.is_success, saved.text
    answer = await author.post(f"/v1/workflows/{code}/replays", json={})
    assert answer.status_code == 200, answer.text
    assert told(answer.json()) == {"greet": [("acted", "act otherwise", 1)]}


def sorting(*branches: tuple[str, dict[str, Any] | None], loop: int = 0) -> dict[str, Any]:
    made: list[dict[str, Any]] = [{"name": name, "condition": condition, "blocks": []} for name, condition in branches]
    looping = {"block": "while", "name": "again", "condition": {"expr": f"local.n < {loop}"}, "blocks": [COUNTED]}
    return {
        "kind": "deal",
        "autorun": {"on_create": True},
        "variables": {"n": {"type": "int", "value": 0}},
        "blocks": [{"block": "if", "name": "which", "branches": made}, looping],
    }


COUNTED = {"block": "set_variables", "name": "count", "values": {"n": {"expr": "local.n + 1"}}}


async def test_what_blocks_have_chosen_is_in_the_journal_and_is_replayed(
    author: httpx.AsyncClient, engine: Engine, tenant: UUID
) -> None:
    """Of three deals with 0, 1 and 2 activities."""
    await put(author, sorting(("quiet", {"path": "item.activity_count", "op": "eq", "value": 0}), ("other", None)))
    deals = [Deal(engine, tenant, activity_count=count) for count in range(3)]
    for deal in deals:
        await deal.enters("new")
    await engine.advance(tenant)
    engine.watch.later(minutes=1)
    run = await run_of(author, deals[1])
    chosen = [(one["rule"], one["block"], one["choice"], one["seen"]) for one in run["decisions"]]
    assert chosen == [
        ("which", True, "other", {"item.activity_count": 1}),
        ("again", True, "end", {"local.n": 0}),
    ]
    assert run["decisions"][0]["leaves"][0]["holds"] is False

    draft = sorting(("quiet", QUIET), ("big", {"path": "item.source", "op": "eq", "value": "fair"}), loop=2)
    saved = await author.put(f"/v1/workflows/{run['rule_set']}", json=draft)
    assert saved.is_success, saved.text
    answer = await author.post(f"/v1/workflows/{run['rule_set']}/replays", json={})
    assert answer.status_code == 200, answer.text
    found = {one["rule"]: one for one in answer.json()["rules"]}
    which = found["which"]
    assert (which["block"], which["change"], which["decisions"], which["same"]) == (True, "changed", 3, 1)
    (difference,) = which["differences"]
    assert [difference[name] for name in ("was", "chose", "would", "choose", "times")] == [
        "chose",
        "other",
        "choose",
        "quiet",
        1,
    ]
    (item,) = difference["items"]
    assert (item["item_id"], item["was"], item["would"]) == (str(deals[1].id), "other", "quiet")
    assert [(one["what"], one["times"]) for one in which["unsaid"]] == [("item.source", 1)]
    (again,) = found["again"]["differences"]
    assert (again["chose"], again["choose"], again["times"]) == ("end", "turn", 3)
    same = await author.post(f"/v1/workflows/{run['rule_set']}/replays", json={"version": "newest"})
    assert (same.json()["decisions"], same.json()["same"]) == (6, 6)


async def test_who_may_not_see_the_runs_of_a_workflow_may_not_replay_them(
    author: httpx.AsyncClient, call: Tenants, tenant: UUID
) -> None:
    body = {"kind": "deal", "blocks": [action("greet")], "permissions": {"see": {"role": "admin"}}}
    await put(author, body, "ours")
    url = "/v1/workflows/ours/replays"
    assert (await author.post(url, json={"version": "newest"})).status_code == 403
    assert (await call(tenant, "admin").post(url, json={"version": "newest"})).status_code == 200


async def test_the_example_of_the_page_says_what_the_page_says(
    author: httpx.AsyncClient, engine: Engine, tenant: UUID, stack_folder: Path
) -> None:
    page = (WORKSPACE / "docs/going-live.md").read_text()
    before, draft = (yaml.safe_load(part.split("```")[0])["spec"] for part in page.split("```yaml\n")[1:3])
    await publish(author, before)
    await decided(engine, tenant)
    await publish(author, draft, publish=False)
    done = await asyncio.to_thread(CliRunner().invoke, stack, ["replay", "sales", "--tenant", str(tenant)])
    assert done.exit_code == 0, done.output
    shown = page.split("```text\n")[1].split("```")[0].splitlines()
    lines = [line for line in done.output.splitlines() if "times it" in line or "decisions about" in line]
    assert lines == [line for line in shown if "times it" in line or "decisions about" in line]


async def test_a_replay_of_what_is_not_there(author: httpx.AsyncClient) -> None:
    assert (await author.post("/v1/rule-sets/sales/replays", json={})).status_code == 404
    await publish(author, rules())
    assert (await author.post("/v1/rule-sets/sales/replays", json={"version": 7})).status_code == 404
    assert (await author.post("/v1/rule-sets/sales/replays", json={"days": 0})).status_code == 422


@pytest.mark.parametrize("days", [1, 30])
async def test_only_decisions_of_so_many_days_are_replayed(
    author: httpx.AsyncClient, engine: Engine, tenant: UUID, days: int
) -> None:
    await publish(author, rules())
    await decided(engine, tenant)
    engine.watch.later(days=20)
    assert (await replay(author, version="newest", days=days))["decisions"] == (6 if days == 30 else 0)
