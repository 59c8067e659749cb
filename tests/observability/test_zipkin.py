"""A rule that waited is two traces in Zipkin: that of its entry, and that of its step, which names the first."""

from typing import Any

import httpx
import pytest

from local_stack.demo.shop import Shop
from local_stack.demo.story import Story
from local_stack.demo.teller import Teller
from support.waiting import until

pytestmark = [pytest.mark.observability, pytest.mark.timeout(600)]


def spans_of(shop: Shop, trace_id: str) -> list[dict[str, Any]]:
    answer = httpx.get(f"{shop.stack.addresses.url('zipkin')}/api/v2/trace/{trace_id}")
    found: list[dict[str, Any]] = answer.json() if answer.status_code == 200 else []
    return found


def named(spans: list[dict[str, Any]], name: str) -> list[dict[str, Any]]:
    return [span for span in spans if span["name"] == name]


def test_a_wait_is_two_traces_with_a_link_between_them(shop: Shop) -> None:
    story = Story(shop, Teller())
    story.send_form()
    rule = story.seen.rule(story.deal, "new", "nobody_called")
    run = f"/v1/runs/{rule['run_id']}"
    shop.head.send("POST", "rule-engine", f"{run}/rules/{rule['rule_id']}/run-now", json={})
    until(lambda: len(shop.head.get("rule-engine", run)["trace_ids"]) == 2, "the run went on", within_s=60)
    entry, step = shop.head.get("rule-engine", run)["trace_ids"]
    until(lambda: bool(named(spans_of(shop, step), "advance run")), "Zipkin has the step", within_s=60)
    (advance,) = named(spans_of(shop, step), "advance run")
    assert advance["localEndpoint"]["serviceName"] == "rule-engine"
    assert advance["tags"]["otlp.link.0"].split("|")[0] == entry
    assert advance["tags"]["run_id"] == rule["run_id"]
    until(lambda: bool(named(spans_of(shop, entry), "plan crm.item.stage_changed.v1")), "Zipkin has the entry")
    kinds = {(span["localEndpoint"]["serviceName"], span.get("kind")) for span in spans_of(shop, entry)}
    assert {("entity-service", "PRODUCER"), ("rule-engine", "CONSUMER")} <= kinds
    found = httpx.get(
        f"{shop.stack.addresses.url('zipkin')}/api/v2/traces",
        params={"annotationQuery": f"run_id={rule['run_id']}", "lookback": 3_600_000},
    )
    assert step in {span["traceId"] for trace in found.json() for span in trace}
