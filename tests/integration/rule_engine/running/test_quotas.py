"""How many unfinished runs and how many definitions a tenant may have."""

from typing import Any

import httpx

from integration.rule_engine.running.test_running import LATER
from support.engine import Deal, Harness
from support.quotas import allow
from support.waiting import eventually


async def planned(deal: Deal) -> dict[str, Any]:
    """The rule of a deal that has just entered, once it was planned."""

    async def look() -> dict[str, Any] | None:
        return (await deal.rules()).get("later")

    found = await eventually(look, "the rule")
    assert found is not None
    return found


async def enter(engine: Harness, deal: Deal) -> dict[str, Any]:
    """Another deal of the same tenant enters."""
    another = Deal(engine, tenant=deal.tenant)
    await another.enters("new")
    return await planned(another)


async def test_a_tenant_with_too_many_open_runs_has_no_further_ones_and_is_told_why(
    engine: Harness, deal: Deal
) -> None:
    await deal.has_rules({"new": [LATER]})
    async with httpx.AsyncClient() as http:
        await allow(http, engine.service_environment, deal.tenant, "open_runs", 2)
        states = [(await enter(engine, deal))["state"] for _ in range(2)]
        assert set(states) == {"waiting"}

        async def refusal() -> str | None:
            """The count is that of the last sweep, so one more may pass."""
            rule = await enter(engine, deal)
            return rule["reason"] if rule["state"] == "refused" else None

        reason = await eventually(refusal, "a refusal")
        assert reason == (
            "quota open_runs: at most 2 runs that are not finished; those who run this installation can raise it"
        )
        neighbour = Deal(engine)
        await neighbour.has_rules({"new": [LATER]})
        await neighbour.enters("new")
        await neighbour.reaches("later", "waiting")
        await allow(http, engine.service_environment, deal.tenant, "open_runs", 100)
        assert (await enter(engine, deal))["state"] == "waiting"


async def test_definitions_are_counted_and_those_that_there_are_can_be_changed(engine: Harness, deal: Deal) -> None:
    await deal.has_rules({"new": [LATER]})
    visits = {"name": "Visits", "type": "int", "value": 1}
    async with httpx.AsyncClient() as http, engine.service_environment.caller(deal.tenant, "author") as author:
        assert (await author.put("/v1/variables/visits", json=visits)).is_success
        await allow(http, engine.service_environment, deal.tenant, "definitions", 2)
        for path, body in (
            ("/v1/variables/more", visits),
            ("/v1/constants/more", visits),
            ("/v1/rule-sets/more", {"pipeline": "other", "stages": {}}),
        ):
            refused = await author.put(path, json=body)
            assert (refused.status_code, refused.json()["title"]) == (409, "Quota used up"), refused.text
        assert (await author.put("/v1/variables/visits", json=visits | {"name": "Calls"})).is_success
        await deal.has_rules({"new": [LATER], "paid": [LATER]})
