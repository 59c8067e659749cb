"""Where automation takes items: the moves and copies of rules and the moves of triggers, as ways between stages.

A circle of ways that nothing holds up would never end; one that a condition, a time or a trigger holds up may be meant.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from contracts.contexts import PipelineSchema
from contracts.triggers import TriggerPlace
from rule_engine.domain.actions import Place


@dataclass(frozen=True, slots=True)
class Edge:
    """What takes an item, or makes a new one, from one stage to another; `sure`: nothing holds it up."""

    start: Place
    end: Place
    by: str
    sure: bool


@dataclass(frozen=True, slots=True)
class Cycle:
    """A way followed by others that lead back to where it began."""

    ways: tuple[Edge, ...]

    @property
    def endless(self) -> bool:
        return all(way.sure for way in self.ways)

    def words(self) -> str:
        """`new → paid → new`, with pipelines where there are several, and with what is no rule."""
        stages = [self.ways[0].start, *(way.end for way in self.ways)]
        several = len({pipeline for pipeline, _ in stages}) > 1
        shown = [f"{pipeline}/{stage}" if several else stage for pipeline, stage in stages]
        by = ", ".join(dict.fromkeys(way.by for way in self.ways))
        return f"{' → '.join(shown)} (by {by})"


def circle(own: Edge, ways: Iterable[Edge]) -> Cycle | None:
    """The shortest circle that begins with `own`; one that never ends, if there is any."""
    known = list(ways)
    endless = _back(own, [way for way in known if way.sure]) if own.sure else None
    found = endless or _back(own, known)
    return Cycle((own, *found)) if found is not None else None


def _back(own: Edge, ways: Iterable[Edge]) -> tuple[Edge, ...] | None:
    """The fewest ways that lead from the end of `own` to its start."""
    onward: dict[Place, list[Edge]] = defaultdict(list)
    for way in ways:
        onward[way.start].append(way)
    paths: list[tuple[Place, tuple[Edge, ...]]] = [(own.end, ())]
    seen = {own.end}
    for place, path in paths:
        if place == own.start:
            return path
        for way in onward[place]:
            if way.end not in seen:
                seen.add(way.end)
                paths.append((way.end, (*path, way)))
    return None


def of_triggers(triggers: Sequence[TriggerPlace], pipelines: Iterable[PipelineSchema]) -> Iterator[Edge]:
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
