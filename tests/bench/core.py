"""The pure core by itself: microseconds of CPU beside bare Python that does as much."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import date, datetime, timedelta
from functools import partial
from time import process_time
from typing import Any
from uuid import uuid4
from zoneinfo import ZoneInfo

from pydantic import TypeAdapter

from bench.figures import Row, at_most, p50
from bench.world import World, stage_changed
from contracts.budget import WORK, Budget, BudgetError, spending
from contracts.conditions import All, Condition, Leaf, compile_condition
from rule_engine.blocks import BLOCKS
from rule_engine.domain.authoring.compiling import compile_document, with_ids
from rule_engine.domain.authoring.document import RuleDocument, RuleSetDocument, StageDocument
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.execution.planning import Head, Published, plan
from rule_engine.domain.language import cel, expressions, templates
from rule_engine.domain.language.conditions import compiled
from rule_engine.domain.language.templates.rendering import parsed as parsed_text
from rule_engine.domain.language.values import values_of
from rule_engine.domain.schedule.due import times_of
from rule_engine.domain.schedule.run_time import After
from rule_engine.rules import REGISTRY
from support import hostile
from support.shop import NOON, SCHEMA, deal

ROUNDS = 30
CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)
NUMBERS = {"item": {f"field_{n}": n for n in range(10)}}
MIXED: dict[str, Any] = {
    "item": {
        "title": "Oak table",
        "source": "form",
        "amount": {"amount": 123_450, "currency": "EUR"},
        "activity_count": 3,
        "created_at": "2026-03-02T10:00:00Z",
        "fields": {"delivery_on": "2026-03-20", "colours": ["oak", "ash"], "urgent": True, "wood": "oak"},
    },
    "contact": {"phone": "+391234567"},
    "tenant": {"time_zone": "Europe/Rome"},
}
MIXED_LEAVES = (
    Leaf(path="item.title", op="contains", value="oak"),
    Leaf(path="item.source", op="eq", value="form"),
    Leaf(path="item.amount", op="gt", value={"amount": 100_000, "currency": "EUR"}),
    Leaf(path="item.activity_count", op="between", value=[1, 5]),
    Leaf(path="item.created_at", op="ge", value={"relative": "today", "days": -30}),
    Leaf(path="item.fields.delivery_on", op="during", value={"period": "this_month"}),
    Leaf(path="item.fields.colours", op="contains_any", value=["beech", "ash"]),
    Leaf(path="item.fields.urgent", op="eq", value=True),
    Leaf(path="item.fields.wood", op="in", value=["oak", "ash"]),
    Leaf(path="contact.phone", op="filled"),
)
MOMENTS = [f"2026-03-04T{n // 60:02}:{n % 60:02}:00Z" for n in range(1000)]
"""Each decision has its own."""


async def measure(world: World) -> list[Row]:
    with world.report.step("core: conditions, planning, hostile texts"):
        return [_numbers(), _mixed(), _planning(), _hostile(), *_whole_budgets()]


def _numbers() -> Row:
    ours = compile_condition(All(all=tuple(Leaf(path=f"item.field_{n}", op="ge", value=0) for n in range(10))))
    assert ours(NUMBERS).holds
    assert _bare_numbers(NUMBERS)
    name = "core: condition of ten leaves, CPU"
    return at_most(20, name, _cpu(lambda: ours(NUMBERS), 2000), "µs", _cpu(lambda: _bare_numbers(NUMBERS), 20000))


def _bare_numbers(values: dict[str, Any]) -> bool:
    return all([values["item"][f"field_{n}"] >= 0 for n in range(10)])


def _mixed() -> Row:
    condition = compile_condition(All(all=MIXED_LEAVES))
    worlds = [MIXED | {"now": moment} for moment in MOMENTS]
    assert condition(worlds[0]).holds
    assert _bare_mixed(worlds[0])

    def ours() -> None:
        for one in worlds:
            condition(one)

    def bare() -> None:
        for one in worlds:
            _bare_mixed(one)

    name = "core: condition of ten leaves of all types, CPU"
    of_all, floor = _cpu(ours, 5), _cpu(bare, 20)
    return at_most(20, name, of_all / len(worlds), "µs", floor / len(worlds))


def _bare_mixed(values: dict[str, Any]) -> bool:
    """The same questions, by somebody who explains nothing and takes every type for granted."""
    item = values["item"]
    zone = ZoneInfo(values["tenant"]["time_zone"])
    today = datetime.fromisoformat(values["now"]).astimezone(zone).date()
    delivery = date.fromisoformat(item["fields"]["delivery_on"])
    created = datetime.fromisoformat(item["created_at"]).astimezone(zone).date()
    return all(
        [
            "oak" in item["title"].casefold(),
            item["source"] == "form",
            item["amount"]["amount"] > 100_000,
            1 <= item["activity_count"] <= 5,
            created >= today - timedelta(days=30),
            (delivery.year, delivery.month) == (today.year, today.month),
            any(colour in item["fields"]["colours"] for colour in ("beech", "ash")),
            item["fields"]["urgent"] is True,
            item["fields"]["wood"] in ("oak", "ash"),
            bool(values["contact"]["phone"]),
        ]
    )


def _planning() -> Row:
    event = stage_changed(SCHEMA.tenant_id, uuid4(), "new")
    programs = compile_document(_twenty_rules(), SCHEMA, REGISTRY)
    bound = {stage: [one.bound(BLOCKS) for one in chains] for stage, chains in programs.items()}
    published = {"sales": Published("sales", 1, bound)}
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


def _hostile() -> Row:
    """The one that takes longest; the least of three times, since the limit is of work, not of time."""
    values = values_of(deal(company=None), {}, NOON) | {"long": "a" * 5000}
    kinds = ((expressions.evaluate, hostile.EXPRESSIONS), (templates.render, hostile.TEXTS))
    longest = max(
        min(_stopped(lambda: run(source, values)) for _ in range(3))  # noqa: B023 - called at once
        for run, sources in kinds
        for source in sources.values()
    )
    return at_most(100, "core: the worst of all hostile texts and expressions, CPU", longest, "ms")


def _whole_budgets() -> Iterator[Row]:
    """The dearest of each kind, and one of each kind in one decision, until the budget of a decision is spent."""
    values = values_of(deal(company=None), {}, NOON) | hostile.values_for_the_dearest()
    made: dict[str, list[Callable[[], object]]] = {
        "texts": [partial(templates.render, one, values) for one in hostile.DEAREST_TEXTS.values()],
        "expressions": [partial(_each, some, values) for some in hostile.DEAREST_EXPRESSIONS.values()],
        "conditions": [partial(_judged, one, values) for one in hostile.DEAREST_CONDITIONS.values()],
    }
    all_kinds = [runs[0] for runs in made.values()]
    for kind, runs in made.items():
        yield at_most(50, f"core: a whole budget of {kind}, CPU", max(map(_spent, runs)), "ms")
    yield at_most(50, "core: a whole budget of all of them, CPU", _spent(lambda: _in_thirds(all_kinds)), "ms")


def _each(sources: Sequence[str], values: dict[str, Any]) -> None:
    for source in sources:
        expressions.evaluate(source, values)


def _judged(written: object, values: dict[str, Any]) -> None:
    compiled(CONDITION.validate_python(written))(values)


def _in_thirds(runs: Sequence[Callable[[], object]]) -> None:
    for run in runs:
        with suppress(BudgetError), spending(Budget(WORK // len(runs))):
            run()


def _spent(run: Callable[[], object]) -> float:
    """Milliseconds, the least of three: nothing that was parsed before is known any more."""
    return min(_spent_once(run) for _ in range(3))


def _spent_once(run: Callable[[], object]) -> float:
    parsed_text.cache_clear()
    cel._parsed.cache_clear()
    with spending():
        return _stopped(run)


def _stopped(run: Callable[[], object]) -> float:
    started = process_time()
    with suppress(ValueFailureError, BudgetError):
        run()
    return (process_time() - started) * 1e3


def _cpu(work: Callable[[], object], times: int) -> float:
    """Microseconds of CPU of one call: the median of some rounds."""
    return p50([_round(work, times) for _ in range(ROUNDS)])


def _round(work: Callable[[], object], times: int) -> float:
    started = process_time()
    for _ in range(times):
        work()
    return (process_time() - started) / times * 1e6
