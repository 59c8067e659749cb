"""Workflows through the API on a real PostgreSQL: written, published, started, and what people do to runs."""

from typing import Any
from uuid import UUID

import httpx
import pytest
from jsonschema_rs import Draft202012Validator

from integration.rule_engine.authoring.conftest import Tenants
from integration.rule_engine.authoring.engine import Deal

BUSY = {"path": "item.activity_count", "op": "gt", "value": 0}
A_WEEK = {"when": "after", "days": 7}


def action(name: str, text: str = "Hello", **options: Any) -> dict[str, Any]:
    return {"block": "action", "name": name, "type": "send_sms", "params": {"text": text}, **options}


FOLLOW_UP: dict[str, Any] = {
    "name": "Follow up",
    "kind": "deal",
    "autorun": {"on_create": True},
    "blocks": [
        {"block": "set_status", "name": "begun", "status": "Automatic processing"},
        {"block": "pause", "name": "a_week", "run": A_WEEK},
        {
            "block": "if",
            "name": "called",
            "branches": [{"name": "busy", "condition": BUSY, "blocks": [action("thank")]}],
        },
        {"block": "log", "name": "over", "text": "{{ item.title }} was looked after"},
    ],
}


@pytest.fixture
def operator(call: Tenants, tenant: UUID) -> httpx.AsyncClient:
    return call(tenant, "operator")


async def put(author: httpx.AsyncClient, body: dict[str, Any], code: str = "follow-up") -> dict[str, Any]:
    answer = await author.put(f"/v1/workflows/{code}", json=body | {"publish": True})
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def run_of(author: httpx.AsyncClient, deal: Deal) -> dict[str, Any]:
    """The one run of a workflow on the deal, with its journal."""
    rows = (await author.get("/v1/runs", params={"item_id": str(deal.id)})).json()["items"]
    (run,) = {row["run_id"] for row in rows if row["workflow"]}
    found: dict[str, Any] = (await author.get(f"/v1/runs/{run}")).json()
    return found


def journal(run: dict[str, Any]) -> list[tuple[str, str, str | None]]:
    return [(row["name"], row["state"], row["reason"]) for row in run["rules"]]


async def test_a_workflow_is_written_published_and_read_back(author: httpx.AsyncClient) -> None:
    saved = await put(author, FOLLOW_UP)
    assert (saved["newest"], saved["draft"], saved["issues"], saved["warnings"]) == (1, None, [], [])
    assert [one["name"] for one in saved["document"]["blocks"]] == ["begun", "a_week", "called", "over"]
    again = await put(author, FOLLOW_UP)
    assert again["newest"] == 1
    changed = await put(author, FOLLOW_UP | {"blocks": FOLLOW_UP["blocks"][:2]})
    assert changed["newest"] == 2
    assert changed["document"]["blocks"][0]["id"] == saved["document"]["blocks"][0]["id"]
    back = await author.post("/v1/workflows/follow-up/rollback", json={"version": 1})
    assert (back.json()["newest"], len(back.json()["document"]["blocks"])) == (3, 4)
    versions = (await author.get("/v1/workflows/follow-up/versions")).json()["items"]
    assert [one["version"] for one in versions] == [3, 2, 1]


@pytest.mark.parametrize(
    ("blocks", "where", "what"),
    [
        ([], "blocks", "there is nothing to do"),
        ([{"block": "fly", "name": "up"}], "blocks[0].block", "there is no block 'fly'"),
        ([{"block": "pause", "name": "p"}], "blocks[0].run", "is required"),
        ([action("a"), action("a")], "blocks[1].name", "another block of the workflow has this name"),
        ([action("a", "{{ item.titel }}")], "blocks[0].params.text", "titel"),
        ([action("a", execution="else")], "blocks[0].execution", ""),
        (
            [{"block": "if", "name": "i", "branches": [{"condition": {"path": "item.ghost", "op": "eq", "value": 1}}]}],
            "blocks[0].branches[0].condition.path",
            "ghost",
        ),
        (
            [{"block": "while", "name": "w", "condition": BUSY, "blocks": [{"block": "log", "name": "l", "text": ""}]}],
            "blocks[0].blocks[0].text",
            "",
        ),
        ([{"block": "log", "name": "l", "text": "x", "blocks": [action("a")]}], "blocks[0].blocks", "no body"),
        ([{"block": "sequence", "name": "s"}], "blocks[0].block", "there is no block 'sequence'"),
    ],
)
async def test_a_mistake_is_told_with_its_place_and_nothing_changes(
    author: httpx.AsyncClient, blocks: list[dict[str, Any]], where: str, what: str
) -> None:
    answer = await author.put("/v1/workflows/wrong", json={"kind": "deal", "blocks": blocks, "publish": True})
    assert answer.status_code == 422, answer.text
    errors = answer.json()["errors"]
    assert where in {one["where"] for one in errors}, errors
    assert what in next(one["what"] for one in errors if one["where"] == where)
    assert (await author.get("/v1/workflows/wrong")).status_code == 404


async def test_a_new_item_starts_it_and_the_journal_tells_the_course(author: httpx.AsyncClient, deal: Deal) -> None:
    await put(author, FOLLOW_UP)
    await deal.enters("new")
    await deal.engine.advance(deal.tenant)
    run = await run_of(author, deal)
    assert (run["status"], run["finished"], run["started_by"]) == ("Automatic processing", False, "ada")
    assert journal(run) == [("begun", "done", "Automatic processing"), ("a_week", "waiting", None)]
    deal.engine.watch.later(days=7)
    deal.activity_count = 1
    deal.see("new")
    await deal.engine.advance(deal.tenant)
    run = await run_of(author, deal)
    assert journal(run)[1:] == [("a_week", "done", None), ("called", "running", None), ("thank", "running", None)]
    assert next(row["outputs"] for row in run["rules"] if row["name"] == "called") == {"branch": "busy"}


async def test_moving_the_item_starts_nothing_and_leaves_the_run_alone(author: httpx.AsyncClient, deal: Deal) -> None:
    await put(author, FOLLOW_UP)
    await deal.enters("new")
    await deal.engine.advance(deal.tenant)
    await deal.enters("won")
    await deal.engine.advance(deal.tenant)
    run = await run_of(author, deal)
    assert (run["finished"], journal(run)[-1]) == (False, ("a_week", "waiting", None))


async def test_it_is_started_by_hand_with_parameters_that_fit(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal
) -> None:
    asked = {"word": {"type": "string", "required": True}, "times": {"type": "int", "value": 2}}
    body = {"kind": "deal", "parameters": asked, "blocks": [{"block": "log", "name": "l", "text": "{{ param.word }}"}]}
    await put(author, body, "greeting")
    deal.see("new")
    missing = await operator.post("/v1/workflows/greeting/runs", json={"item_id": str(deal.id)})
    assert (missing.status_code, missing.json()["errors"][0]["where"]) == (422, "parameters.word")
    wrong = {"item_id": str(deal.id), "parameters": {"word": "Hi", "times": "often", "ghost": 1}}
    refused = await operator.post("/v1/workflows/greeting/runs", json=wrong)
    assert {one["where"] for one in refused.json()["errors"]} == {"parameters.times", "parameters.ghost"}
    right = {"item_id": str(deal.id), "parameters": {"word": "Hi"}}
    key = {"Idempotency-Key": "once"}
    started, again = [await operator.post("/v1/workflows/greeting/runs", json=right, headers=key) for _ in range(2)]
    assert (started.status_code, again.status_code, again.json()) == (201, 201, started.json())
    await deal.engine.advance(deal.tenant)
    run = (await author.get(f"/v1/runs/{started.json()['id']}")).json()
    assert (journal(run), run["outcome"], run["finished"]) == ([("l", "done", "Hi")], "done", True)


async def test_automation_and_imports_start_nothing_unless_the_workflow_wants_them(
    author: httpx.AsyncClient, deal: Deal
) -> None:
    await put(author, FOLLOW_UP)
    await deal.enters("new", automation=False)
    await deal.engine.advance(deal.tenant)
    assert (await author.get("/v1/runs", params={"item_id": str(deal.id)})).json()["items"] == []
    await put(author, FOLLOW_UP | {"autorun": {"on_create": True, "by_import": True}})
    other = Deal(deal.engine, deal.tenant)
    await other.enters("new", automation=False)
    await deal.engine.advance(deal.tenant)
    assert (await run_of(author, other))["status"] == "Automatic processing"


async def test_editors_get_a_schema_that_takes_what_can_be_published_and_refuses_what_cannot(
    author: httpx.AsyncClient,
) -> None:
    schema = (await author.get("/v1/workflow-schema")).json()
    validator = Draft202012Validator(schema)
    assert list(validator.iter_errors(FOLLOW_UP)) == []
    for blocks in ([{"block": "fly", "name": "up"}], [{"block": "pause", "name": "p"}], [action("a", run=A_WEEK)]):
        assert not validator.is_valid(FOLLOW_UP | {"blocks": blocks})
    types = (await author.get("/v1/block-types")).json()["items"]
    assert {"if", "while", "foreach", "parallel", "pause", "wait_event", "statuses"} <= {one["block"] for one in types}
    assert "sequence" not in {one["block"] for one in types}


async def test_a_workflow_is_drawn_and_no_title_breaks_the_drawing(author: httpx.AsyncClient) -> None:
    hostile = {"title": 'a"]; click n0 "javascript:alert(1)"\n<script>'}
    await put(author, FOLLOW_UP | {"blocks": [FOLLOW_UP["blocks"][0] | hostile, *FOLLOW_UP["blocks"][1:]]})
    answer = await author.get("/v1/workflows/follow-up/diagram")
    lines = answer.text.splitlines()
    assert lines[0] == "flowchart TD"
    assert lines[2].startswith('  n0["a#34;#93;#59; click n0 #34;javascript:alert')
    assert '  n2{"called: if"}' in lines
    assert '  n2 -->|"busy"| n3' in lines
    assert '  n2 -->|"else"| n4' in lines
    assert "<script>" not in answer.text
    drawn = await author.get("/v1/workflows/follow-up/diagram", params={"format": "svg"})
    assert (drawn.status_code, drawn.headers["content-type"].split(";")[0]) == (200, "image/svg+xml")
    assert drawn.headers["content-security-policy"] == "default-src 'none'; style-src 'unsafe-inline'"
    assert "<script>" not in drawn.text
    accepted = await author.get("/v1/workflows/follow-up/diagram", headers={"Accept": "image/svg+xml"})
    assert accepted.text == drawn.text
