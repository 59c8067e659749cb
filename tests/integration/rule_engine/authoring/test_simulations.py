"""Simulations through the API on a real PostgreSQL: in a process of its own, of rules as they are kept and written."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from integration.rule_engine.authoring.conftest import Tenants
from integration.rule_engine.authoring.engine import MORNING, Deal, Engine
from support.entity import EntityStandIn
from support.shop import FURNITURE_SHOP, rule, rule_set

ONE = {"pipeline": "sales", "stage": "new", "client": {"first_name": "Ada", "phone": "+493012345678"}}
LATER = {"when": "after", "days": 2}


async def simulate(author: httpx.AsyncClient, **asked: Any) -> dict[str, Any]:
    answer = await author.post("/v1/simulations", json={"from": MORNING.isoformat()} | asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def publish(author: httpx.AsyncClient, document: dict[str, Any], *, publish: bool = True) -> None:
    answer = await author.put("/v1/rule-sets/sales", json=document | {"publish": publish})
    assert answer.status_code == 200, answer.text


def texts(found: dict[str, Any]) -> list[list[tuple[str, str]]]:
    """Of each item: when a command was sent, and its text."""
    return [
        [(one["at"], one["details"].get("text", "")) for one in trace["lines"] if one["what"] == "command"]
        for trace in found["traces"]
    ]


async def test_what_is_in_force_is_simulated_on_made_up_items_and_nothing_happens(
    author: httpx.AsyncClient, engine: Engine, tenant: UUID
) -> None:
    await publish(author, FURNITURE_SHOP)
    found = await simulate(author, items={"given": [ONE | {"copies": 3}], "every_seconds": 60})
    assert (found["from"], found["until"]) == ("2026-03-02T09:00:00Z", "2026-04-01T09:00:00Z")
    assert found["totals"] | {"decisions": 0} == {
        "items": 3,
        "runs": 6,
        "decisions": 0,
        "commands": 3,
        "messages": 3,
        "most_open_runs": 3,
        "open_at_end": 0,
    }
    assert texts(found)[2] == [
        ("2026-03-02T09:02:00Z", "Hello Ada, a manager will contact you within 30 minutes"),
    ]
    (escalate,) = [one for one in found["rules"] if one["rule"] == "escalate"]
    assert escalate["reasons"] == [
        {"reason": "nobody is responsible: give the department a head, or the rule recipients", "times": 3}
    ]
    assert found["cut"] == []
    async with engine.database.transaction(tenant) as tx:
        assert await tx.fetchval("SELECT count(*) FROM runs WHERE tenant_id = $1", tenant) == 0


async def test_the_same_question_has_the_same_answer_to_the_byte(author: httpx.AsyncClient) -> None:
    await publish(author, FURNITURE_SHOP)
    shares = [{"type": "send_sms", "refused": 0.5, "after_seconds": 3}]
    asked = {"from": MORNING.isoformat(), "items": {"given": [ONE | {"copies": 20}]}, "stand_ins": shares}
    first = await author.post("/v1/simulations", json=asked)
    second = await author.post("/v1/simulations", json=asked)
    assert first.content == second.content
    refused = first.json()["rules"][1]["refused"]
    assert 0 < refused < 20


async def test_a_draft_and_a_document_are_simulated_before_they_are_published(
    author: httpx.AsyncClient, entity: EntityStandIn, deal: Deal
) -> None:
    await publish(author, rule_set(new=[rule("greet", "send_sms", text="Published")]))
    await publish(author, rule_set(new=[rule("greet", "send_sms", text="Drafted")]), publish=False)
    deal.see("new")
    items = {"ids": [str(deal.id)]}
    written = rule_set(new=[rule("greet", "send_sms", run=LATER, text="Written for {{ contact.name }}")])
    said = [
        texts(await simulate(author, items=items, rule_sets=[{"code": "sales"} | one]))
        for one in ({}, {"version": "draft"}, {"version": 1}, {"document": written})
    ]
    assert [one[0][0][1] for one in said] == ["Published", "Drafted", "Published", "Written for Ada Bell"]
    assert said[3][0][0][0] == "2026-03-04T09:00:00Z"


async def test_a_workflow_is_started_on_every_item_and_people_answer(author: httpx.AsyncClient) -> None:
    say = {"block": "action", "name": "say", "type": "send_sms", "params": {"text": "{{ param.word }}"}}
    wait = {
        "block": "wait_event",
        "name": "answer",
        "event": "event.reply",
        "timeout": {"when": "after", "days": 7},
        "branches": [{"name": "timed_out", "blocks": [say]}],
    }
    document = {"kind": "deal", "parameters": {"word": {"type": "string", "required": True}}, "blocks": [wait]}
    chosen = {"code": "chase", "document": document, "start": True, "parameters": {"word": "Still there?"}}
    events = [{"after": {"days": 1}, "name": "event.reply", "share": 0.5}]
    found = await simulate(
        author, items={"given": [ONE | {"copies": 10}]}, rule_sets=[], workflows=[chosen], events=events
    )
    silent = [one for one in texts(found) if one == [("2026-03-09T09:00:00Z", "Still there?")]]
    assert 0 < len(silent) < 10
    assert [] in texts(found)


async def test_recorded_items_arrive_as_they_did_and_people_move_them_again(
    author: httpx.AsyncClient, deal: Deal
) -> None:
    rules = rule_set(
        new=[rule("late", "send_sms", run=LATER, text="Two days later")],
        documents=[rule("now", "send_sms", text="In {{ stage.name }}")],
    )
    other = Deal(deal.engine, deal.tenant)
    await deal.enters("new")
    deal.engine.watch.later(hours=1)
    await other.enters("new")
    deal.engine.watch.later(days=1)
    await other.enters("documents")
    recorded = {"pipeline": "sales", "since": "2026-03-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"}
    chosen = [{"code": "sales", "document": rules}]
    answer = await author.post("/v1/simulations", json={"items": {"recorded": recorded}, "rule_sets": chosen})
    assert answer.status_code == 200, answer.text
    assert texts(answer.json()) == [
        [("2026-03-04T09:00:00Z", "Two days later")],
        [("2026-03-03T10:00:00Z", "In Documents")],
    ]


async def test_variables_have_the_values_that_they_have(author: httpx.AsyncClient) -> None:
    put = await author.put("/v1/constants/discount", json={"type": "int", "value": 15})
    assert put.status_code in (200, 201), put.text
    rules = rule_set(new=[rule("offer", "send_sms", text="{{ const.discount }} % off")])
    chosen = [{"code": "sales", "document": rules}]
    assert texts(await simulate(author, items={"given": [ONE]}, rule_sets=chosen))[0][0][1] == "15 % off"


@pytest.mark.parametrize(
    ("asked", "status", "where"),
    [
        ({"items": {}}, 422, "items"),
        ({"items": {"given": [ONE | {"stage": "ghost"}]}}, 422, "items.given[0].stage"),
        ({"items": {"given": [ONE | {"responsible": "nobody"}]}}, 422, "items.given[0].responsible"),
        ({"items": {"ids": ["00000000-0000-4000-8000-000000000001"]}}, 422, "items.ids"),
        ({"items": {"given": [ONE]}, "rule_sets": [{"code": "ghost"}]}, 404, None),
        ({"items": {"given": [ONE]}, "workflows": [{"code": "ghost"}]}, 404, None),
        ({"items": {"given": [ONE | {"client": {"time_zone": "Moon"}}]}}, 422, "items.given[0].client.time_zone"),
        ({"items": {"given": [ONE]}, "days": 400}, 422, "days"),
        ({"items": {"given": [ONE]}, "events": [{}]}, 422, "events[0]"),
        ({"items": {"given": [ONE]}, "stand_ins": [{"refused": 0.7, "failed": 0.7}]}, 422, "stand_ins[0]"),
        (
            {"items": {"given": [ONE | {"copies": 9000}]}, "events": [{"name": "event.x"}] * 20},
            422,
            "events",
        ),
        (
            {"items": {"given": [ONE]}, "rule_sets": [{"code": "s", "document": rule_set(new=[rule("a", "fly")])}]},
            422,
            "stages.new.rules[0].type",
        ),
        (
            {"items": {"given": [ONE]}, "workflows": [{"code": "w", "document": {"kind": "deal", "blocks": []}}]},
            422,
            "blocks",
        ),
    ],
)
async def test_what_cannot_be_simulated_is_told_with_its_place(
    author: httpx.AsyncClient, asked: dict[str, Any], status: int, where: str | None
) -> None:
    answer = await author.post("/v1/simulations", json=asked)
    assert answer.status_code == status, answer.text
    if where is not None:
        assert where in {one["where"] for one in answer.json()["errors"]}, answer.text


async def test_authors_alone_simulate(call: Tenants, tenant: UUID) -> None:
    asked = {"items": {"given": [ONE]}, "rule_sets": []}
    assert (await call(tenant, "agent").post("/v1/simulations", json=asked)).status_code == 403
