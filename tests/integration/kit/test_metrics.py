"""What a service counts, and what it logs and traces, while it takes messages in: on a real broker and database."""

import asyncio
from collections.abc import Iterator

import httpx
import pytest
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanKind
from prometheus_client import REGISTRY

from contracts.envelope import Envelope
from contracts.kit import telemetry, worker
from contracts.kit.broker import OutageError, Subscription, each
from contracts.kit.clock import new_id
from contracts.kit.database import Connection, after_commit
from contracts.kit.service import Service
from integration.kit.harness import OTHER_TENANT, TENANT, Harness, NoteWritten, add_note, note, running
from support.serving import ServiceTransport
from support.spans import recorded, trace_of
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture
def spans() -> Iterator[InMemorySpanExporter]:
    with recorded() as exporter:
        yield exporter


def reading(harness: Harness, open_again: asyncio.Event) -> Service:
    """A service that finds a neighbour away until the event is set, and writes notes down then."""

    async def on_note_written(message: Envelope[NoteWritten], tx: Connection) -> None:
        if not open_again.is_set():
            raise OutageError("the neighbour is away")
        await add_note(tx, message.tenant, message.data.text)

    service = harness.service()
    service.consume(
        Subscription(topics=(harness.events,), bodies=(NoteWritten,), handle=each({NoteWritten: on_note_written}))
    )
    return service


async def measures(name: str, value: float, **labels: str) -> None:
    """Waits until a metric has that value."""

    async def look() -> bool:
        return REGISTRY.get_sample_value(name, labels) == value

    await eventually(look, f"{name} {value}")


async def test_a_consumer_says_how_far_it_is_behind_and_what_it_had_before(harness: Harness) -> None:
    topic, open_again = harness.events.name, asyncio.Event()
    first = note("1")
    await harness.publish(harness.events, first, note("2"), note("3"), first)
    async with running(reading(harness, open_again)):
        await measures("consumer_lag", 4, topic=topic)
        open_again.set()
        await measures("consumer_lag", 0, topic=topic)
    handled = REGISTRY.get_sample_value("messages_total", {"topic": topic, "outcome": "handled"})
    repeated = REGISTRY.get_sample_value("messages_total", {"topic": topic, "outcome": "repeated"})
    assert (handled, repeated) == (3, 1)


async def test_a_publication_and_a_readers_work_are_under_what_wrote_the_message(
    harness: Harness, spans: InMemorySpanExporter
) -> None:
    open_again = asyncio.Event()
    open_again.set()
    async with running(service := reading(harness, open_again)):
        with telemetry.span("write") as writer:
            async with service.database.transaction(TENANT) as tx:
                await service.outbox.put(tx, harness.events, note("1"))
        await measures("consumer_lag", 0, topic=harness.events.name)
        await eventually(lambda: _are(spans, 3))
    found = {span.name: span for span in spans.get_finished_spans()}
    sent, handled = found[f"send {harness.events.name}"], found[f"handle {NoteWritten.TYPE}"]
    parents = {span.parent.span_id for span in (sent, handled) if span.parent}
    assert parents == {writer.get_span_context().span_id}
    assert {trace_of(span) for span in found.values()} == {format(writer.get_span_context().trace_id, "032x")}
    assert (sent.kind, handled.kind) == (SpanKind.PRODUCER, SpanKind.CONSUMER)


async def _are(spans: InMemorySpanExporter, count: int) -> bool:
    return len(spans.get_finished_spans()) >= count


async def cancel(service: Service, calls: list[str]) -> None:
    async with service.database.transaction(TENANT):
        after_commit(lambda: calls.append("taken back"))
        raise ZeroDivisionError


async def test_calls_after_a_commit_are_never_made_for_what_was_rolled_back(harness: Harness) -> None:
    service, calls = harness.service(), list[str]()
    await service.database.open()
    async with service.database.transaction(TENANT):
        after_commit(lambda: calls.append("kept"))
        assert calls == []
    with pytest.raises(ZeroDivisionError):
        await cancel(service, calls)
    await service.database.close()
    assert calls == ["kept"]


async def test_what_waits_is_measured_with_its_age_and_histograms_have_traces(harness: Harness) -> None:
    service = harness.service()
    app = service.app("probe", [])
    await service.database.open()
    async with service.database.transaction(TENANT) as tx:
        await service.outbox.put(tx, harness.events, note("a"), note("b"), note("c", item="2"))
        for _ in range(2):
            await worker.enqueue(tx, id=new_id(), tenant=TENANT, kind="write", run_at=service.clock())
        await worker.enqueue(tx, id=new_id(), tenant=OTHER_TENANT, kind="read", run_at=service.clock())
    await harness.sql("UPDATE outbox SET created_at = now() - interval '2 hours'")
    await harness.sql("UPDATE outbox SET parked_reason = 'x' WHERE id = (SELECT min(id) FROM outbox)")
    await harness.sql("UPDATE outbox SET created_at = now() - interval '1 hour' WHERE key LIKE '%:2'")
    await harness.sql("SELECT keep_inbox_days(3)")
    await harness.sql("UPDATE work SET run_at = now() - interval '2 hours'")
    (one,) = await harness.sql("SELECT id FROM work WHERE kind = 'write' LIMIT 1")
    await harness.sql("UPDATE work SET leased_until = now() + interval '1 hour' WHERE id = $1", one["id"])
    async with httpx.AsyncClient(transport=ServiceTransport(app, service.settings), base_url="http://probe") as client:
        await client.get("/nowhere")
        answer = await client.get("/metrics", headers={"accept": "application/openmetrics-text"})
    await service.database.close()
    found = {line.split()[0]: float(line.split()[1]) for line in answer.text.splitlines() if line[0] != "#"}
    seen = {name: found[name] for name in ("outbox_parked_rows", "work_pending", "work_leased", "inbox_partitions")}
    assert seen == {"outbox_parked_rows": 1, "work_pending": 3, "work_leased": 1, "inbox_partitions": 6}
    assert (found["outbox_tenants"], found["outbox_of_one_tenant"], found["inbox_days_ahead"]) == (1, 3, 2)
    by_kind = ("work_due", "work_tenants_due", "work_running", "work_running_of_one_tenant")
    assert [found[f'{name}{{kind="write"}}'] for name in by_kind] == [1, 1, 1, 1]
    assert [found[f'{name}{{kind="read"}}'] for name in by_kind] == [1, 1, 0, 0]
    assert 3600 <= found["outbox_oldest_seconds"] < 3700
    assert 7200 <= found["work_oldest_due_seconds"] < 7300
    passing = ("database", "consumers")
    assert [found[f'readiness_check_passes{{check="{check}"}}'] for check in passing] == [1, 1]
    requests = [line for line in answer.text.splitlines() if line.startswith("http_request_seconds_bucket{")]
    assert any('route="none",status="404"' in line and "# {trace_id=" in line for line in requests)
