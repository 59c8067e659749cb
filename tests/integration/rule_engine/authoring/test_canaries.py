"""Canaries on a real PostgreSQL: who runs on which version, what is compared, how they end."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.kit.database import Connection, Database
from integration.rule_engine.authoring.conftest import Tenants
from integration.rule_engine.authoring.engine import Deal, Engine
from integration.rule_engine.authoring.test_backfills import KilledError, work
from integration.rule_engine.authoring.test_simulations import publish
from integration.rule_engine.authoring.test_workflows import action, run_of
from rule_engine.application.canaries import CanaryActions
from rule_engine.domain.execution.canaries import Share
from rule_engine.jobs import CanaryJob
from rule_engine.store import Store
from support.service_environment import ServiceEnvironment
from support.shop import rule, rule_set

URL = "/v1/rule-sets/sales/canary"
FAIR = rule_set(new=[rule("mark", "update_item", fields=[{"field": "source", "value": "fair"}])])
NOW = rule_set(new=[rule("greet", "send_sms", text="Hello {{ contact.first_name }}")])
WORSE = rule_set(new=[rule("greet", "send_email", subject="Hi", text="Hi", address_type="other")])
"""Nobody has such an address."""


def workflow(text: str) -> dict[str, Any]:
    return {"kind": "deal", "autorun": {"on_create": True}, "blocks": [action("greet", text)]}


@pytest.fixture
def job(database: Database, engine: Engine) -> CanaryJob:
    return job_of(database, engine.store, engine)


def job_of(database: Database, store: Store, engine: Engine) -> CanaryJob:
    return CanaryJob(database, store, CanaryActions(database, store, engine.watch), engine.watch)


async def begin(author: httpx.AsyncClient, draft: dict[str, Any], **asked: Any) -> dict[str, Any]:
    """The draft is tried beside what is published."""
    await publish(author, draft, publish=False)
    answer = await author.post(URL, json={"share": 50} | asked)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def enter(engine: Engine, tenant: UUID, number: int) -> dict[UUID, Deal]:
    """So many deals, on which rules have acted."""
    deals = [Deal(engine, tenant) for _ in range(number)]
    for deal in deals:
        await deal.enters("new")
    await engine.advance(tenant)
    return {deal.id: deal for deal in deals}


async def versions(author: httpx.AsyncClient, deals: dict[UUID, Deal]) -> dict[UUID, tuple[int, int | None]]:
    """What each deal's last entry ran on, and the share of which it was."""
    found = {}
    for id in deals:
        view = (await author.get(f"/v1/automation/items/{id}")).json()
        entry = view["stages"][0]["entries"][-1]
        found[id] = (entry["version"], entry["canary_share"])
    return found


async def canary_id(service_environment: ServiceEnvironment, tenant: UUID) -> str:
    (row,) = await service_environment.sql("SELECT id FROM canaries WHERE tenant_id = $1 AND state = 'on'", tenant)
    return str(row["id"])


async def test_a_share_of_the_items_runs_on_it_and_the_others_on_what_is_published(
    author: httpx.AsyncClient, engine: Engine, tenant: UUID
) -> None:
    await publish(author, NOW)
    began = await begin(author, FAIR, share=50)
    assert (began["version"], began["base"], began["state"], began["share"]) == (2, 1, "on", 50)
    deals = await enter(engine, tenant, 12)
    chosen = {id for id in deals if Share(2, 50).takes(tenant, "sales", id)}
    assert await versions(author, deals) == {id: (2, 50) if id in chosen else (1, None) for id in deals}
    found = (await author.get(URL)).json()
    assert (found["tried"]["version"], found["rest"]["version"]) == (2, 1)
    listed = (await author.get("/v1/rule-sets/sales/versions")).json()["items"]
    assert [(one["version"], one["status"]) for one in listed] == [(2, "canary"), (1, "published")]
    item = next(iter(chosen))
    run = await run_of_item(author, item)
    assert (run["version"], run["canary_share"]) == (2, 50)
    stage = (await author.get(f"/v1/automation/items/{item}")).json()["stages"][0]
    assert [(one["name"], one["reason"]) for one in stage["rules"]] == [
        ("greet", "the item tries version 2, as 50 % of the items do: it has no such rule")
    ]


async def test_a_canary_costs_the_planner_no_further_question(
    author: httpx.AsyncClient, engine: Engine, tenant: UUID, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    transaction = database.transaction

    @asynccontextmanager
    async def counting(*tenants: UUID) -> AsyncGenerator[Connection]:
        async with transaction(*tenants) as tx:
            with tx.query_logger(lambda record: asked.append(record.query)):
                yield tx

    async def enters() -> int:
        """How many statements it takes to plan the entry of a deal, once the programs have been read."""
        await Deal(engine, tenant).enters("new")
        with monkeypatch.context() as patched:
            patched.setattr(database, "transaction", counting)
            asked.clear()
            await Deal(engine, tenant).enters("new")
            return len(asked)

    await publish(author, NOW)
    plain = await enters()
    await begin(author, FAIR, share=50)
    assert await enters() == plain > 5


async def run_of_item(author: httpx.AsyncClient, item: UUID) -> dict[str, Any]:
    row = (await author.get("/v1/runs", params={"item_id": str(item)})).json()["items"][0]
    found: dict[str, Any] = (await author.get(f"/v1/runs/{row['run_id']}")).json()
    return found


async def test_a_growing_share_keeps_those_it_had_and_promoting_takes_all(
    author: httpx.AsyncClient, engine: Engine, tenant: UUID
) -> None:
    await publish(author, NOW)
    await begin(author, FAIR, share=30)
    deals = await enter(engine, tenant, 8)
    before = {id for id, (version, _) in (await versions(author, deals)).items() if version == 2}
    assert (await author.patch(URL, json={"share": 70})).json()["share"] == 70
    for deal in deals.values():
        await deal.enters("won")
        await deal.enters("new")
    after = {id for id, (version, _) in (await versions(author, deals)).items() if version == 2}
    assert before <= after
    promoted = (await author.post(f"{URL}/promote")).json()
    assert (promoted["state"], promoted["ended_by"]) == ("promoted", "ada")
    assert set((await versions(author, await enter(engine, tenant, 3))).values()) == {(2, None)}
    assert (await author.get("/v1/rule-sets/sales", params={"version": "newest"})).json()["version"] == 2
    assert (await author.post(f"{URL}/promote")).status_code == 404


async def test_by_hand_it_is_rolled_back_with_a_reason_and_its_number_is_not_used_again(
    author: httpx.AsyncClient, engine: Engine, tenant: UUID
) -> None:
    await publish(author, NOW)
    await begin(author, FAIR, share=99)
    deals = await enter(engine, tenant, 2)
    ended = (await author.post(f"{URL}/rollback", json={"reason": "wrong source"})).json()
    assert (ended["state"], ended["reason"], ended["ended_by"]) == ("rolled_back", "wrong source", "ada")
    assert set((await versions(author, await enter(engine, tenant, 3))).values()) == {(1, None)}
    assert len(await versions(author, deals)) == 2  # what ran on it is still explained by it
    again = await begin(author, FAIR, share=10)
    assert (again["version"], [one["version"] for one in again["earlier"]]) == (3, [2])
    changes = (await author.get("/v1/configuration-changes", params={"kind": "canary"})).json()
    assert changes


async def test_nothing_else_is_published_or_archived_meanwhile(author: httpx.AsyncClient) -> None:
    await publish(author, NOW)
    await begin(author, FAIR)
    refused = [
        await author.put("/v1/rule-sets/sales", json=WORSE | {"publish": True}),
        await author.put("/v1/rule-sets/sales", json=NOW | {"archived": True}),
        await author.post("/v1/rule-sets/sales/rollback", json={"version": 1}),
        await author.post("/v1/rule-sets/sales/rules/disable", json={"rules": [{"stage": "new", "name": "greet"}]}),
        await author.post(URL, json={"share": 5}),
    ]
    assert [one.status_code for one in refused] == [409] * 5
    assert (
        "version 2 of rule set 'sales' is tried by 50 % of the items: promote it or roll it back first"
        in (refused[0].json()["detail"])
    )
    await publish(author, WORSE, publish=False)
    assert (await author.get("/v1/rule-sets/sales")).json()["version"] == 3


async def test_what_cannot_be_tried(author: httpx.AsyncClient) -> None:
    assert (await author.post(URL, json={"share": 10})).status_code == 404
    await publish(author, NOW, publish=False)
    assert "no version" in (await author.post(URL, json={"share": 10})).json()["detail"]
    await publish(author, NOW)
    assert "nothing to try" in (await author.post(URL, json={"share": 10})).json()["detail"]
    await publish(author, rule_set(new=[rule("a", "fly")]), publish=False)
    assert (await author.post(URL, json={"share": 10})).status_code == 422
    assert (await author.post(URL, json={"share": 100})).status_code == 422
    assert (await author.get(URL)).status_code == 404


async def test_one_that_fails_more_than_the_rest_is_rolled_back_by_itself_also_when_its_watcher_is_killed(
    author: httpx.AsyncClient,
    engine: Engine,
    tenant: UUID,
    job: CanaryJob,
    database: Database,
    service_environment: ServiceEnvironment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await publish(author, FAIR)
    await begin(author, WORSE, share=50, after=3)
    id = await canary_id(service_environment, tenant)
    await job.run(await work(service_environment, id))
    assert (await author.get(URL)).json()["state"] == "on"
    while (await author.get(URL)).json()["tried"]["ended"] < 3:
        await enter(engine, tenant, 4)

    leased = await work(service_environment, id)
    with monkeypatch.context() as patched:
        patched.setattr(database, "transaction", dying(database))
        with pytest.raises(KilledError):
            await job.run(leased)
    assert (await author.get(URL)).json()["state"] == "on"

    leased = await work(service_environment, id)
    await job.run(leased)
    await job.run(leased)
    ended = (await author.get(URL)).json()
    assert (ended["state"], ended["ended_by"]) == ("rolled_back", "canary")
    assert ended["reason"].startswith("100.0% of")
    assert (ended["tried"]["failed_rate"], ended["rest"]["failed"]) == (1.0, 0)
    assert not await service_environment.sql("SELECT FROM work WHERE id = $1", UUID(id))
    assert set((await versions(author, await enter(engine, tenant, 3))).values()) == {(1, None)}


def dying(database: Database) -> Any:
    """Transactions that a kill ends before they commit."""
    transaction = database.transaction

    @asynccontextmanager
    async def killed(*tenants: UUID) -> AsyncGenerator[Connection]:
        async with transaction(*tenants) as tx:
            yield tx
            raise KilledError

    return killed


async def test_two_who_end_it_at_once_end_it_once(author: httpx.AsyncClient, call: Tenants, tenant: UUID) -> None:
    await publish(author, NOW)
    await begin(author, FAIR)
    other = call(tenant, "author", sub="bob")
    answers = await asyncio.gather(
        author.post(f"{URL}/promote"),
        other.post(f"{URL}/rollback", json={"reason": "no"}),
        author.post(f"{URL}/promote"),
    )
    assert sorted(one.status_code for one in answers) == [200, 404, 404]


async def test_a_workflow_is_tried_too(author: httpx.AsyncClient, engine: Engine, tenant: UUID) -> None:
    url = "/v1/workflows/welcome"
    assert (await author.put(url, json=workflow("Hello") | {"publish": True})).is_success
    assert (await author.put(url, json=workflow("Dear"))).is_success
    began = await author.post(f"{url}/canary", json={"share": 50})
    assert began.status_code == 200, began.text
    deals = [Deal(engine, tenant) for _ in range(6)]
    for deal in deals:
        await deal.enters("new")
    await engine.advance(tenant)
    runs = [await run_of(author, deal) for deal in deals]
    chosen = [Share(2, 50).takes(tenant, "welcome", deal.id) for deal in deals]
    assert [(run["version"], run["canary_share"]) for run in runs] == [(2, 50) if one else (1, None) for one in chosen]
    refused = await author.put(url, json=workflow("Hi") | {"publish": True})
    assert (refused.status_code, "workflow 'welcome'" in refused.json()["detail"]) == (409, True)
    assert (await author.post(f"{url}/canary/promote")).json()["state"] == "promoted"
