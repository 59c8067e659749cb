"""Variables and constants through the API: definitions, values, migrations that are checked first."""

from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from contracts.kit.clock import new_id
from contracts.kit.database import Database
from integration.rule_engine.authoring.conftest import Tenants
from support.shop import rule, rule_set

EUR = {"amount": 50000, "currency": "EUR"}


async def put(author: httpx.AsyncClient, kind: str, code: str, **document: Any) -> dict[str, Any]:
    answer = await author.put(f"/v1/{kind}s/{code}", json=document)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


async def refused(author: httpx.AsyncClient, kind: str, code: str, **document: Any) -> list[tuple[str, str]]:
    dry = document.pop("dry_run", None)
    answer = await author.put(f"/v1/{kind}s/{code}", json=document, params={"dry_run": True} if dry else {})
    assert answer.status_code == 422, answer.text
    return [(one["where"], one["what"]) for one in answer.json()["errors"]]


async def has_rule(author: httpx.AsyncClient, **params: Any) -> httpx.Response:
    condition = params.pop("condition", None)
    kind = params.pop("type", "send_sms")
    document = rule_set(new=[rule("it", kind, condition=condition, **params)])
    return await author.put("/v1/rule-sets/sales", json=document | {"publish": True})


async def test_a_definition_is_put_and_read_and_putting_it_again_changes_nothing(author: httpx.AsyncClient) -> None:
    document = {"name": "Orders", "type": "int", "scope": "item", "value": "7"}
    seen = await put(author, "variable", "orders", **document)
    assert (seen["code"], seen["type"], seen["scope"], seen["value"], seen["archived"]) == (
        "orders",
        "int",
        "item",
        7,
        False,
    )
    assert await put(author, "variable", "orders", **document) == seen
    assert (await author.get("/v1/variables/orders")).json() == seen
    assert [one["code"] for one in (await author.get("/v1/variables")).json()["items"]] == ["orders"]
    assert (await author.get("/v1/constants/orders")).status_code == 404
    constant = await put(author, "constant", "least", type="money", value=EUR)
    assert constant["value"] == EUR
    assert "scope" not in constant


@pytest.mark.parametrize(
    ("document", "where", "what"),
    [
        ({"type": "int", "value": "many"}, "value", "takes a whole number"),
        ({"type": "date", "value": "soon"}, "value", "takes a date such as 2026-03-02"),
        ({"type": "money", "value": 5}, "value", "takes an amount in minor units with its currency"),
        ({"type": "list"}, "options", "a list has options to choose from"),
        ({"type": "list", "options": ["a"], "value": "b"}, "value", "takes one of its options"),
        ({"type": "int", "value": [1, 2]}, "value", "takes one value, not 2"),
    ],
)
async def test_a_value_that_does_not_fit_its_type_is_refused(
    author: httpx.AsyncClient, document: dict[str, Any], where: str, what: str
) -> None:
    assert await refused(author, "constant", "it", **document) == [(where, what)]
    assert (await author.get("/v1/constants/it")).status_code == 404


@pytest.mark.parametrize("code", ["limit", "in", "true"])
async def test_a_code_that_could_never_be_named_is_refused(author: httpx.AsyncClient, code: str) -> None:
    what = f"'{code}' is a word of texts or expressions: choose another"
    assert await refused(author, "variable", code, type="int") == [("code", what)]


async def test_people_set_values_and_the_definition_does_not_set_them_back(call: Tenants, tenant: UUID) -> None:
    author, operator = call(tenant, "author"), call(tenant, "operator")
    await put(author, "variable", "count", type="int", value=1)
    assert (await author.get("/v1/variables/count/value")).json() == {"value": 1}
    assert (await operator.put("/v1/variables/count/value", json={"value": "5"})).json() == {"value": 5}
    assert (await operator.put("/v1/variables/count/value", json={"value": 6})).json() == {"value": 6}
    await put(author, "variable", "count", type="int", value=1, name="Counter")
    assert (await author.get("/v1/variables/count/value")).json() == {"value": 6}
    wrong = await operator.put("/v1/variables/count/value", json={"value": "x"})
    assert wrong.json()["errors"] == [{"where": "value", "what": "count takes a whole number"}]
    assert (await author.put("/v1/variables/count/value", json={"value": 1})).status_code == 403


async def test_an_item_has_a_value_of_its_own(call: Tenants, tenant: UUID) -> None:
    author, operator = call(tenant, "author"), call(tenant, "operator")
    await put(author, "variable", "tags", type="string", multiple=True, scope="item")
    one, other = new_id(), new_id()
    await operator.put(f"/v1/variables/tags/value?item={one}", json={"value": ["a", "b"]})
    assert (await author.get(f"/v1/variables/tags/value?item={one}")).json() == {"value": ["a", "b"]}
    assert (await author.get(f"/v1/variables/tags/value?item={other}")).json() == {"value": []}
    assert (await author.get("/v1/variables/tags/value")).status_code == 422


async def test_a_type_changes_when_every_value_fits_the_new_one(call: Tenants, tenant: UUID) -> None:
    author, operator = call(tenant, "author"), call(tenant, "operator")
    await put(author, "variable", "size", type="text", scope="item")
    good, bad = new_id(), new_id()
    await operator.put(f"/v1/variables/size/value?item={good}", json={"value": "12"})
    await operator.put(f"/v1/variables/size/value?item={bad}", json={"value": "large"})
    number = {"type": "int", "scope": "item"}
    issue = [(f"value of {bad}", "takes a whole number")]
    assert await refused(author, "variable", "size", dry_run=True, **number) == issue
    assert await refused(author, "variable", "size", **number) == issue
    assert (await author.get("/v1/variables/size")).json()["type"] == "text"
    await operator.put(f"/v1/variables/size/value?item={bad}", json={"value": "13"})
    dry = await author.put("/v1/variables/size?dry_run=true", json=number)
    assert dry.status_code == 200
    assert (await author.get("/v1/variables/size")).json()["type"] == "text"
    await put(author, "variable", "size", **number)
    assert (await author.get(f"/v1/variables/size/value?item={good}")).json() == {"value": 12}
    assert await refused(author, "variable", "size", type="int") == [
        ("scope", "2 values are kept for the scope 'item': it cannot change")
    ]


async def test_rules_name_variables_and_constants_and_are_checked_when_published(author: httpx.AsyncClient) -> None:
    await put(author, "variable", "count", type="int")
    await put(author, "constant", "signer", type="string", value="Kim Lane")
    unknown = await has_rule(author, text="{{ var.cuont }} {{ const.nobody }}")
    assert [one["what"] for one in unknown.json()["errors"]] == [
        "there is no name 'nobody' in const: there are signer",
        "there is no name 'cuont' in var: did you mean 'count'?",
    ]
    misfit = await has_rule(author, text="x", condition={"path": "var.count", "op": "gt", "value": "many"})
    assert misfit.json()["errors"][0]["what"] == "var.count is a number: 'many' does not compare with it"
    fits = {"all": [{"path": "var.count", "op": "gt", "value": 3}, {"expr": "const.signer != '' && var.count < 9"}]}
    assert (await has_rule(author, text="{{ const.signer }}", condition=fits)).status_code == 200


async def test_money_of_two_currencies_is_refused_when_it_can_be_known(author: httpx.AsyncClient) -> None:
    await put(author, "constant", "least", type="money", value=EUR)
    dollars = {"amount": 1, "currency": "USD"}
    wrong = await has_rule(author, text="x", condition={"path": "const.least", "op": "gt", "value": dollars})
    assert wrong.json()["errors"][0]["what"] == "const.least is in EUR: USD does not compare with it"
    pair = {"path": "item.amount", "op": "between", "value": [dollars, EUR]}
    wrong = await has_rule(author, text="x", condition=pair)
    assert wrong.json()["errors"][0]["what"] == "item.amount: EUR and USD do not compare"
    known = {"path": "item.amount", "op": "gt", "value": {"path": "const.least"}}
    assert (await has_rule(author, text="x", condition=known)).status_code == 200


async def test_a_definition_that_published_rules_need_does_not_change_under_them(author: httpx.AsyncClient) -> None:
    await put(author, "variable", "count", type="int")
    answer = await has_rule(author, text="x", condition={"path": "var.count", "op": "gt", "value": 3})
    assert answer.status_code == 200, answer.text
    where = "rule-set/sales: stages.new.rules[0].condition"
    (issue,) = await refused(author, "variable", "count", type="text")
    assert issue[0] == where
    assert issue[1].startswith("var.count is a text: 'gt' (>) does not fit")
    for narrower in ({"archived": True}, {"visible_for": "lead"}):
        assert await refused(author, "variable", "count", type="int", **narrower) == [
            (f"{where}.path", "there is no name 'count' in var: there are none")
        ]
    await put(author, "variable", "count", type="number", visible_for="deal")
    assert await refused(author, "variable", "count", type="number", visible_for="project") == [
        ("visible_for", "there is no item type 'project': there are deal, invoice, lead, quote")
    ]


async def test_set_variable_and_calculate_are_checked(author: httpx.AsyncClient) -> None:
    await put(author, "variable", "count", type="int")
    wrong = await has_rule(author, type="set_variable", variable="cuont", value=1)
    assert wrong.json()["errors"][0]["what"] == "there is no variable 'cuont': did you mean 'count'?"
    wrong = await has_rule(author, type="set_variable", variable="count", value="many")
    assert wrong.json()["errors"][0]["what"] == "count takes a whole number"
    twice = [{"name": "a", "value": 1}, {"name": "a", "value": 2}]
    wrong = await has_rule(author, type="calculate", values=twice)
    assert wrong.json()["errors"][0]["what"] == "another value has this name"
    sums = rule("sums", "calculate", values=[{"name": "double", "value": {"expr": "var.count * 2"}}])
    uses = [sums, rule("tell", "send_sms", text="{{ steps.sums.double }} {{ steps.sums.triple }}")]
    wrong = await author.put("/v1/rule-sets/sales", json=rule_set(new=uses) | {"publish": True})
    assert [one["what"] for one in wrong.json()["errors"]] == [
        "there is no name 'triple' in steps.sums: there are double"
    ]


async def test_another_tenants_definitions_are_not_seen(call: Tenants, database: Database) -> None:
    mine, other = new_id(), new_id()
    await put(call(mine), "variable", "count", type="int")
    assert (await call(other).get("/v1/variables/count")).status_code == 404
    async with database.transaction(other) as tx:
        assert await tx.fetch("SELECT * FROM variables WHERE tenant_id = $1", mine) == []
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await tx.execute("INSERT INTO variable_values VALUES ($1, 'count', $1, '1', 1, now())", mine)
