"""Backfills: items in a stage are counted first, then the stage's rules are planned once for each."""

from itertools import count
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.contexts import StageItems
from contracts.kit.worker import Task
from integration.rule_engine.authoring.conftest import Tenants
from integration.rule_engine.authoring.engine import Deal, Engine, explanations
from integration.rule_engine.authoring.test_rule_sets import URL, put
from rule_engine.gateway import EntityService
from rule_engine.jobs import BackfillJob
from support.entity import EntityStandIn
from support.service_environment import ServiceEnvironment
from support.shop import rule, rule_set

GREET = rule("greet", "send_sms", execution="parallel", text="Hello")
ADDED = rule("added", "create_task", execution="parallel", name="Call")
RULES, MORE = rule_set(new=[GREET]), rule_set(new=[GREET, ADDED])


@pytest.fixture
def operator(call: Tenants, tenant: UUID) -> httpx.AsyncClient:
    return call(tenant, "operator")


async def request(
    operator: httpx.AsyncClient, key: str | None = None, status: int = 202, **body: Any
) -> dict[str, Any]:
    headers = {"Idempotency-Key": key} if key else {}
    answer = await operator.post(f"{URL}/backfills", json={"stage": "new", **body}, headers=headers)
    assert answer.status_code == status, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def work(service_environment: ServiceEnvironment, id: str) -> Task:
    """The work of a backfill, leased."""
    (row,) = await service_environment.sql(
        "UPDATE work SET lease = gen_random_uuid() WHERE id = $1 RETURNING *", UUID(id)
    )
    return Task(row["id"], row["tenant_id"], row["kind"], 1, row["lease"], row["created_at"], None)


async def work_off(job: BackfillJob, service_environment: ServiceEnvironment, id: str) -> int:
    """Works a backfill off as a worker does, a page at each turn; says how many turns it took."""
    for turn in count(1):
        await job.run(await work(service_environment, id))
        if not await service_environment.sql("SELECT FROM work WHERE id = $1", UUID(id)):
            return turn
    raise AssertionError


class KilledError(Exception):
    """A worker ends in the middle."""


class Pages(EntityService):
    """Entity-service for a worker that is killed after so many pages."""

    def __init__(self, whole: EntityService, dies_after: int) -> None:
        self.__dict__.update(whole.__dict__)
        self._left = dies_after

    async def in_stage(self, tenant: UUID, pipeline: str, stage: str, *, after: UUID | None, limit: int) -> StageItems:
        self._left -= 1
        if self._left < 0:
            raise KilledError
        return await super().in_stage(tenant, pipeline, stage, after=after, limit=limit)


async def commands(service_environment: ServiceEnvironment, tenant: UUID) -> dict[str, int]:
    rows = await service_environment.sql(
        "SELECT topic, count(*) AS n FROM sent_commands WHERE tenant_id = $1 GROUP BY topic", tenant
    )
    return {row["topic"]: row["n"] for row in rows}


async def test_items_are_counted_before_anything_is_done(
    author: httpx.AsyncClient,
    operator: httpx.AsyncClient,
    engine: Engine,
    tenant: UUID,
    service_environment: ServiceEnvironment,
) -> None:
    await put(author, MORE, publish=True)
    for _ in range(3):
        await Deal(engine, tenant).enters("new")
    await Deal(engine, tenant).enters("won")
    assert await request(operator, status=200) == {
        "stage": "new",
        "version": 1,
        "items": 3,
        "rules": ["greet", "added"],
        "dry_run": True,
    }
    assert await service_environment.sql("SELECT 1 FROM work WHERE tenant_id = $1", tenant) == []


async def test_only_rules_that_an_entry_has_not_planned_are_planned_and_only_once(
    author: httpx.AsyncClient,
    operator: httpx.AsyncClient,
    engine: Engine,
    tenant: UUID,
    service_environment: ServiceEnvironment,
) -> None:
    await put(author, RULES, publish=True)
    deals = [Deal(engine, tenant) for _ in range(3)]
    for deal in deals:
        await deal.enters("new")
    await engine.advance(tenant)
    engine.watch.later(minutes=1)
    await put(author, MORE, publish=True)
    requested = await request(operator, dry_run=False, key="once")
    assert await request(operator, dry_run=False, key="once") == requested
    await work_off(engine.backfill_job, service_environment, requested["id"])
    await engine.advance(tenant)
    assert await commands(service_environment, tenant) == {"crm.comms.commands.v1": 3, "crm.entity.commands.v1": 3}
    seen = (await operator.get(f"{URL}/backfills/{requested['id']}")).json()
    assert (seen["items"], seen["planned"], seen["passed_over"], seen["given_up"]) == (3, 3, 0, None)
    assert seen["done_at"] is not None
    assert [(one["name"], one["version"]) for one in await explanations(author, deals[0])] == [
        ("added", 2),
        ("greet", 1),
    ]
    again = await request(operator, dry_run=False)
    await work_off(engine.backfill_job, service_environment, again["id"])
    assert (await operator.get(f"{URL}/backfills/{again['id']}")).json()["passed_over"] == 3


async def test_items_that_leave_meanwhile_are_passed_over(
    author: httpx.AsyncClient,
    operator: httpx.AsyncClient,
    engine: Engine,
    tenant: UUID,
    service_environment: ServiceEnvironment,
) -> None:
    await put(author, RULES, publish=True)
    gone, stays = Deal(engine, tenant), Deal(engine, tenant)
    for deal in (gone, stays):
        await deal.enters("new")
    await put(author, MORE, publish=True)
    requested = await request(operator, dry_run=False)
    await gone.enters("won")
    gone.entry_seq = 1
    gone.see("new")  # entity-service was asked before the deal left
    await work_off(engine.backfill_job, service_environment, requested["id"])
    seen = (await operator.get(f"{URL}/backfills/{requested['id']}")).json()
    assert (seen["planned"], seen["passed_over"]) == (1, 1)


async def test_a_worker_that_was_killed_is_succeeded_by_one_that_goes_on(
    author: httpx.AsyncClient,
    operator: httpx.AsyncClient,
    engine: Engine,
    tenant: UUID,
    service_environment: ServiceEnvironment,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    await put(author, RULES, publish=True)
    for _ in range(5):
        await Deal(engine, tenant).enters("new")
    await put(author, MORE, publish=True)
    monkeypatch.setattr("rule_engine.jobs.backfills.PAGE", 2)
    requested = await request(operator, dry_run=False)
    pages = Pages(engine.entity_service, dies_after=2)
    with pytest.raises(KilledError):
        await work_off(engine.backfill_job_with(pages), service_environment, requested["id"])
    half = (await operator.get(f"{URL}/backfills/{requested['id']}")).json()
    assert (half["planned"], half["done_at"]) == (4, None)
    assert (
        await work_off(engine.backfill_job, service_environment, requested["id"]) == 2
    )  # the last item; that there are no more
    seen = (await operator.get(f"{URL}/backfills/{requested['id']}")).json()
    assert (seen["planned"], seen["passed_over"]) == (5, 0)
    await engine.advance(tenant)
    assert (await commands(service_environment, tenant))["crm.entity.commands.v1"] == 5


async def test_what_cannot_be_planned_is_refused(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, entity: EntityStandIn
) -> None:
    await request(operator, status=404)
    await put(author, RULES, publish=True)
    await request(author, status=403)
    wrong = await request(operator, status=422, stage="nwe")
    assert wrong["errors"] == [{"where": "stage", "what": "there is no stage with rules 'nwe': did you mean 'new'?"}]
    entity.away = True
    await request(operator, status=503)
