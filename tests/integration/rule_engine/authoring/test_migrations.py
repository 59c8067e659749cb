"""Waiting runs are moved to the newest version: first looked at, then moved, page by page."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from itertools import count
from typing import Any
from uuid import UUID

import httpx
import pytest

from contracts.contexts import ItemContext, Part
from contracts.kit.clock import new_id
from integration.rule_engine.authoring.conftest import Tenants
from integration.rule_engine.authoring.engine import Deal, Engine, explanations
from integration.rule_engine.authoring.test_backfills import KilledError, work, work_off
from integration.rule_engine.authoring.test_rule_sets import put
from rule_engine.activities import RunRef
from rule_engine.domain.execution.canaries import Share
from rule_engine.gateway import EntityService
from rule_engine.jobs import MigrationJob
from support.entity import EntityStandIn
from support.service_environment import ServiceEnvironment
from support.shop import rule, rule_set

RULES, WORKFLOWS = "/v1/rule-sets/sales/migrations", "/v1/workflows/follow-up/migrations"


def asking(months: int = 6, *more: dict[str, Any]) -> dict[str, Any]:
    """A greeting, and a question so many months after the entry."""
    ask = rule("ask", "send_sms", run={"when": "after", "months": months}, text="Well?")
    return rule_set(new=[rule("greet", "send_sms", text="Hello"), ask, *more])


def pausing(days: int = 7, *before: dict[str, Any], name: str = "a_week") -> dict[str, Any]:
    pause = {"block": "pause", "name": name, "run": {"when": "after", "days": days}}
    blocks = [*before, pause, {"block": "log", "name": "over", "text": "over"}]
    return {"kind": "deal", "autorun": {"on_create": True}, "blocks": blocks}


@pytest.fixture
def operator(call: Tenants, tenant: UUID) -> httpx.AsyncClient:
    return call(tenant, "operator", sub="olga")


async def put_workflow(author: httpx.AsyncClient, document: Mapping[str, Any]) -> None:
    answer = await author.put("/v1/workflows/follow-up", json={"name": "Follow up", **document, "publish": True})
    assert answer.status_code == 200, answer.text


class Requests:
    """Migrations that an operator requests, and the worker that does them."""

    def __init__(self, operator: httpx.AsyncClient, engine: Engine, environment: ServiceEnvironment) -> None:
        self.operator, self.engine, self.environment = operator, engine, environment

    async def request(self, url: str, status: int = 202, key: str | None = None, **body: Any) -> dict[str, Any]:
        headers = {"Idempotency-Key": key} if key else {}
        answer = await self.operator.post(url, json=body, headers=headers)
        assert answer.status_code == status, answer.text
        found: dict[str, Any] = answer.json()
        return found

    async def work_off(self, id: str, job: MigrationJob | None = None) -> int:
        """As a worker does, a page at each turn; says how many turns it took."""
        for turn in count(1):
            await (job or self.engine.migration_job).run(await work(self.environment, id))
            if not await self.environment.sql("SELECT FROM work WHERE id = $1", UUID(id)):
                return turn
        raise AssertionError

    async def done(self, url: str, **body: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """A migration that has been worked off, and what became of each run."""
        id = (await self.request(url, **body))["id"]
        await self.work_off(id)
        return await self.seen(url, id)

    async def seen(self, url: str, id: str) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        runs = await self.operator.get(f"{url}/{id}/runs", params={"limit": 200})
        return (await self.operator.get(f"{url}/{id}")).json(), runs.json()["items"]


@pytest.fixture
def requests(operator: httpx.AsyncClient, engine: Engine, service_environment: ServiceEnvironment) -> Requests:
    return Requests(operator, engine, service_environment)


async def greeted(deal: Deal) -> Deal:
    """A deal that has entered the stage, whose greeting was skipped: it waits for the question."""
    await deal.enters("new")
    await deal.engine.advance(deal.tenant)
    return deal


def quiet(document: dict[str, Any]) -> dict[str, Any]:
    """Without the greeting's command, whose result nobody sends here."""
    rules = [one | ({"enabled": False} if one["name"] == "greet" else {}) for one in document["stages"]["new"]["rules"]]
    return document | {"stages": {"new": {"rules": rules}}}


async def view(viewer: httpx.AsyncClient, deal: Deal) -> dict[str, dict[str, Any]]:
    answer = (await viewer.get(f"/v1/automation/items/{deal.id}")).json()
    return {one["name"]: one for stage in answer["stages"] for entry in stage["entries"] for one in entry["rules"]}


async def test_a_dry_run_tells_what_comes_next_before_and_after_and_changes_nothing(
    author: httpx.AsyncClient, requests: Requests, deal: Deal
) -> None:
    await put(author, quiet(asking()), publish=True)
    await greeted(deal)
    await put(author, quiet(asking(3, rule("thank", "send_sms", text="Thanks"))), publish=True)
    before = await view(author, deal)
    migration, (run,) = await requests.done(RULES)
    assert (migration["status"], migration["waiting"], migration["migrated"], migration["left_alone"]) == (
        "done",
        1,
        1,
        0,
    )
    assert (run["moves"], run["from_version"], run["item_id"]) == (True, 1, str(deal.id))
    (was,), (will,) = run["before"], run["after"]
    assert (was["name"], was["until"], was["next"]) == ("ask", "2026-09-02T08:00:00Z", None)
    assert (will["name"], will["until"], will["next"]) == ("ask", "2026-06-02T08:00:00Z", "thank")
    assert await view(author, deal) == before


async def test_a_rule_that_waits_for_six_months_acts_when_the_new_version_says_and_why_tells_so(
    author: httpx.AsyncClient, requests: Requests, deal: Deal, service_environment: ServiceEnvironment
) -> None:
    await put(author, quiet(asking()), publish=True)
    await greeted(deal)
    (old,) = await service_environment.sql("SELECT * FROM timers WHERE tenant_id = $1", deal.tenant)
    moved_at = deal.engine.watch.later(days=30)
    await put(author, quiet(asking(3, rule("thank", "send_sms", text="Thanks"))), publish=True)
    await requests.done(RULES, dry_run=False, stages=["new"], versions=[1])
    (new,) = await service_environment.sql("SELECT * FROM timers WHERE tenant_id = $1", deal.tenant)
    assert (new["generation"], new["wake_at"].month) == (old["generation"] + 1, 6)
    rules = await view(author, deal)
    assert {name: (one["state"], one["version"]) for name, one in rules.items()} == {
        "greet": ("skipped", 1),
        "ask": ("waiting", 2),
        "thank": ("planned", 2),
    }
    run = (await author.get(f"/v1/runs/{rules['ask']['run_id']}")).json()
    assert (run["version"], [one["action"] for one in run["operator_actions"]]) == (2, ["migrate from version 1 to 2"])
    (entry,) = run["migrations"]
    assert (entry["from_version"], entry["to_version"], entry["requested_by"]) == (1, 2, "olga")
    (now,) = await explanations(author, deal, "ask")
    assert (now["version"], now["explanation"]) == (
        2,
        "was waiting until 2026-06-02T08:00:00+00:00 (by operator olga)",
    )
    (before,) = await explanations(author, deal, "ask", at=(moved_at - timedelta(days=1)).isoformat())
    assert (before["version"], before["explanation"]) == (1, "was waiting until 2026-09-02T08:00:00+00:00")
    (not_yet,) = await explanations(author, deal, "thank", at=(moved_at - timedelta(days=1)).isoformat())
    assert not_yet["explanation"].startswith("was not published yet"), "it was planned by the migration"
    deal.engine.watch.now = datetime.fromisoformat("2026-06-02T08:00:00+00:00")
    await deal.engine.activities.advance_run(
        RunRef(tenant=deal.tenant, run_id=new["run_id"], generation=old["generation"])
    )
    assert (await view(author, deal))["ask"]["state"] == "waiting", "the old execution does nothing any more"
    await deal.engine.advance(deal.tenant)
    assert (await view(author, deal))["ask"]["state"] == "running"


async def test_what_is_gone_is_cancelled_and_a_run_without_a_place_stays(
    author: httpx.AsyncClient, requests: Requests, deal: Deal
) -> None:
    await put(author, quiet(asking(6, rule("thank", "send_sms", text="Thanks"))), publish=True)
    await greeted(deal)
    await put(author, quiet(asking()), publish=True)
    _, (run,) = await requests.done(RULES, dry_run=False)
    assert run["moves"]
    thank = (await view(author, deal))["thank"]
    assert (thank["state"], thank["reason"], thank["version"]) == ("cancelled", "not in version 2 any more", 1)
    await put(author, rule_set(new=[rule("greet", "send_sms", text="Hello")]), publish=True)
    migration, (run,) = await requests.done(RULES, dry_run=False)
    assert (migration["migrated"], migration["left_alone"]) == (0, 1)
    assert (run["moves"], run["reason"], run["after"]) == (False, "ask is not in this stage any more", [])
    assert (await view(author, deal))["ask"]["version"] == 2


async def test_a_chain_keeps_its_rules_wherever_it_stands_among_the_chains(
    author: httpx.AsyncClient, requests: Requests, deal: Deal
) -> None:
    await put(author, quiet(asking()), publish=True)
    await greeted(deal)
    first = rule("first", "send_sms", execution="parallel", text="Hi")
    document = quiet(asking(3))
    rules = [
        first,
        *(
            one | {"execution": "parallel" if i == 0 else "wait"}
            for i, one in enumerate(document["stages"]["new"]["rules"])
        ),
    ]
    await put(author, rule_set(new=rules), publish=True)
    await requests.done(RULES, dry_run=False)
    rules_now = await view(author, deal)
    assert (rules_now["ask"]["chain"], rules_now["ask"]["due_at"]) == (1, "2026-06-02T08:00:00Z")
    assert "first" not in rules_now, "a chain that is new is for a backfill"


async def test_a_workflow_that_pauses_goes_on_in_its_new_version(
    author: httpx.AsyncClient, requests: Requests, deal: Deal
) -> None:
    await put_workflow(author, pausing())
    await greeted(deal)
    log = {"block": "log", "name": "before", "text": "x"}
    await put_workflow(author, pausing(3, log) | {"variables": {"n": {"type": "int", "value": 3}}})
    _, (run,) = await requests.done(WORKFLOWS, dry_run=False)
    assert [(one["name"], one["until"]) for one in run["after"]] == [("a_week", "2026-03-05T09:00:00Z")]
    seen = (await author.get(f"/v1/runs/{run['run_id']}")).json()
    assert (seen["version"], [(one["name"], one["version"], one["due_at"]) for one in seen["rules"]]) == (
        2,
        [("a_week", 2, "2026-03-05T09:00:00Z")],
    )
    deal.engine.watch.later(days=3)
    await deal.engine.advance(deal.tenant)
    seen = (await author.get(f"/v1/runs/{run['run_id']}")).json()
    assert (seen["outcome"], [one["name"] for one in seen["rules"]]) == ("done", ["a_week", "over"])


async def test_a_workflow_whose_block_is_gone_stays_and_goes_on_as_it_began(
    author: httpx.AsyncClient, requests: Requests, deal: Deal
) -> None:
    await put_workflow(author, pausing())
    await greeted(deal)
    await put_workflow(author, pausing(name="other"))
    _, (run,) = await requests.done(WORKFLOWS, dry_run=False)
    assert (run["moves"], run["reason"]) == (False, "a_week is not there any more")
    deal.engine.watch.later(days=7)
    await deal.engine.advance(deal.tenant)
    seen = (await author.get(f"/v1/runs/{run['run_id']}")).json()
    assert (seen["version"], seen["outcome"], seen["migrations"]) == (1, "done", [])


async def test_runs_that_cannot_be_moved_now_say_why(
    author: httpx.AsyncClient,
    requests: Requests,
    deal: Deal,
    service_environment: ServiceEnvironment,
    entity: EntityStandIn,
) -> None:
    await put_workflow(author, pausing())
    others = [Deal(deal.engine, deal.tenant) for _ in range(3)]
    for one in (deal, *others):
        await greeted(one)
    runs = await service_environment.sql("SELECT id, item_id FROM runs WHERE tenant_id = $1", deal.tenant)
    run_of = {one["item_id"]: one["id"] for one in runs}
    suspended, newer, gone = others
    await requests.operator.post(f"/v1/runs/{run_of[suspended.id]}/suspend")
    await service_environment.sql(
        "UPDATE runs SET state = jsonb_set(state, '{format}', '99') WHERE id = $1", run_of[newer.id]
    )
    entity.forget(gone.tenant, gone.id)
    await put_workflow(author, pausing(3))
    migration, found = await requests.done(WORKFLOWS, dry_run=False)
    assert (migration["migrated"], migration["left_alone"]) == (1, 3)
    assert {UUID(one["item_id"]): one["reason"] for one in found} == {
        deal.id: None,
        suspended.id: "it is suspended: resume it first",
        newer.id: "a newer release wrote it: this one cannot read it",
        gone.id: "its item does not exist any more",
    }


async def test_only_runs_that_are_named_are_moved_and_others_cannot_be_named(
    author: httpx.AsyncClient, requests: Requests, deal: Deal, service_environment: ServiceEnvironment
) -> None:
    await put_workflow(author, pausing())
    for one in (deal, Deal(deal.engine, deal.tenant)):
        await greeted(one)
    await put_workflow(author, pausing(3))
    first, second = await service_environment.sql("SELECT id FROM runs WHERE tenant_id = $1 ORDER BY id", deal.tenant)
    migration, (run,) = await requests.done(WORKFLOWS, dry_run=False, runs=[str(first["id"])])
    assert (migration["waiting"], run["run_id"]) == (1, str(first["id"]))
    refused = await requests.request(WORKFLOWS, 422, runs=[str(second["id"]), str(first["id"]), str(new_id())])
    assert [one["where"] for one in refused["errors"]] == ["runs[1]", "runs[2]"]
    assert (await requests.operator.get(WORKFLOWS)).json()["items"][0]["id"] == migration["id"]


async def test_a_request_that_is_repeated_is_one_migration_and_one_that_is_cancelled_moves_nothing_more(
    author: httpx.AsyncClient, requests: Requests, deal: Deal
) -> None:
    await put_workflow(author, pausing())
    await greeted(deal)
    await put_workflow(author, pausing(3))
    first = await requests.request(WORKFLOWS, key="once", dry_run=False)
    assert await requests.request(WORKFLOWS, key="once", dry_run=False) == first
    cancelled = (await requests.operator.post(f"{WORKFLOWS}/{first['id']}/cancel")).json()
    assert (cancelled["status"], cancelled["reason"]) == ("cancelled", "cancelled by olga")
    await requests.work_off(first["id"])
    assert await requests.seen(WORKFLOWS, first["id"]) == (cancelled, [])
    done, runs = await requests.done(WORKFLOWS, dry_run=False)
    assert (await requests.operator.post(f"{WORKFLOWS}/{done['id']}/cancel")).json()["status"] == "done"
    assert len(runs) == 1


class Dying(EntityService):
    """Entity-service for a worker that is killed after so many pages."""

    def __init__(self, whole: EntityService, after: int) -> None:
        self.__dict__.update(whole.__dict__)
        self._left = after

    async def contexts(self, tenant: UUID, items: Any, parts: Sequence[Part] | None = None) -> dict[UUID, ItemContext]:
        self._left -= 1
        if self._left < 0:
            raise KilledError
        return await super().contexts(tenant, items, parts)


async def test_the_successor_of_a_killed_worker_goes_on_and_no_run_is_moved_twice(
    author: httpx.AsyncClient,
    requests: Requests,
    deal: Deal,
    monkeypatch: pytest.MonkeyPatch,
    service_environment: ServiceEnvironment,
) -> None:
    monkeypatch.setattr("rule_engine.jobs.migrations.MOVED_AT_ONCE", 2)
    await put_workflow(author, pausing())
    for one in (deal, *(Deal(deal.engine, deal.tenant) for _ in range(4))):
        await greeted(one)
    await put_workflow(author, pausing(3))
    id = (await requests.request(WORKFLOWS, dry_run=False))["id"]
    engine = deal.engine
    dying = MigrationJob(
        engine.database, engine.store, Dying(engine.entity_service, 1), engine.migration_job._mover, engine.watch
    )
    with pytest.raises(KilledError):
        await requests.work_off(id, dying)
    migration, runs = await requests.seen(WORKFLOWS, id)
    assert (migration["status"], migration["migrated"], len(runs)) == ("running", 2, 2)
    assert await requests.work_off(id) == 3
    migration, runs = await requests.seen(WORKFLOWS, id)
    assert (migration["status"], migration["migrated"], len(runs)) == ("done", 5, 5)
    actions = await service_environment.sql("SELECT run_id FROM operator_actions WHERE tenant_id = $1", deal.tenant)
    assert len({one["run_id"] for one in actions}) == len(actions) == 5


async def test_a_backfill_knows_rules_that_ended_in_a_version_before_the_one_that_the_run_was_moved_to(
    author: httpx.AsyncClient, requests: Requests, deal: Deal
) -> None:
    await put(author, quiet(asking()), publish=True)
    await greeted(deal)
    ask = rule("ask", "send_sms", run={"when": "after", "months": 6}, enabled=False, text="Well?")
    await put(author, rule_set(new=[ask]), publish=True)
    await requests.done(RULES, dry_run=False)
    await deal.engine.advance(deal.tenant)
    assert {name: one["state"] for name, one in (await view(author, deal)).items()} == {
        "greet": "skipped",
        "ask": "skipped",
    }
    assert (await author.post("/v1/rule-sets/sales/rollback", json={"version": 1})).status_code == 200
    backfill = "/v1/rule-sets/sales/backfills"
    id = (await requests.request(backfill, stage="new", dry_run=False))["id"]
    await work_off(deal.engine.backfill_job, requests.environment, id)
    seen = (await author.get(f"{backfill}/{id}")).json()
    assert (seen["planned"], seen["passed_over"]) == (0, 1)


async def test_runs_of_a_canary_are_not_meant_until_it_is_rolled_back(
    author: httpx.AsyncClient, requests: Requests, deal: Deal
) -> None:
    await put_workflow(author, pausing())
    assert (await author.put("/v1/workflows/follow-up", json=pausing(3))).is_success
    began = await author.post("/v1/workflows/follow-up/canary", json={"share": 99})
    assert began.status_code == 200, began.text
    others = (Deal(deal.engine, deal.tenant) for _ in count())
    await greeted(next(one for one in others if Share(2, 99).takes(one.tenant, "follow-up", one.id)))
    assert (await requests.done(WORKFLOWS))[1] == []
    await author.post("/v1/workflows/follow-up/canary/rollback", json={"reason": "no"})
    _, (run,) = await requests.done(WORKFLOWS, dry_run=False)
    assert (run["moves"], run["from_version"], run["after"][0]["until"]) == (True, 2, "2026-03-09T09:00:00Z")
