"""The pure core by itself: microseconds of CPU beside bare Python that does as much."""

from collections.abc import Callable
from time import process_time
from typing import Any
from uuid import uuid4

from bench.figures import Row, at_most, p50
from bench.world import World, stage_changed
from contracts.conditions import All, Leaf, compile_condition
from rule_engine.domain.compiling import compile_document, with_ids
from rule_engine.domain.document import After, RuleDocument, RuleSetDocument, StageDocument
from rule_engine.domain.due import times_of
from rule_engine.domain.planning import Head, Published, plan
from rule_engine.rules import REGISTRY
from support.shop import SCHEMA

ROUNDS = 30
VALUES = {"item": {f"field_{n}": n for n in range(10)}}
LEAVES = tuple(Leaf(path=f"item.field_{n}", op="ge", value=0) for n in range(10))


async def measure(world: World) -> list[Row]:
    with world.report.step("core: conditions and planning"):
        return [_condition(), _planning()]


def _condition() -> Row:
    ours = compile_condition(All(all=LEAVES))
    assert ours(VALUES).holds
    assert _bare(VALUES)
    name = "core: condition of ten leaves, CPU"
    return at_most(20, name, _cpu(lambda: ours(VALUES), 2000), "µs", _cpu(lambda: _bare(VALUES), 20000))


def _bare(values: dict[str, Any]) -> bool:
    return all([values["item"][f"field_{n}"] >= 0 for n in range(10)])


def _planning() -> Row:
    event = stage_changed(SCHEMA.tenant_id, uuid4(), "new")
    published = {"sales": Published("sales", 1, compile_document(_twenty_rules(), SCHEMA, REGISTRY))}
    times = times_of(SCHEMA.tenant)
    rows = [tuple(range(17)) for _ in range(20)]

    def ours() -> object:
        return plan(Head(), [event], [], published, times)

    name = "core: planning an entry of 20 rules, CPU"
    return at_most(1000, name, _cpu(ours, 100), "µs", _cpu(lambda: [list(row) for row in rows], 5000))


def _twenty_rules() -> RuleSetDocument:
    rules = tuple(
        RuleDocument(
            name=f"rule_{n}", type="send_sms", execution="parallel", run=After(months=6), params={"text": "Hi"}
        )
        for n in range(20)
    )
    return with_ids(RuleSetDocument(pipeline="sales", stages={"new": StageDocument(rules=rules)}), [], uuid4)


def _cpu(work: Callable[[], object], times: int) -> float:
    """Microseconds of CPU of one call: the median of some rounds."""
    return p50([_round(work, times) for _ in range(ROUNDS)])


def _round(work: Callable[[], object], times: int) -> float:
    started = process_time()
    for _ in range(times):
        work()
    return (process_time() - started) / times * 1e6
