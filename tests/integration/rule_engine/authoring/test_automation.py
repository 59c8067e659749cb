"""The automation view before the engine has heard of an item: empty for one there is, 404 for any other."""

from uuid import UUID

import httpx

from contracts.kit.clock import new_id
from integration.rule_engine.authoring.conftest import Tenants
from integration.rule_engine.authoring.engine import Deal, Engine
from support.shop import rule, rule_set

RULES = rule_set(new=[rule("greet", "send_sms", text="Hello")]) | {"publish": True}


async def test_a_fresh_item_has_a_view_of_rules_that_have_not_acted(
    author: httpx.AsyncClient, engine: Engine, tenant: UUID
) -> None:
    await author.put("/v1/rule-sets/sales", json=RULES)
    deal = Deal(engine, tenant)
    deal.see("new")
    view = (await author.get(f"/v1/automation/items/{deal.id}")).json()
    assert (view["pipeline"], view["stage"], view["state"]) == ("sales", "new", "idle")
    ((stage,), (seen,)) = view["stages"], view["stages"][0]["rules"]
    assert (stage["entries"], seen["name"], seen["state"]) == ([], "greet", None)
    await deal.enters("new")
    (stage,) = (await author.get(f"/v1/automation/items/{deal.id}")).json()["stages"]
    assert [one["name"] for one in stage["entries"][0]["rules"]] == ["greet"]


async def test_an_item_that_there_is_not_or_is_of_another_tenant_has_none(
    author: httpx.AsyncClient, call: Tenants, engine: Engine, tenant: UUID
) -> None:
    assert (await author.get(f"/v1/automation/items/{new_id()}")).status_code == 404
    deal = Deal(engine, tenant)
    deal.see("new")
    assert (await call(new_id()).get(f"/v1/automation/items/{deal.id}")).status_code == 404
    engine.entity.away = True
    assert (await author.get(f"/v1/automation/items/{deal.id}")).status_code == 503
