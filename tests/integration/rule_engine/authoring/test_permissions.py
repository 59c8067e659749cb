"""Who may start a workflow, act on its runs and see them, through the API."""

from typing import Any
from uuid import UUID

import httpx
import pytest

from integration.rule_engine.authoring.conftest import Tenants
from integration.rule_engine.authoring.engine import Deal
from integration.rule_engine.authoring.test_workflows import A_WEEK, action, operator, put
from support.shop import SCHEMA

__all__ = ["operator"]

SAM = next(one for one in SCHEMA.employees if one.code == "sam")
OURS = {
    "start": {"role": "author", "employees": ["sam"]},
    "operate": {"employees": [str(SAM.id)]},
    "see": {"role": "agent"},
}


async def protected(author: httpx.AsyncClient, **permissions: Any) -> None:
    blocks = [action("greet"), {"block": "pause", "name": "p", "run": A_WEEK}]
    await put(author, {"kind": "deal", "blocks": blocks, "permissions": permissions}, "ours")


async def start(client: httpx.AsyncClient, deal: Deal) -> httpx.Response:
    answer = await client.post("/v1/workflows/ours/runs", json={"item_id": str(deal.id)})
    await deal.engine.advance(deal.tenant)
    return answer


async def test_by_default_operators_start_and_act_and_everybody_sees(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, call: Tenants, tenant: UUID, deal: Deal
) -> None:
    await protected(author)
    deal.see("new")
    refused = await start(author, deal)
    assert (refused.status_code, refused.json()["detail"]) == (403, "this needs the role operator")
    run = (await start(operator, deal)).json()["id"]
    refused = await author.post(f"/v1/runs/{run}/terminate", json={})
    assert (refused.status_code, refused.json()["detail"]) == (403, "this needs the role operator")
    assert (await call(tenant, "viewer").get(f"/v1/runs/{run}")).status_code == 200
    assert (await operator.post(f"/v1/runs/{run}/suspend")).status_code == 200


async def test_a_right_is_for_a_role_and_for_single_employees_and_for_nobody_else(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, call: Tenants, tenant: UUID, deal: Deal
) -> None:
    await protected(author, **OURS)
    deal.see("new")
    sam, other = call(tenant, "viewer", sub=str(SAM.id)), call(tenant, "viewer")
    refused = await start(other, deal)
    said = "this needs the role author, or to be one of the employees whom workflow 'ours' allows to start it"
    assert (refused.status_code, refused.json()["detail"]) == (403, said)
    assert (await start(author, deal)).status_code == 201
    started = await start(sam, deal)
    assert started.status_code == 201, started.text
    run = f"/v1/runs/{started.json()['id']}"
    for act in ("suspend", "terminate", "cancel", "blocks/1/skip"):
        refused = await operator.post(f"{run}/{act}", json={})
        assert refused.status_code == 403, act
        assert refused.json()["detail"].startswith("this needs the role admin, or to be one of the employees"), act
    assert (await sam.post(f"{run}/suspend")).status_code == 200
    assert (await call(tenant, "admin").post(f"{run}/terminate", json={})).status_code == 200


async def test_who_may_not_see_runs_sees_them_nowhere(
    author: httpx.AsyncClient, call: Tenants, tenant: UUID, deal: Deal
) -> None:
    await protected(author, **OURS)
    await deal.enters("new")
    run = (await start(author, deal)).json()["id"]
    item = {"item_id": str(deal.id)}

    async def seen(client: httpx.AsyncClient) -> list[Any]:
        lists = [("/v1/runs", item), ("/v1/decisions", {"item": str(deal.id)})]
        found = [len((await client.get(path, params=params)).json()["items"]) for path, params in lists]
        paths = (f"/v1/runs/{run}", f"/v1/runs/{run}/diagnosis", "/v1/workflows/ours/runs")
        answers = [(await client.get(path)).status_code for path in paths]
        diagnosed = (await client.get(f"/v1/automation/items/{deal.id}/diagnosis")).json()["runs"]
        return [*found, *answers, len(diagnosed)]

    assert await seen(call(tenant, "agent")) == [1, 1, 200, 200, 200, 1]
    assert await seen(call(tenant, "viewer")) == [0, 0, 403, 403, 403, 0]


async def test_the_permissions_of_the_newest_version_hold_for_earlier_runs(
    author: httpx.AsyncClient, operator: httpx.AsyncClient, deal: Deal
) -> None:
    await protected(author)
    deal.see("new")
    run = (await start(operator, deal)).json()["id"]
    await protected(author, operate={"role": "admin"})
    assert (await operator.post(f"/v1/runs/{run}/suspend")).status_code == 403


@pytest.mark.parametrize(
    ("permissions", "where"),
    [
        ({"start": {"employees": ["sam", "ghost"]}}, "permissions.start.employees[1]"),
        ({"see": {"role": "boss"}}, "permissions.see.role"),
    ],
)
async def test_employees_and_roles_that_are_not_there_are_refused(
    author: httpx.AsyncClient, permissions: Any, where: str
) -> None:
    body = {"kind": "deal", "blocks": [action("greet")], "permissions": permissions, "publish": True}
    answer = await author.put("/v1/workflows/ours", json=body)
    assert answer.status_code == 422, answer.text
    assert where in {one["where"] for one in answer.json()["errors"]}


async def test_employees_find_the_workflows_whose_permissions_name_them(author: httpx.AsyncClient) -> None:
    await protected(author, **OURS)
    naming = (await author.get(f"/v1/employees/{SAM.id}/workflows")).json()["items"]
    assert [(one["workflow"], one["block"], one["where"]) for one in naming] == [
        ("ours", "", "permissions.operate.employees[0]"),
        ("ours", "", "permissions.start.employees[0]"),
    ]
