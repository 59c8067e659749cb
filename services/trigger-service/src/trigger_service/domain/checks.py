"""Whether a definition refers to things that exist: pipelines, stages, fields, employees."""

import re
from collections.abc import Iterator
from typing import Any
from uuid import UUID

from pydantic import ValidationError

from contracts.budget import BudgetError
from contracts.conditions import Condition, ConditionError, compile_condition, leaves_of, paths
from contracts.contexts import UNNAMED, ItemContext, PipelineSchema, TenantSchema
from contracts.issues import issues_of, unknown
from contracts.values import ItemSnapshot
from trigger_service.domain import targets
from trigger_service.domain.errors import InvalidInputError
from trigger_service.domain.forms import FormSpec
from trigger_service.domain.triggers import TriggerSpec
from trigger_service.triggers.base import TriggerType
from trigger_service.triggers.registry import TRIGGER_TYPES

type Errors = Iterator[tuple[str, str]]

CONTEXT_NAMES = frozenset(ItemContext.model_fields) - UNNAMED
PLACEHOLDER = re.compile(r"\{(\w+)\}")


def check_trigger(spec: TriggerSpec, schema: TenantSchema) -> UUID | None:
    """The employee that `change_stage_as` names, if any; raises `InvalidInputError` with everything that is wrong."""
    errors = list(_trigger_errors(spec, schema))
    if errors:
        raise InvalidInputError("the trigger cannot be used", errors)
    return _employee(spec.change_stage_as, schema)


def check_form(spec: FormSpec, schema: TenantSchema) -> UUID | None:
    """The employee that `responsible` names, if any; raises `InvalidInputError` with everything that is wrong."""
    errors = list(_form_errors(spec, schema))
    if errors:
        raise InvalidInputError("the form cannot be used", errors)
    return _employee(spec.responsible, schema)


def _trigger_errors(spec: TriggerSpec, schema: TenantSchema) -> Errors:
    yield from _place_errors(spec.pipeline, spec.stage, schema)
    yield from _employee_errors("change_stage_as", spec.change_stage_as, schema)
    kind = TRIGGER_TYPES.get(spec.type)
    if kind is None:
        yield "type", unknown("trigger type", spec.type, TRIGGER_TYPES)
        return
    yield from ((f"settings.{where}", what) for where, what in _settings_issues(kind, spec, schema))
    if spec.condition is not None:
        yield from _condition_errors(spec.condition, kind.context_name, _pipeline(spec.pipeline, schema), schema)


def _settings_issues(kind: TriggerType[Any], spec: TriggerSpec, schema: TenantSchema) -> Errors:
    try:
        settings = kind.settings.model_validate(spec.settings)
    except ValidationError as error:
        yield from issues_of(error, kind.settings)
    else:
        yield from kind.issues(settings, spec.pipeline, schema)


def _form_errors(spec: FormSpec, schema: TenantSchema) -> Errors:
    if schema.item_type(spec.kind) is None:
        yield "kind", schema.unknown_type(spec.kind)
    yield from _place_errors(spec.pipeline, spec.stage, schema)
    pipeline = _pipeline(spec.pipeline, schema)
    if pipeline is not None and pipeline.kind != spec.kind:
        yield "kind", f"the pipeline {spec.pipeline!r} is for items of the kind {pipeline.kind!r}"
    yield from _employee_errors("responsible", spec.responsible, schema)
    known = {targets.ITEM + field.code: field for field in schema.fields if field.kind == spec.kind}
    for number, field in enumerate(spec.fields):
        if not field.target or not field.target.startswith(targets.ITEM):
            continue
        if field.target not in known:
            yield f"fields[{number}].target", unknown("field", field.target, known, f"of a {spec.kind}")
        else:
            misfits = targets.misfits(field, known[field.target])
            yield from ((f"fields[{number}].{where}", what) for where, what in misfits)
    names = {field.name for field in spec.fields}
    for name in PLACEHOLDER.findall(spec.title):
        if name not in names:
            yield "title", unknown("field", name, names, "in the form")


def _place_errors(pipeline: str | None, stage: str | None, schema: TenantSchema) -> Errors:
    if pipeline is None:
        return
    found = _pipeline(pipeline, schema)
    if found is None:
        yield "pipeline", unknown("pipeline", pipeline, [one.code for one in schema.pipelines if not one.archived])
    elif stage is not None and stage not in (known := [one.code for one in found.stages]):
        yield "stage", unknown("stage", stage, known, f"in pipeline {pipeline!r}")


def _condition_errors(
    condition: Condition, context_name: str, pipeline: PipelineSchema | None, schema: TenantSchema
) -> Errors:
    try:
        compile_condition(condition)
    except (BudgetError, ConditionError) as error:
        yield "condition", str(error)
    fields = {field.code for field in schema.fields if pipeline is None or field.kind == pipeline.kind}
    type = schema.item_type(pipeline.kind) if pipeline else None
    absent = type.absent_names() if type else {}
    for path in sorted(paths(condition)):
        match path.split("."):
            case ["item", "fields", code, *_] if code not in fields:
                yield "condition", f"{path}: {unknown('field', code, fields)}"
            case ["item", name, *_] if name not in ItemSnapshot.model_fields:
                yield "condition", f"{path}: {unknown('name', name, ItemSnapshot.model_fields, 'in item')}"
            case [root, *_] if root in absent:
                yield "condition", f"{path}: {absent[root]}"
            case [root, *_] if root not in CONTEXT_NAMES | {context_name}:
                yield "condition", f"{path}: {unknown('name', root, CONTEXT_NAMES | {context_name})}"
    yield from _stranger_errors(condition, schema)


def _stranger_errors(condition: Condition, schema: TenantSchema) -> Errors:
    """Conditions compare with ids; a code in its place would never be equal to one."""
    people = {"item.responsible_id", "responsible.id", "supervisor.id"}
    people |= {f"item.fields.{field.code}" for field in schema.fields if field.type == "user"}
    ids = {str(one.id) for one in (*schema.employees, *schema.archived_employees)}
    for leaf in leaves_of(condition):
        named = leaf.value if isinstance(leaf.value, list) else [leaf.value]
        for one in named if leaf.path in people else ():
            if isinstance(one, str) and one not in ids:
                yield "condition", f"{leaf.path} is the id of an employee, and {one!r:.80} is nobody's"


def _employee_errors(where: str, employee: str | None, schema: TenantSchema) -> Errors:
    if employee is not None and _employee(employee, schema) is None:
        yield where, schema.not_employed(employee)


def _employee(employee: str | None, schema: TenantSchema) -> UUID | None:
    return next((one.id for one in schema.employees if employee in (one.code, str(one.id))), None)


def _pipeline(code: str | None, schema: TenantSchema) -> PipelineSchema | None:
    return next((one for one in schema.pipelines if one.code == code and not one.archived), None)
