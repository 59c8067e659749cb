"""Why a rule did or did not act, at any past moment: on a real PostgreSQL."""

import sys
import time
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import httpx
import orjson
import pytest

from contracts.kit.auth import Caller, Role
from integration.rule_engine.authoring.conftest import Tenants
from integration.rule_engine.authoring.engine import MORNING, Deal, Engine, explanations
from integration.rule_engine.authoring.test_rule_sets import put
from rule_engine.store.decisions import OF_ITEM
from support.service_environment import ServiceEnvironment
from support.shop import rule, rule_set

NOBODY_CALLED = {"path": "item.activity_count", "op": "eq", "value": 0}
IN_AN_HOUR = {"when": "after", "hours": 1}
RULES = rule_set(
    new=[
        rule("greet", "send_sms", execution="parallel", text="Hello {{ contact.first_name }}"),
        rule("off", "send_sms", execution="parallel", text="Hello", enabled=False),
        rule("remind", "send_sms", execution="parallel", text="Call!", run=IN_AN_HOUR, condition=NOBODY_CALLED),
        rule("mail", "send_email", execution="parallel", subject="Hi", text="Hi", address_type="other"),
        rule("note", "send_sms", text="It was sent as {{ steps.mail.message_id }}"),
    ],
    won=[rule("thank", "send_sms", text="Thank you")],
)


def kim(deal: Deal) -> Caller:
    return Caller(deal.tenant, "kim", frozenset({Role.OPERATOR}))


async def only(viewer: httpx.AsyncClient, deal: Deal, rule: str, **asked: Any) -> dict[str, Any]:
    (answer,) = await explanations(viewer, deal, rule, **asked)
    return answer


async def test_each_rule_says_why_it_did_or_did_not_act(author: httpx.AsyncClient, deal: Deal) -> None:
    await put(author, RULES, publish=True)
    await deal.enters("new")
    await deal.engine.advance(deal.tenant)
    said = {one["name"]: one["explanation"] for one in await explanations(author, deal)}
    assert said["greet"] == "acted; the outcome of its command was not known yet"
    assert said["off"] == "did not act: the rule is disabled"
    assert said["remind"] == "was waiting until 2026-03-02T10:00:00+00:00"
    assert said["mail"] == (
        "had no effect: it failed before it sent anything: "
        "the contact has no e-mail address of type other, nor has the company"
    )
    assert said["note"] == "did not act: cancelled: not run: mail failed"
    greet = await only(author, deal, "greet")
    assert (greet["version"], greet["entry_seq"], greet["stage"]) == (1, 1, "new")
    assert greet["decision"]["seen"] == {"contact.first_name": "Ada"}
    assert UUID(greet["decision"]["command_id"])


async def test_a_false_condition_is_told_leaf_by_leaf_with_what_was_seen(author: httpx.AsyncClient, deal: Deal) -> None:
    await put(author, RULES, publish=True)
    await deal.enters("new")
    deal.activity_count = 2
    deal.see("new")
    deal.engine.watch.later(hours=1)
    await deal.engine.advance(deal.tenant)
    remind = await only(author, deal, "remind")
    assert (remind["state"], remind["explanation"]) == (
        "skipped",
        "did not act: item.activity_count = 0 is false: it is 2",
    )
    assert remind["decision"]["seen"] == {"item.activity_count": 2}
    assert [(leaf["seen"], leaf["holds"], leaf["words"]) for leaf in remind["decision"]["leaves"]] == [
        (2, False, "item.activity_count = 0 is false: it is 2")
    ]


async def test_any_past_moment_is_answered_as_it_was_then(author: httpx.AsyncClient, deal: Deal) -> None:
    await put(author, RULES, publish=True)
    await deal.enters("new")
    watch = deal.engine.watch
    (waiting,) = await explanations(author, deal, "remind")
    watch.later(minutes=10)
    until = MORNING + timedelta(hours=5)
    run, rule_id = UUID(waiting["run_id"]), waiting["rule_id"]
    await deal.engine.operator_actions.postpone(kim(deal), run, rule_id, until)
    watch.later(minutes=10)
    await deal.enters("won")
    watch.later(minutes=10)
    said = {
        minutes: (await only(author, deal, "remind", at=(MORNING + timedelta(minutes=minutes)).isoformat()))[
            "explanation"
        ]
        for minutes in (0, 9, 10, 19, 20)
    }
    assert said == {
        0: "was waiting until 2026-03-02T10:00:00+00:00",
        9: "was waiting until 2026-03-02T10:00:00+00:00",
        10: "was waiting until 2026-03-02T14:00:00+00:00 (by operator kim)",
        19: "was waiting until 2026-03-02T14:00:00+00:00 (by operator kim)",
        20: "did not act: cancelled: left the stage; it was due at 2026-03-02T14:00:00+00:00",
    }
    left = await only(author, deal, "remind")
    assert left["left_at"] == "2026-03-02T09:20:00Z"
    then = await only(author, deal, "remind", at=(MORNING + timedelta(minutes=5)).isoformat())
    assert (then["left_at"], then["decision"]) == (None, None)


async def test_an_operator_who_cancelled_is_named(author: httpx.AsyncClient, deal: Deal) -> None:
    await put(author, RULES, publish=True)
    await deal.enters("new")
    waiting = await only(author, deal, "remind")
    deal.engine.watch.later(minutes=1)
    await deal.engine.operator_actions.cancel(kim(deal), UUID(waiting["run_id"]), None)
    cancelled = await only(author, deal, waiting["rule_id"])
    assert cancelled["operator"] == "kim"
    assert cancelled["explanation"] == (
        "did not act: cancelled: cancelled by an operator; it was due at 2026-03-02T10:00:00+00:00 (by operator kim)"
    )


async def test_a_rule_that_was_never_planned_says_why_not(
    author: httpx.AsyncClient, engine: Engine, tenant: UUID
) -> None:
    imported, early = Deal(engine, tenant), Deal(engine, tenant)
    await early.enters("new")
    assert (await author.get("/v1/decisions", params={"item": str(early.id), "rule": "greet"})).status_code == 404
    engine.watch.later(minutes=1)
    await put(author, RULES, publish=True)
    await imported.enters("new", origin="import", automation=False)
    assert (await only(author, imported, "thank"))["explanation"] == (
        "was not planned: the item had not entered the stage 'won'"
    )
    assert (await only(author, imported, "greet"))["explanation"] == "was not planned: imported without automation"
    assert (await only(author, early, "greet"))[
        "explanation"
    ] == "was not planned: the pipeline has no published rule set"
    before = await only(author, early, "greet", at=MORNING.isoformat())
    assert (before["state"], before["explanation"]) == (
        None,
        "was not published yet: it came with version 1 at 2026-03-02T09:01:00+00:00",
    )


async def test_a_rule_added_after_the_item_entered_says_with_which_version_it_came(
    author: httpx.AsyncClient, deal: Deal
) -> None:
    await put(author, RULES, publish=True)
    await deal.enters("new")
    deal.engine.watch.later(minutes=1)
    await put(author, rule_set(new=[rule("added", "send_sms", text="Hi")]), publish=True)
    added = await only(author, deal, "added")
    assert (added["version"], added["explanation"]) == (
        1,
        "was not planned: the item entered under version 1, and it came with version 2 at 2026-03-02T09:01:00+00:00",
    )


async def test_answers_come_page_by_page_the_latest_entry_first(author: httpx.AsyncClient, deal: Deal) -> None:
    await put(author, RULES, publish=True)
    for stage in ("new", "won", "new"):
        await deal.enters(stage)
        deal.engine.watch.later(minutes=1)
    whole = await explanations(author, deal)
    assert [one["entry_seq"] for one in whole] == [3] * 5 + [2] + [1] * 5
    assert await explanations(author, deal, limit=3) == whole


async def test_nobody_sees_why_of_another_tenant(call: Tenants, author: httpx.AsyncClient, deal: Deal) -> None:
    await put(author, RULES, publish=True)
    await deal.enters("new")
    stranger = await call(uuid4(), "viewer").get("/v1/decisions", params={"item": str(deal.id)})
    assert (stranger.status_code, stranger.json()["detail"]) == (
        404,
        "there is no item with this id that automation has heard of",
    )
    assert (await author.get("/v1/decisions")).status_code == 422


async def test_what_is_older_than_the_setting_says_is_forgotten_of_all_tenants(
    author: httpx.AsyncClient, engine: Engine, tenant: UUID, service_environment: ServiceEnvironment
) -> None:
    await put(author, RULES, publish=True)
    old, young = Deal(engine, tenant), Deal(engine, tenant)
    for stage in ("new", "won"):
        await old.enters(stage)
        await engine.advance(tenant)
    engine.watch.later(days=10)
    await young.enters("new")
    await engine.advance(tenant)
    assert await engine.forgetting(9).once() > 0
    counted = "SELECT item_id, count(*) FROM {} WHERE tenant_id = $1 GROUP BY item_id"
    for table in ("decisions", "rule_run_history"):
        left = {row["item_id"] for row in await service_environment.sql(counted.format(table), tenant)}
        assert left == {young.id}, table
    assert await engine.forgetting(9).once() == 0


MILLION = """
INSERT INTO decisions (tenant_id, id, item_id, run_id, step, rule_id, rule, rule_set, version, stage, at, state, reason,
    seen, leaves, command_id)
SELECT $1, gen_random_uuid(), md5('item ' || n % 20000)::uuid, md5('run ' || n % 100000)::uuid, n, 'rule ' || n % 3,
    'greet', 'sales', 1, 'new', timestamptz '2026-01-01' + n * interval '1 second', 'skipped', 'it is false',
    '{"item.activity_count": 2}', '[{"path": "item.activity_count", "op": "eq", "expected": 0, "seen": 2}]', NULL
FROM generate_series(1, 1000000) n
"""


@pytest.mark.verify
async def test_with_a_million_decisions_an_answer_is_found_by_an_index(
    author: httpx.AsyncClient, deal: Deal, service_environment: ServiceEnvironment, capsys: pytest.CaptureFixture[str]
) -> None:
    await put(author, RULES, publish=True)
    for _ in range(10):
        await deal.enters("new")
        await deal.engine.advance(deal.tenant)
        deal.engine.watch.later(minutes=1)
    await service_environment.sql(MILLION, deal.tenant)
    await service_environment.sql("ANALYZE decisions")
    asked: tuple[Any, ...] = (deal.tenant, deal.id, None, deal.engine.watch(), None, None, None, None, 201, [])
    ((plan,),) = await service_environment.sql(f"EXPLAIN (FORMAT JSON) {OF_ITEM}", *asked)
    assert read_by(orjson.loads(plan)[0]["Plan"])["decisions"] == "decisions_rule"
    began = time.perf_counter()
    found = await explanations(author, deal, limit=200)
    took = time.perf_counter() - began
    with capsys.disabled():
        sys.stdout.write(f"\nwhy {len(found)} rules acted or not, beside a million decisions: {took * 1000:.0f} ms\n")
    assert {one["name"] for one in found} == {"greet", "off", "remind", "mail", "note"}


def read_by(plan: dict[str, Any]) -> dict[str, str | None]:
    """The index by which each table is read; null for a table that is read from end to end."""
    own = {plan["Relation Name"]: plan.get("Index Name")} if "Relation Name" in plan else {}
    for part in plan.get("Plans", ()):
        own |= read_by(part)
    return own
