"""Rules that set variables: atomically, each run with its own, and shown in decisions."""

from typing import Any

from contracts.messages.comms import SendMessage
from support.engine import Deal, Harness
from support.waiting import eventually

COUNT = {
    "name": "count",
    "type": "set_variable",
    "execution": "parallel",
    "params": {"variable": "orders", "value": {"expr": "var.orders + 1"}},
}


async def defines(deal: Deal, code: str, **document: Any) -> None:
    async with deal.harness.service_environment.caller(deal.tenant, "author") as author:
        answer = await author.put(f"/v1/variables/{code}", json=document)
    assert answer.is_success, answer.text


async def value(deal: Deal, code: str, query: str = "") -> Any:
    async with deal.harness.service_environment.caller(deal.tenant, "viewer") as viewer:
        return (await viewer.get(f"/v1/variables/{code}/value{query}")).json()["value"]


async def test_deals_that_enter_at_once_are_all_counted(engine: Harness) -> None:
    first = Deal(engine)
    await defines(first, "orders", type="int", value=0)
    await first.has_rules({"new": [COUNT, COUNT | {"name": "again"}]})
    deals = [first, *(Deal(engine, tenant=first.tenant) for _ in range(9))]
    for deal in deals:
        await deal.enters("new")
    for deal in deals:
        await deal.reaches("count", "done")
        await deal.reaches("again", "done")
    assert await value(first, "orders") == 20


async def test_rules_after_it_see_the_value_and_other_items_keep_theirs(deal: Deal) -> None:
    await defines(deal, "visits", type="int", scope="item", value=0)
    await defines(deal, "sum", type="number", scope="run")
    calculate = {
        "name": "sums",
        "type": "calculate",
        "params": {
            "values": [
                {"name": "visits", "value": {"expr": "var.visits + 1"}, "variable": "visits"},
                {"name": "half", "value": {"expr": "(var.visits + 1) / 2"}, "variable": "sum"},
            ]
        },
    }
    tell = {
        "name": "tell",
        "type": "send_sms",
        "condition": {"all": [{"path": "var.visits", "op": "ge", "value": 1}, {"expr": "steps.sums.half == var.sum"}]},
        "params": {"text": "{{ steps.sums.visits }} {{ var.visits }} {{ var.sum }}"},
    }
    await deal.has_rules({"new": [calculate, tell]})
    await deal.enters("new")
    sent = await deal.command(SendMessage)
    assert sent.data.text == "1 1 0.5"
    await deal.is_done(sent, message_id="m-1", sent_to="+390212345678")
    await deal.reaches("tell", "done")
    await deal.enters("won")
    await deal.enters("new")
    assert (await deal.command(SendMessage, 2)).data.text == "2 2 1"
    assert await value(deal, "visits", f"?item={deal.item}") == 2
    other = Deal(deal.harness, tenant=deal.tenant)
    await other.enters("new")
    assert (await other.command(SendMessage)).data.text == "1 1 0.5"


async def test_a_value_that_does_not_fit_fails_the_rule_with_the_reason(deal: Deal) -> None:
    await defines(deal, "orders", type="int")
    wrong = COUNT | {"params": {"variable": "orders", "value": "{{ item.title }}"}}
    await deal.has_rules({"new": [wrong]})
    await deal.enters("new")

    async def failed() -> Any:
        return (await deal.rules()).get("count", {}).get("reason")

    assert await eventually(failed, "a reason") == "params.value: takes a whole number"
    assert await value(deal, "orders") is None
