"""Where automation takes items: the moves and copies of rules and the moves of triggers, as edges between stages.

A cycle whose edges all act at once never ends; one with a condition, a time or a trigger in it may be meant.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from contracts.contexts import PipelineSchema, TenantSchema
from contracts.triggers import TriggerPlace
from rule_engine.domain.actions import AuthoringContext, Place
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.authoring.placed_rules import PlacedRule, Registry, pipeline_of, placed_rules
from rule_engine.domain.schedule.run_time import Now


@dataclass(frozen=True, slots=True)
class Edge:
    """What takes an item, or makes a new one, from one stage to another; `sure`: at once and always."""

    start: Place
    end: Place
    by: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Cycle:
    """Edges, each beginning where the one before ends, the last of which ends where the first begins."""

    edges: tuple[Edge, ...]

    @property
    def endless(self) -> bool:
        return all(edge.sure for edge in self.edges)

    def words(self) -> str:
        """`new → paid → new`, with pipelines where there are several, and with what is no rule."""
        stages = [self.edges[0].start, *(edge.end for edge in self.edges)]
        several = len({pipeline for pipeline, _ in stages}) > 1
        shown = [f"{pipeline}/{stage}" if several else stage for pipeline, stage in stages]
        by = ", ".join(dict.fromkeys(edge.by for edge in self.edges))
        return f"{' → '.join(shown)} (by {by})"


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What beside a rule set moves items of the tenant: its other published rule sets, and its triggers."""

    rule_sets: Sequence[RuleSetDocument] = ()
    triggers: Sequence[TriggerPlace] = ()


NO_NEIGHBOURS = Neighbours()


def cycles(
    placed: Sequence[PlacedRule], schema: TenantSchema, registry: Registry, neighbours: Neighbours
) -> Iterator[tuple[PlacedRule, Cycle]]:
    """The shortest cycle that each rule is part of, for those that are part of one."""
    own = [(one, edge) for one in placed if (edge := edge_of(one)) is not None]
    edges = [
        *(edge for _, edge in own),
        *(edge for other in neighbours.rule_sets for edge in edges_of_rules(other, schema, registry)),
        *edges_of_triggers(neighbours.triggers, schema.pipelines),
    ]
    for one, edge in own:
        if found := shortest_cycle(edge, edges):
            yield one, found


def edge_of(placed: PlacedRule) -> Edge | None:
    """Where the rule takes items or makes new ones, if it does and that is known."""
    rule, context = placed.rule, placed.context
    start = (context.pipeline.code, context.stage)
    end = placed.type.leads_to(rule.params, context) if placed.type and rule.enabled else None
    if end is None or placed.type is None or (placed.type.moves_to and end == start):
        return None
    at_once = all(isinstance(one.run, Now) for one in (*placed.earlier, rule) if one.enabled)
    return Edge(start, end, f"rule {rule.name!r}", sure=at_once and rule.condition is None)


def edges_of_rules(document: RuleSetDocument, schema: TenantSchema, registry: Registry) -> Iterator[Edge]:
    """The edges of all rules of a document."""
    pipeline = pipeline_of(document, schema)
    if pipeline is not None:
        placed = placed_rules(document, AuthoringContext(schema, pipeline, ""), registry)
        yield from (edge for one in placed if (edge := edge_of(one)) is not None)


def edges_of_triggers(triggers: Sequence[TriggerPlace], pipelines: Iterable[PipelineSchema]) -> Iterator[Edge]:
    """A trigger takes items from every stage before its own, and from those after it when it may move back."""
    by_pipeline = {code: list(some) for code, some in groupby(sorted(triggers, key=_pipeline), _pipeline)}
    for pipeline in pipelines:
        for trigger in by_pipeline.get(pipeline.code, ()):
            end = next((stage for stage in pipeline.stages if stage.code == trigger.stage), None)
            for stage in pipeline.stages if end else ():
                if end and (stage.position < end.position or (trigger.allow_moving_back and stage != end)):
                    start = (pipeline.code, stage.code)
                    yield Edge(start, (pipeline.code, end.code), f"trigger {trigger.code!r}", sure=False)


def _pipeline(trigger: TriggerPlace) -> str:
    return trigger.pipeline


def shortest_cycle(own: Edge, edges: Iterable[Edge]) -> Cycle | None:
    """The shortest cycle that begins with `own`; an endless one, if there is any."""
    known = list(edges)
    endless = _path_back(own, [edge for edge in known if edge.sure]) if own.sure else None
    found = endless or _path_back(own, known)
    return Cycle((own, *found)) if found is not None else None


def _path_back(own: Edge, edges: Iterable[Edge]) -> tuple[Edge, ...] | None:
    """The fewest edges that lead from the end of `own` to its start."""
    onward: dict[Place, list[Edge]] = defaultdict(list)
    for edge in edges:
        onward[edge.start].append(edge)
    paths: list[tuple[Place, tuple[Edge, ...]]] = [(own.end, ())]
    reached = {own.end}
    for place, path in paths:
        if place == own.start:
            return path
        for edge in onward[place]:
            if edge.end not in reached:
                reached.add(edge.end)
                paths.append((edge.end, (*path, edge)))
    return None
