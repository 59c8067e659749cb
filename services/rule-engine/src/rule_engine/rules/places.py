"""Pipelines and stages that parameters refer to."""

from collections.abc import Iterable, Mapping

from pydantic import JsonValue

from contracts.contexts import PipelineSchema, TenantSchema
from contracts.issues import Issue, unknown
from contracts.values import ItemKind
from rule_engine.domain.actions import AuthoringContext, Place, literal


def place_issues(params: Mapping[str, JsonValue], context: AuthoringContext, kind: ItemKind) -> Iterable[Issue]:
    """What is wrong with `pipeline` and `stage`; the pipeline defaults to the kind's first one."""
    open_ones = _open_pipelines(context.schema, kind)
    code = literal(params.get("pipeline"))
    if "pipeline" not in params and not open_ones:
        yield Issue("pipeline", f"there is no open pipeline for {kind}s: make one first")
    elif code is not None and code not in open_ones:
        yield Issue("pipeline", unknown("open pipeline", code, open_ones, f"for {kind}s"))
    elif "pipeline" not in params or code is not None:
        pipeline = open_ones[code] if code is not None else next(iter(open_ones.values()), None)
        yield from stage_issues(params, pipeline)


def _open_pipelines(schema: TenantSchema, kind: ItemKind) -> dict[str, PipelineSchema]:
    return {one.code: one for one in schema.pipelines if one.kind == kind and not one.archived}


def stage_issues(params: Mapping[str, JsonValue], pipeline: PipelineSchema | None) -> Iterable[Issue]:
    """What is wrong with `stage`, being one of `pipeline`."""
    stage = literal(params.get("stage"))
    known = {one.code for one in pipeline.stages} if pipeline else set[str]()
    if stage is not None and stage not in known:
        yield Issue("stage", unknown("stage", stage, known, f"in pipeline {pipeline.code!r}" if pipeline else ""))


def place_of(
    params: Mapping[str, JsonValue], context: AuthoringContext, kind: ItemKind, own: PipelineSchema | None
) -> Place | None:
    """Where `pipeline` and `stage` lead; by default to `own` or the kind's first one, and there to its first stage."""
    open_ones = _open_pipelines(context.schema, kind)
    named = params.get("pipeline")
    default = own or next(iter(open_ones.values()), None)
    pipeline = default if named is None else open_ones.get(literal(named) or "")
    if pipeline is None:
        return None
    stage = pipeline.stages[0].code if params.get("stage") is None else literal(params["stage"])
    return (pipeline.code, stage) if stage else None
