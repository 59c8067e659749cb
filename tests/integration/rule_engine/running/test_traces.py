"""The traces that a run goes on in: the stage change's as long as nothing waits for long, then others, linked to it."""

from collections.abc import Iterator
from typing import Any

import pytest
from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from prometheus_client import REGISTRY

from contracts.kit import telemetry
from contracts.messages.comms import Notify, SendMessage
from support.engine import Deal
from support.spans import linked, recorded, trace_of
from support.waiting import eventually

GREET = {"name": "greet", "type": "send_sms", "execution": "parallel", "params": {"text": "Hello"}}
REMIND = {
    "name": "remind",
    "type": "notify_supervisor",
    "execution": "parallel",
    "run": {"when": "after", "minutes": 30},
    "params": {"text": "Nobody called"},
}


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    with recorded() as exporter:
        yield exporter


async def run_of(deal: Deal, rule: dict[str, Any]) -> dict[str, Any]:
    async with deal.harness.service_environment.caller(deal.tenant, "viewer") as viewer:
        found: dict[str, Any] = (await viewer.get(f"/v1/runs/{rule['run_id']}")).json()
    return found


async def span_of(spans: InMemorySpanExporter, name: str, run: dict[str, Any]) -> ReadableSpan:
    """The last span of that name about the run, once there is one."""

    async def look() -> list[ReadableSpan]:
        return [
            span
            for span in spans.get_finished_spans()
            if span.name == name and (span.attributes or {}).get("run_id") == run["id"]
        ]

    return (await eventually(look, f"a span {name!r}"))[-1]


async def half_an_hour_passes(deal: Deal, rule: dict[str, Any]) -> None:
    """The rule is due now, and the run was written last when a rule of half an hour would have been planned."""
    await deal.harness.service_environment.sql(
        """UPDATE runs SET updated_at = updated_at - interval '30 minutes',
               state = jsonb_set(state, ARRAY['executions', '1', 'due_at'], to_jsonb(now()))
           WHERE id = $1::uuid""",
        rule["run_id"],
    )
    await deal.harness.service_environment.sql(
        "UPDATE timers SET wake_at = now(), generation = generation + 1 WHERE run_id = $1::uuid", rule["run_id"]
    )


async def test_what_does_not_wait_stays_in_the_trace_of_its_entry(deal: Deal, spans: InMemorySpanExporter) -> None:
    await deal.has_rules({"new": [GREET]})
    await deal.enters("new")
    sent = await deal.command(SendMessage)
    await deal.is_done(sent, message_id="m-1", sent_to="x")
    run = await run_of(deal, await deal.reaches("greet", "done"))
    assert run["trace_ids"][0] == run["trace_id"]
    assert telemetry.trace_id(sent.traceparent) == run["trace_id"]
    advance = await span_of(spans, "advance run", run)
    assert trace_of(advance) == run["trace_id"]
    assert linked(advance) == []


async def test_after_a_long_wait_a_run_goes_on_in_a_trace_of_its_own_that_is_linked_to_the_entrys(
    deal: Deal, spans: InMemorySpanExporter
) -> None:
    timers = REGISTRY.get_sample_value("timer_lateness_seconds_count") or 0
    await deal.has_rules({"new": [REMIND]})
    await deal.enters("new")
    rule = await deal.reaches("remind", "waiting")
    await half_an_hour_passes(deal, rule)
    sent = await deal.command(Notify)
    run = await run_of(deal, rule)
    entry, second = run["trace_ids"]
    assert entry == run["trace_id"] != second
    assert telemetry.trace_id(sent.traceparent) == second
    advance = await span_of(spans, "advance run", run)
    assert (trace_of(advance), linked(advance)) == (second, [entry])
    assert REGISTRY.get_sample_value("timer_lateness_seconds_count") == timers + 1


async def test_leaving_is_part_of_the_stage_change_that_left_and_linked_to_the_entry(
    deal: Deal, spans: InMemorySpanExporter
) -> None:
    await deal.has_rules({"new": [REMIND]})
    await deal.enters("new")
    await deal.reaches("remind", "waiting")
    await deal.enters("paid")
    run = await run_of(deal, await deal.reaches("remind", "cancelled", entry_seq=1))
    leave = await span_of(spans, "leave crm.item.stage_changed.v1", run)
    assert linked(leave) == [run["trace_id"]]
    assert run["trace_ids"] == [run["trace_id"], trace_of(leave)]
