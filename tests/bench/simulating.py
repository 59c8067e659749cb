"""Virtual time: 180 days of a pipeline of 50 rules, beside the bare core, which does the same and reports nothing."""

from collections.abc import Callable
from datetime import timedelta
from time import process_time
from typing import Any
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo

from bench.figures import Row, at_most
from bench.world import World as Bench
from contracts.contexts import ItemContext
from rule_engine.blocks import BLOCKS
from rule_engine.domain.authoring.compiling import compile_document, with_ids
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.execution.planning import Published
from rule_engine.domain.simulation.halves import first_items
from rule_engine.domain.simulation.items import Surroundings
from rule_engine.domain.simulation.report import Report
from rule_engine.domain.simulation.simulation import Simulation
from rule_engine.domain.simulation.stand_ins import StandIn
from rule_engine.domain.simulation.world import Arrival, World
from rule_engine.rules import REGISTRY
from support.shop import NOON, SCHEMA, TENANT, deal, rule, rule_set

DAYS, FULL_SIZE, LIMIT_S = 180, 10_000, 120
STAGES = ("new", "documents", "prepayment", "won", "lost")
AT_ONCE = 10_000


async def measure(bench: Bench) -> list[Row]:
    """Seconds of one core, for full size; measured on as many items as asked for."""
    with bench.report.step(f"simulating: {DAYS} days, {bench.simulated} items, {len(STAGES) * 10} rules"):
        floor, ours = _seconds(bench.simulated, reporting=False), _seconds(bench.simulated, reporting=True)
    name = f"simulating: {DAYS} days, {FULL_SIZE:,} items, 50 rules, CPU (from {bench.simulated:,} items)"
    scale = FULL_SIZE / bench.simulated
    return [at_most(LIMIT_S, name, ours * scale, "s", floor * scale)]


def _seconds(items: int, *, reporting: bool) -> float:
    world = world_of(items)
    zone, traced = ZoneInfo(world.settings.time_zone), first_items(world, 20)
    report = Report(zone, traced, messages_per_day=3) if reporting else None
    started = process_time()
    simulation = Simulation(world, report)
    while simulation.go_on(AT_ONCE):
        pass
    if report:
        contexts = [one.context for one in simulation.items.values()]
        found = report.findings(NOON, simulation.now, contexts)
        assert found.totals.decisions > 40 * items
    return process_time() - started


def world_of(items: int) -> World:
    """Deals that arrive over 60 days and go through five stages of ten rules."""
    document = RuleSetDocument.model_validate(rule_set(**{stage: _rules(at) for at, stage in enumerate(STAGES)}))
    programs = compile_document(with_ids(document, [], _ids()), SCHEMA, REGISTRY)
    bound = {stage: [one.bound(BLOCKS) for one in chains] for stage, chains in programs.items()}
    apart = timedelta(days=60) / items
    contexts = [_deal(number) for number in range(items)]
    return World(
        tenant=TENANT,
        settings=SCHEMA.tenant,
        registry=REGISTRY,
        around=Surroundings.of(SCHEMA, contexts[:1]),
        until=NOON + timedelta(days=DAYS),
        arrivals=[Arrival(NOON + number * apart, context) for number, context in enumerate(contexts)],
        published={"sales": Published("sales", 1, bound)},
        stand_ins=[StandIn(type="send_email", after_seconds=60, refused=0.02), StandIn(after_seconds=5, failed=0.01)],
    )


def _ids() -> Callable[[], UUID]:
    numbers = iter(range(10_000))
    return lambda: uuid5(TENANT, f"rule {next(numbers)}")


def _deal(number: int) -> ItemContext:
    context = deal()
    item = context.item.model_copy(update={"id": uuid5(TENANT, f"deal {number}"), "title": f"Oak table {number}"})
    return context.model_copy(update={"item": item})


def _after(**time: Any) -> dict[str, Any]:
    return {"when": "after"} | time


def _rules(at: int) -> list[dict[str, Any]]:
    """Those of one stage; the last one takes the item to the next stage."""
    quiet = {"path": "item.activity_count", "op": "eq", "value": 0}
    rich = {"path": "item.amount", "op": "gt", "value": {"amount": 1000, "currency": "EUR"}}
    hello = "Hello {{ contact.first_name }}, your {{ item.title }} of {{ item.amount | money }}"
    last = {"type": "change_stage", "stage": STAGES[at + 1]} if at < 4 else {"type": "create_task", "name": "The end"}
    side = {"execution": "parallel"}
    found = [
        rule("greet", "send_sms", **side, text=hello),
        rule("offer", "send_email", **side, run=_after(days=1), condition=rich, subject="{{ item.title }}", text=hello),
        rule("call", "create_task", name="Call {{ contact.name }}", deadline={"in": {"days": 1}, "at": "14:00"}),
        rule("warn", "notify_supervisor", **side, run=_after(days=3), condition=quiet, text="{{ item.title }}: quiet"),
        rule("mark", "update_item", **side, run=_after(days=5), fields=[{"field": "source", "value": STAGES[at]}]),
        rule(
            "remind",
            "send_email",
            **side,
            run=_after(days=7, clock="10:00", working_time="company"),
            subject="Still there?",
            text=hello,
        ),
        rule("count", "calculate", values=[{"name": "n", "value": {"expr": "size(products) + 1"}}]),
        rule("visit", "create_task", **side, run=_after(days=10), name="Visit {{ company.title }}"),
        rule("nudge", "send_sms", **side, run=_after(days=14), condition=quiet, text=hello),
        rule("move", last.pop("type"), **side, run=_after(days=20), **last),
    ]
    return found
