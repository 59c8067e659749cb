"""Concurrency keys on a real PostgreSQL: of the runs with one key, only one goes on at a time."""

import asyncio
from typing import Any

import httpx
import pytest

from contracts.kit.database import Connection
from contracts.kit.worker import Task
from integration.rule_engine.authoring.engine import Deal
from integration.rule_engine.authoring.test_workflows import A_WEEK, action, operator, put
from rule_engine.application.concurrency import REPLACE_RUNS
from rule_engine.application.recorder import Recorder
from rule_engine.domain.authoring.concurrency import MAX_QUEUED
from rule_engine.store.runs import Run
from support.service_environment import ServiceEnvironment

__all__ = ["operator"]

A_PAUSE = {"block": "pause", "name": "p", "run": A_WEEK}


async def keyed(author: httpx.AsyncClient, policy: str, *blocks: dict[str, Any], **rest: Any) -> None:
    key = rest.pop("key", "{{ item.id }}")
    body = {"kind": "deal", "concurrency": {"key": key, "policy": policy}, "blocks": blocks or [A_PAUSE], **rest}
    await put(author, body, "one")


async def start(operator: httpx.AsyncClient, deal: Deal, **parameters: Any) -> httpx.Response:
    body = {"item_id": str(deal.id), "parameters": parameters}
    return await operator.post("/v1/workflows/one/runs", json=body)


async def started(operator: httpx.AsyncClient, deal: Deal, **parameters: Any) -> str:
    deal.engine.watch.later(seconds=1)
    answer = await start(operator, deal, **parameters)
    assert answer.status_code == 201, answer.text
    await deal.engine.advance(deal.tenant)
    return str(answer.json()["id"])


async def runs(operator: httpx.AsyncClient) -> list[dict[str, Any]]:
    """The last started first."""
    answer = await operator.get("/v1/workflows/one/runs")
    assert answer.status_code == 200, answer.text
    found: list[dict[str, Any]] = answer.json()["items"]
    return found


async def run(operator: httpx.AsyncClient, id: str) -> dict[str, Any]:
    found: dict[str, Any] = (await operator.get(f"/v1/runs/{id}")).json()
    return found


async def end(operator: httpx.AsyncClient, deal: Deal, id: str, reason: str = "enough") -> None:
    answer = await operator.post(f"/v1/runs/{id}/terminate", json={"reason": reason})
    assert answer.status_code == 200, answer.text
    await deal.engine.advance(deal.tenant)


async def replace(deal: Deal, service_environment: ServiceEnvironment) -> None:
    """What the worker does."""
    rows = await service_environment.sql(
        """UPDATE work SET lease = gen_random_uuid(), leased_until = now() + interval '1 hour'
           WHERE tenant_id = $1 AND kind = $2 RETURNING *""",
        deal.tenant,
        REPLACE_RUNS,
    )
    for row in rows:
        task = Task(row["id"], row["tenant_id"], row["kind"], 1, row["lease"], row["created_at"], None)
        await deal.engine.replace_job.run(task)
    await deal.engine.advance(deal.tenant)


@pytest.mark.parametrize("policy", ["queue", "replace", "refuse"])
async def test_of_many_starts_at_once_one_goes_on_and_the_others_are_queued_or_refused(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal, policy: str
) -> None:
    await keyed(author, policy)
    deal.see("new")
    answers = await asyncio.gather(*(start(operator, deal) for _ in range(12)))
    refused = [one for one in answers if one.status_code == 409]
    await deal.engine.advance(deal.tenant)
    found = await runs(operator)
    assert sum(not one["queued"] and not one["finished"] for one in found) == 1
    if policy == "refuse":
        assert (len(refused), len(found)) == (11, 1)
        reason = f"run {found[0]['id']} of workflow 'one' goes on for the key '{deal.id}'"
        assert {one.json()["detail"] for one in refused} == {reason}
    else:
        assert (len(refused), sum(one["queued"] for one in found)) == (0, 11)


async def test_queued_runs_begin_in_order_each_when_the_one_before_it_has_ended(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal
) -> None:
    await keyed(author, "queue")
    deal.see("new")
    first, second, third, fourth = [await started(operator, deal) for _ in range(4)]
    waiting = await run(operator, second)
    assert (waiting["queued"], waiting["rules"], waiting["next_look_at"]) == (True, [], None)
    said = (await operator.get(f"/v1/runs/{third}/diagnosis")).json()["findings"]
    assert [one["what"] for one in said] == [
        f"it is queued behind run {first}, which has the same concurrency key, and behind 1 more"
    ]
    suspended = await operator.post(f"/v1/runs/{second}/suspend")
    assert suspended.json()["suspended"] is True
    assert (await operator.post(f"/v1/runs/{second}/resume")).status_code == 200
    await deal.engine.advance(deal.tenant)
    assert (await run(operator, second))["rules"] == []
    await end(operator, deal, third)  # it never begins
    deal.engine.watch.later(days=7)
    await deal.engine.advance(deal.tenant)  # the first ends by itself
    await deal.engine.advance(deal.tenant)
    assert [(await run(operator, id))["queued"] for id in (first, second, fourth)] == [False, False, True]
    assert [row["state"] for row in (await run(operator, second))["rules"]] == ["waiting"]
    await end(operator, deal, second)
    await end(operator, deal, fourth)
    assert [one["outcome"] for one in await runs(operator)] == ["cancelled", "cancelled", "cancelled", "done"]
    fifth = await started(operator, deal)
    assert (await run(operator, fifth))["queued"] is False


async def test_a_run_that_is_ended_gives_its_place_on_only_when_its_command_is_taken_back(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal
) -> None:
    await keyed(author, "queue", action("greet"))
    deal.see("new")
    first, second = [await started(operator, deal) for _ in range(2)]
    await end(operator, deal, first)
    assert (await run(operator, first))["finished"] is False
    assert (await run(operator, second))["queued"] is True
    await deal.engine.cancels_commands(deal.tenant)
    await deal.engine.advance(deal.tenant)
    assert [row["name"] for row in (await run(operator, second))["rules"]] == ["greet"]


async def test_the_later_run_replaces_all_before_it(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal, service_environment: ServiceEnvironment
) -> None:
    await keyed(author, "replace")
    deal.see("new")
    first, second, third = [await started(operator, deal) for _ in range(3)]
    await replace(deal, service_environment)
    found = {one["id"]: one for one in await runs(operator)}
    assert (found[first]["outcome"], found[second]["outcome"], found[third]["outcome"]) == (
        "cancelled",
        "cancelled",
        None,
    )
    assert found[first]["reason"] in (f"replaced by run {second}", f"replaced by run {third}")
    assert found[second]["reason"] == f"replaced by run {third}"
    assert found[third]["queued"] is False
    assert [row["state"] for row in (await run(operator, third))["rules"]] == ["waiting"]
    assert await service_environment.sql("SELECT FROM work WHERE tenant_id = $1", deal.tenant) == []


class KilledError(Exception):
    """A worker ends in the middle."""


async def test_replacing_goes_on_after_the_worker_was_killed(
    author: httpx.AsyncClient,
    operator: httpx.AsyncClient,
    deal: Deal,
    service_environment: ServiceEnvironment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await keyed(author, "replace")
    deal.see("new")
    first, second, third = [await started(operator, deal) for _ in range(3)]
    record = Recorder.record

    async def killed(recorder: Recorder, tx: Connection, run: Run, *rest: Any, **options: Any) -> Run:
        done = await record(recorder, tx, run, *rest, **options)
        if str(run.id) == second:
            raise KilledError
        return done

    monkeypatch.setattr(Recorder, "record", killed)
    with pytest.raises(KilledError):
        await replace(deal, service_environment)
    assert [(await run(operator, id))["finished"] for id in (first, second, third)] == [True, False, False]
    monkeypatch.undo()
    await replace(deal, service_environment)
    assert [(await run(operator, id))["finished"] for id in (first, second, third)] == [True, True, False]
    assert [row["state"] for row in (await run(operator, third))["rules"]] == ["waiting"]


async def test_a_start_by_itself_that_is_refused_is_recorded_with_its_reason(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal
) -> None:
    await keyed(author, "refuse", autorun={"on_create": True, "on_change": True})
    await deal.enters("new")
    deal.engine.watch.later(seconds=1)
    await deal.enters("won")
    later, first = await runs(operator)
    assert (first["finished"], later["finished"], later["outcome"]) == (False, True, "refused")
    assert later["reason"] == f"run {first['id']} of workflow 'one' goes on for the key '{deal.id}'"
    assert later["started_by"] == "ada"
    await keyed(author, "refuse", key={"expr": "1 / item.activity_count"}, autorun={"on_create": True})
    deal.engine.watch.later(seconds=1)
    other = Deal(deal.engine, deal.tenant)
    await other.enters("new")
    newest = (await runs(operator))[0]
    assert newest["outcome"] == "refused"
    assert newest["reason"].startswith("concurrency.key: ")


async def test_when_the_item_is_deleted_what_is_queued_is_cancelled_too(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal, service_environment: ServiceEnvironment
) -> None:
    await keyed(author, "queue")
    await deal.enters("new")
    for _ in range(3):
        await started(operator, deal)
    await deal.is_deleted()
    await deal.engine.advance(deal.tenant)
    found = await runs(operator)
    assert {(one["outcome"], one["reason"], one["queued"]) for one in found} == {
        ("cancelled", "the item was deleted", False)
    }
    assert await service_environment.sql("SELECT FROM keyed_runs WHERE tenant_id = $1", deal.tenant) == []
    assert await service_environment.sql("SELECT FROM timers WHERE tenant_id = $1", deal.tenant) == []


async def test_so_many_wait_and_no_more_and_runs_with_other_keys_do_not_wait(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal
) -> None:
    parameters = {"of": {"type": "string"}}
    await keyed(author, "queue", key="{{ param.of }}", parameters=parameters)
    deal.see("new")
    for _ in range(MAX_QUEUED + 1):
        assert (await start(operator, deal, of="a")).status_code == 201
    refused = await start(operator, deal, of="a")
    assert refused.status_code == 409
    assert "100 runs of workflow 'one' wait for the key 'a': no more can" in refused.json()["detail"]
    assert (await run(operator, await started(operator, deal, of="b")))["queued"] is False
    free = [await started(operator, deal) for _ in range(2)]
    assert [(await run(operator, id))["queued"] for id in free] == [False, False]


@pytest.mark.parametrize(
    ("key", "what"),
    [
        (
            "{{ contact.first_name }}",
            "a concurrency key names the item, parameters and the",
        ),
        ("{{ item.titel }}", "titel"),
        ({"path": "param.ghost"}, "ghost"),
        ("{{ item", ""),
    ],
)
async def test_a_key_that_cannot_be_made_is_refused_when_it_is_published(
    author: httpx.AsyncClient, key: Any, what: str
) -> None:
    body = {"kind": "deal", "concurrency": {"key": key}, "blocks": [A_PAUSE], "publish": True}
    answer = await author.put("/v1/workflows/one", json=body)
    assert answer.status_code == 422, answer.text
    (error,) = answer.json()["errors"]
    assert (error["where"], what in error["what"]) == ("concurrency.key", True), error


async def test_ends_and_starts_at_the_same_time_leave_no_run_waiting_for_nobody(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal
) -> None:
    await keyed(author, "queue")
    deal.see("new")
    await started(operator, deal)
    for _ in range(10):
        (going,) = [one for one in await runs(operator) if not one["finished"] and not one["queued"]]
        ended = operator.post(f"/v1/runs/{going['id']}/terminate", json={"reason": "enough"})
        answers = await asyncio.gather(ended, start(operator, deal), start(operator, deal))
        assert [one.status_code for one in answers] == [200, 201, 201]
        await deal.engine.advance(deal.tenant)
    for _ in range(11):
        (going,) = [one for one in await runs(operator) if not one["finished"] and not one["queued"]]
        assert [row["state"] for row in (await run(operator, going["id"]))["rules"]] == ["waiting"]
        await end(operator, deal, going["id"])
    assert all(one["finished"] for one in await runs(operator))
