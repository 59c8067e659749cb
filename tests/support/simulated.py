"""What tests of simulations share: a world from rules as they are written, and what was found in it."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid5
from zoneinfo import ZoneInfo

from contracts.contexts import ItemContext
from rule_engine.blocks import BLOCKS
from rule_engine.domain.actions import UNASKED
from rule_engine.domain.authoring.compiling import compile_document, with_ids
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.authoring.workflow_checks import WorkflowCheck
from rule_engine.domain.authoring.workflow_compiling import compile_workflow, with_block_ids
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.execution.planning import Published
from rule_engine.domain.language.variables import Definition, Stored, by_name
from rule_engine.domain.simulation.findings import Findings, TraceLine
from rule_engine.domain.simulation.halves import first_items
from rule_engine.domain.simulation.items import Surroundings
from rule_engine.domain.simulation.report import Report
from rule_engine.domain.simulation.simulation import Simulation
from rule_engine.domain.simulation.stand_ins import StandIn
from rule_engine.domain.simulation.world import Arrival, Happening, SimulatedWorkflow, World
from rule_engine.rules import REGISTRY, RUNNABLE
from support.shop import FURNITURE_SHOP, NOON, SCHEMA, TENANT, deal


def published(document: Mapping[str, Any], definitions: Sequence[Definition] = ()) -> dict[str, Published]:
    """A rule set in force."""
    numbers = iter(range(10_000))
    read = RuleSetDocument.model_validate(document)
    identified = with_ids(read, [], lambda: uuid5(TENANT, f"rule {next(numbers)}"))
    programs = compile_document(identified, SCHEMA, REGISTRY, definitions)
    bound = {stage: [one.bound(BLOCKS) for one in chains] for stage, chains in programs.items()}
    return {read.pipeline: Published(read.pipeline, 1, bound)}


def workflow(code: str, *blocks: Mapping[str, Any], **rest: Any) -> SimulatedWorkflow:
    """A workflow without issues; with `started` it is started on every item."""
    started = rest.pop("started", None)
    document = WorkflowDocument.model_validate({"kind": "deal", "blocks": blocks} | rest)
    assert WorkflowCheck(document, SCHEMA, REGISTRY, BLOCKS, (), UNASKED).issues() == []
    numbers = iter(range(10_000))
    document = with_block_ids(document, [], lambda: uuid5(TENANT, f"{code} {next(numbers)}"))
    program = compile_workflow(code, document, SCHEMA, REGISTRY, BLOCKS).bound(BLOCKS)
    return SimulatedWorkflow(code, document, program, started)


def deals(number: int, **changes: Any) -> list[ItemContext]:
    """The deal, so many times."""
    made = deal()
    ids = [uuid5(TENANT, f"deal {at}") for at in range(number)]
    return [made.model_copy(update={"item": made.item.model_copy(update={"id": id} | changes)}) for id in ids]


def world(
    rules: Mapping[str, Any] | None = None,
    *workflows: SimulatedWorkflow,
    items: Iterable[ItemContext] = (),
    days: float = 30,
    happens: Sequence[Happening] = (),
    stand_ins: Sequence[Mapping[str, Any]] = (),
    definitions: Sequence[Definition] = (),
    **rest: Any,
) -> World:
    """From noon on; every item arrives then."""
    contexts = list(items) or [deal()]
    return World(
        tenant=TENANT,
        settings=SCHEMA.tenant,
        registry=RUNNABLE,
        around=Surroundings.of(SCHEMA, contexts),
        until=NOON + timedelta(days=days),
        arrivals=[Arrival(NOON, one) for one in contexts],
        published=published(rules, definitions) if rules else {},
        workflows=workflows,
        happenings=happens,
        stand_ins=[StandIn.model_validate(one) for one in stand_ins],
        stored=Stored(by_name(definitions)),
        **rest,
    )


def simulated(made: World, *, traced: int = 10, messages_per_day: int = 3, at_once: int = 100) -> Findings:
    """What is found in a world when all of it has happened."""
    report = Report(ZoneInfo(made.settings.time_zone), first_items(made, traced), messages_per_day)
    simulation = Simulation(made, report)
    while simulation.go_on(at_once):
        assert simulation.steps < 200_000
    contexts = [one.context for one in simulation.items.values()]
    return report.findings(NOON, simulation.now, contexts)


def lines(found: Findings, *what: str) -> list[TraceLine]:
    """Of the only item."""
    (trace,) = found.traces
    return [one for one in trace.lines if one.what in what]


def commands(found: Findings) -> list[tuple[str, datetime]]:
    """Rules of the only item that sent something, and when."""
    return [(one.name, one.at) for one in lines(found, "command")]


def many_deals() -> str:
    """The bytes of what is found when many deals meet stand-ins that refuse and fail."""
    shares: list[dict[str, Any]] = [{"type": "send_sms", "refused": 0.3, "after_seconds": 7}, {"failed": 0.2}]
    return simulated(world(FURNITURE_SHOP, items=deals(30), stand_ins=shares)).model_dump_json()
