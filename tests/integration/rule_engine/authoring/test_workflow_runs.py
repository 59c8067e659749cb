"""What people do to runs of workflows, and what they are told of them, on a real PostgreSQL."""

from typing import Any

import httpx

from integration.rule_engine.authoring.engine import Deal
from integration.rule_engine.authoring.test_workflows import (
    A_WEEK,
    FOLLOW_UP,
    action,
    journal,
    operator,
    put,
    run_of,
)

__all__ = ["operator"]


async def test_operators_suspend_move_skip_and_end_runs_and_every_action_is_recorded(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal
) -> None:
    pauses = [{"block": "pause", "name": f"p{n}", "run": A_WEEK} for n in range(3)]
    await put(author, {"kind": "deal", "autorun": {"on_create": True}, "blocks": pauses})
    await deal.enters("new")
    await deal.engine.advance(deal.tenant)
    run = await run_of(author, deal)

    async def act(what: str, **body: Any) -> httpx.Response:
        answer = await operator.post(f"/v1/runs/{run['id']}/{what}", json=body)
        await deal.engine.advance(deal.tenant)
        return answer

    def step(name: str) -> int:
        return next(int(row["step"]) for row in run["rules"] if row["name"] == name)

    assert (await act("suspend")).json()["suspended"] is True
    assert (await act("suspend")).status_code == 409
    deal.engine.watch.later(days=8)
    await deal.engine.advance(deal.tenant)
    assert journal(await run_of(author, deal)) == [("p0", "waiting", None)]
    assert (await act("resume")).status_code == 200
    run = await run_of(author, deal)
    assert [state for _, state, _ in journal(run)] == ["done", "waiting"]
    moved = await act(f"blocks/{step('p1')}/move", until=deal.engine.watch().isoformat())
    assert moved.status_code == 200
    run = await run_of(author, deal)
    assert [state for _, state, _ in journal(run)] == ["done", "done", "waiting"]
    assert (await act(f"blocks/{step('p2')}/retry")).status_code == 409
    assert (await act("blocks/999/skip")).status_code == 404
    ended = await act("terminate", reason="enough")
    assert (ended.json()["outcome"], ended.json()["finished"]) == ("cancelled", True)
    run = await run_of(author, deal)
    assert [one["action"].split()[0] for one in run["operator_actions"]] == ["suspend", "resume", "move", "terminate"]


async def test_what_is_waited_for_is_taken_from_an_operator_and_from_the_items_events(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal
) -> None:
    def wait(name: str, event: str) -> dict[str, Any]:
        return {"block": "wait_event", "name": name, "event": event, "timeout": A_WEEK}

    blocks = [wait("asked", "command.go"), wait("moved", "item.stage_changed")]
    await put(author, {"kind": "deal", "autorun": {"on_create": True}, "blocks": blocks})
    await deal.enters("new")
    await deal.engine.advance(deal.tenant)
    run = await run_of(author, deal)
    told = await operator.post(f"/v1/runs/{run['id']}/events", json={"name": "command.go", "value": {"why": "now"}})
    assert told.status_code == 200
    await deal.engine.advance(deal.tenant)
    assert [state for _, state, _ in journal(await run_of(author, deal))] == ["done", "waiting"]
    await deal.enters("won")
    await deal.engine.advance(deal.tenant)
    run = await run_of(author, deal)
    assert (run["outcome"], [state for _, state, _ in journal(run)]) == ("done", ["done", "done"])


async def test_an_event_with_an_idempotency_key_counts_once(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal
) -> None:
    waits = [
        {"block": "wait_event", "name": name, "event": "command.go", "timeout": A_WEEK} for name in ("first", "second")
    ]
    await put(author, {"kind": "deal", "autorun": {"on_create": True}, "blocks": waits})
    await deal.enters("new")
    await deal.engine.advance(deal.tenant)
    path = f"/v1/runs/{(await run_of(author, deal))['id']}/events"
    answers = []
    for _ in range(2):
        answers.append(await operator.post(path, json={"name": "command.go"}, headers={"idempotency-key": "once"}))
        await deal.engine.advance(deal.tenant)
    assert [one.status_code for one in answers] == [200, 200]
    assert answers[0].json() == answers[1].json()
    assert [state for _, state, _ in journal(await run_of(author, deal))] == ["done", "waiting"]
    other = await operator.post(path, json={"name": "command.stay"}, headers={"idempotency-key": "once"})
    assert other.status_code == 422
    refused = await operator.post(path, json={"name": "command.stay"}, headers={"idempotency-key": "other"})
    assert refused.status_code == 409


async def test_a_run_says_what_it_waits_for_and_what_to_try(author: httpx.AsyncClient, deal: Deal) -> None:
    await put(author, FOLLOW_UP | {"blocks": [action("greet"), *FOLLOW_UP["blocks"]]})
    await deal.enters("new")
    await deal.engine.advance(deal.tenant)
    run = await run_of(author, deal)
    answer = (await author.get(f"/v1/runs/{run['id']}/diagnosis")).json()
    (finding,) = answer["findings"]
    assert (finding["name"], finding["urgency"], answer["finished"]) == ("greet", 4, False)
    assert finding["what"] == "its command is with comms-service since 2026-03-02T09:00:00+00:00"
    deal.engine.watch.later(minutes=11)
    (finding,) = (await author.get(f"/v1/runs/{run['id']}/diagnosis")).json()["findings"]
    assert (finding["urgency"], finding["what"].endswith("longer than it should be")) == (2, True)
    assert finding["since"] == "2026-03-02T09:00:00Z"


async def test_an_operator_jumps_and_journal_and_record_say_so(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal
) -> None:
    pauses = [{"block": "pause", "name": f"p{n}", "run": A_WEEK} for n in range(3)]
    await put(author, {"kind": "deal", "autorun": {"on_create": True}, "blocks": pauses})
    await deal.enters("new")
    await deal.engine.advance(deal.tenant)
    run = await run_of(author, deal)
    refused = await operator.post(f"/v1/runs/{run['id']}/jump", json={"block": "p9"})
    assert (refused.status_code, "there is no block 'p9'" in refused.json()["detail"]) == (409, True)
    jumped = await operator.post(f"/v1/runs/{run['id']}/jump", json={"block": "p2", "reason": "we are late"})
    assert jumped.status_code == 200, jumped.text
    await deal.engine.advance(deal.tenant)
    run = await run_of(author, deal)
    assert journal(run) == [("p0", "cancelled", "jumped to p2: we are late"), ("p2", "waiting", None)]
    assert [one["action"] for one in run["operator_actions"]] == ["jump to p2"]
