"""Pipelines: which stages they may have, and where an item may go."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from contracts.contexts import PipelineSchema, StageContext
from contracts.messages.entity_commands import MoveCandidate
from contracts.values import ItemKind
from entity_service.domain.errors import ConflictError, InvalidError
from entity_service.domain.items import Item, Place

type Pipelines = Mapping[str, PipelineSchema]
"""By code, oldest first."""


def check_replacement(old: PipelineSchema | None, new: PipelineSchema, held: Mapping[str, int]) -> None:
    """Whether `new` may take the place of `old`; `held` counts the items of each stage that holds any."""
    if not new.stages:
        raise InvalidError(("stages", "a pipeline needs at least one stage"))
    codes = [stage.code for stage in new.stages]
    if twice := {code for code in codes if codes.count(code) > 1}:
        raise InvalidError(("stages", f"occur more than once: {', '.join(sorted(twice))}"))
    if old and old.kind != new.kind:
        raise ConflictError(f"pipeline {new.code!r} is for items of kind {old.kind}; that cannot be changed")
    if kept := [f"{code} ({count})" for code, count in held.items() if code not in codes]:
        raise ConflictError(f"these stages still hold items; move the items first: {', '.join(sorted(kept))}")


def first_pipeline(pipelines: Pipelines, kind: ItemKind) -> PipelineSchema:
    """The oldest pipeline for items of a kind."""
    found = next((p for p in pipelines.values() if p.kind == kind and not p.archived), None)
    if found is None:
        raise InvalidError(("pipeline", f"there is no pipeline for items of kind {kind} yet"))
    return found


def first_won(pipeline: PipelineSchema) -> StageContext | None:
    return next((stage for stage in pipeline.stages if stage.outcome == "won"), None)


def find_stage(pipeline: PipelineSchema, code: str) -> StageContext | None:
    return next((stage for stage in pipeline.stages if stage.code == code), None)


def find_place(pipelines: Pipelines, kind: ItemKind, pipeline: str | None, stage: str | None) -> Place:
    """Where an item of `kind` is to be put: null pipeline is the kind's first, null stage the pipeline's first."""
    chosen = pipelines.get(pipeline) if pipeline is not None else first_pipeline(pipelines, kind)
    if chosen is None:
        raise InvalidError(("pipeline", f"there is no pipeline {pipeline!r}"))
    if chosen.archived:
        raise InvalidError(("pipeline", f"pipeline {chosen.code!r} is archived"))
    if chosen.kind != kind:
        raise InvalidError(("pipeline", f"pipeline {chosen.code!r} is for items of kind {chosen.kind}, not {kind}"))
    found = find_stage(chosen, stage) if stage is not None else chosen.stages[0]
    if found is None:
        raise InvalidError(("stage", f"pipeline {chosen.code!r} has no stage {stage!r}"))
    return Place(chosen.code, found.code)


def place_for_move(pipelines: Pipelines, item: Item, pipeline: str | None, stage: str | None) -> Place:
    """Where a move leads: null pipeline is the present one, which may have been archived meanwhile."""
    if pipeline is None or pipeline == item.pipeline:
        if stage is not None and find_stage(pipelines[item.pipeline], stage):
            return Place(item.pipeline, stage)
        pipeline = item.pipeline
    return find_place(pipelines, item.kind, pipeline, stage)


@dataclass(frozen=True, slots=True)
class Choice:
    """Which candidate a move was decided for, and the verdict."""

    verdict: Literal["moved", "behind", "same"]
    place: Place
    candidate: MoveCandidate


def choose(pipelines: Pipelines, item: Item, candidates: Sequence[MoveCandidate], forward_only: bool) -> Choice:
    """The earliest allowed candidate: of the present pipeline by position, then of others in the order given.

    Not allowed are the present stage and, with `forward_only`, stages of the present pipeline before it. Raises
    `InvalidError` when a candidate does not exist or is for another kind of item, so that mistakes do not hide.
    """
    judged = [_judge(pipelines, item, candidate, forward_only) for candidate in candidates]
    allowed = [choice for choice in judged if choice.verdict == "moved"]
    if allowed:
        return min(allowed, key=lambda choice: _rank(pipelines, item, choice.place))
    return next((choice for choice in judged if choice.verdict == "same"), judged[0])


def _judge(pipelines: Pipelines, item: Item, candidate: MoveCandidate, forward_only: bool) -> Choice:
    place = place_for_move(pipelines, item, candidate.pipeline, candidate.stage)
    forward = forward_only if candidate.forward_only is None else candidate.forward_only
    if place == item.place:
        return Choice("same", place, candidate)
    if forward and place.pipeline == item.pipeline and _position(pipelines, place) < _position(pipelines, item.place):
        return Choice("behind", place, candidate)
    return Choice("moved", place, candidate)


def _rank(pipelines: Pipelines, item: Item, place: Place) -> tuple[bool, int]:
    elsewhere = place.pipeline != item.pipeline
    return elsewhere, 0 if elsewhere else _position(pipelines, place)


def _position(pipelines: Pipelines, place: Place) -> int:
    return next(stage.position for stage in pipelines[place.pipeline].stages if stage.code == place.stage)


def numbered(stages: Iterable[StageContext]) -> tuple[StageContext, ...]:
    """The stages with positions counted from 0 in the order given."""
    return tuple(stage.model_copy(update={"position": position}) for position, stage in enumerate(stages))
