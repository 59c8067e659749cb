"""Employees' codes in rules: publishing turns them into ids, and reports codes that no employee has."""

from collections.abc import Iterator, Mapping
from functools import partial
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from contracts.conditions import All, Any_, Condition, Every, Leaf, NoneOf, Not, Some
from contracts.conditions.model import quantified
from contracts.contexts import TenantSchema
from contracts.values import ItemKind
from rule_engine.domain.actions import RuleType, literal
from rule_engine.domain.execution.blocks import BlockType
from rule_engine.domain.execution.permissions import Permissions
from rule_engine.domain.execution.program import Block, Program, RuleBlock
from rule_engine.domain.language import value_types
from rule_engine.domain.language.param_paths import below, changed_at
from rule_engine.domain.language.value_types import ANY, Shape, found, with_each
from rule_engine.domain.language.values import WHERE, condition_in

type UnknownEmployees = list[tuple[str, str]]
"""Where a code is that no employee has, and the code."""


def in_params(
    params: Mapping[str, JsonValue], rule_type: RuleType[Any], schema: TenantSchema, kind: ItemKind
) -> tuple[dict[str, JsonValue], UnknownEmployees]:
    """Parameters of a rule on items of that kind, with ids for codes."""
    employees, made = _Employees(schema), dict(params)
    for path in rule_type.employees_in(params, schema, kind):
        made = changed_at(made, path, partial(employees.found, where=below(path)))
    if rule_type.chooses_of and (condition := condition_in(params)):
        names = with_each(value_types.names(kind, schema, {}), rule_type.chooses_of)
        made[WHERE] = in_condition(condition, names, schema)[0].model_dump(mode="json", by_alias=True)
    return made, employees.unknown


def in_options(
    options: Mapping[str, JsonValue], type: BlockType[Any], schema: TenantSchema
) -> tuple[dict[str, JsonValue], UnknownEmployees]:
    """Options of a block, with ids for codes."""
    employees, made = _Employees(schema), dict(options)
    for name in type.employees_in():
        if name in made:
            made[name] = employees.found(made[name], name)
    return made, employees.unknown


def in_permissions(permissions: Permissions, schema: TenantSchema) -> tuple[Permissions, UnknownEmployees]:
    """Permissions of a workflow, with ids for codes."""
    employees, made = _Employees(schema), permissions.model_dump(mode="json")
    for right, allowed in made.items():
        allowed["employees"] = employees.found(allowed["employees"], f"permissions.{right}.employees")
    return Permissions.model_validate(made), employees.unknown


def in_condition(
    condition: Condition, names: Shape, schema: TenantSchema, where: str = "condition"
) -> tuple[Condition, UnknownEmployees]:
    """A condition with ids for codes, wherever something is compared with an employee, archived ones included."""
    employees = _Employees(schema, archived=True)
    return _with_ids(condition, names, where, employees), employees.unknown


def named_in(rule: RuleBlock | Block, employee: UUID) -> Iterator[str]:
    """Where a published rule, or another block of a workflow, names an employee."""
    if isinstance(rule, Block):
        for name, written in rule.options.items():
            yield from _places(written, name, str(employee))
        return
    yield from _places(dict(rule.params), "params", str(employee))
    if rule.condition is not None:
        yield from _places(rule.condition.model_dump(mode="json", by_alias=True), "condition", str(employee))


def permitted_in(program: Program, employee: UUID) -> Iterator[str]:
    """Where the permissions of a published workflow name an employee."""
    return _places(program.permissions.model_dump(mode="json"), "permissions", str(employee))


def _places(value: JsonValue, where: str, wanted: str) -> Iterator[str]:
    match value:
        case str() if value == wanted:
            yield where
        case dict():
            for name, inner in value.items():
                yield from _places(inner, f"{where}.{name}", wanted)
        case list():
            for index, inner in enumerate(value):
                yield from _places(inner, f"{where}[{index}]", wanted)


class _Employees:
    def __init__(self, schema: TenantSchema, *, archived: bool = False) -> None:
        known = (*schema.employees, *(schema.archived_employees if archived else ()))
        self._ids = {one.code: str(one.id) for one in known} | {str(one.id): str(one.id) for one in known}
        self.unknown: UnknownEmployees = []

    def found(self, value: JsonValue, where: str) -> JsonValue:
        if isinstance(value, list):
            return [self.found(one, f"{where}[{index}]") for index, one in enumerate(value)]
        code = literal(value)
        if code is not None and code not in self._ids:
            self.unknown.append((where, code))
        return value if code is None else self._ids.get(code, code)


def _with_ids(condition: Condition, names: Shape, where: str, employees: _Employees) -> Condition:
    def inside(parts: tuple[Condition, ...], which: str) -> tuple[Condition, ...]:
        return tuple(_with_ids(one, names, f"{where}.{which}[{index}]", employees) for index, one in enumerate(parts))

    match condition:
        case Leaf(path=path, value=value):
            shape = found(names, path)
            if (shape.element or shape).kind != "user":
                return condition
            return condition.model_copy(update={"value": employees.found(value, f"{where}.value")})
        case All(all=parts):
            return condition.model_copy(update={"all": inside(parts, "all")})
        case Any_(any=parts):
            return condition.model_copy(update={"any": inside(parts, "any")})
        case Not(not_=part):
            return condition.model_copy(update={"not_": _with_ids(part, names, f"{where}.not", employees)})
        case Some() | Every() | NoneOf():
            element = found(names, quantified(condition)[1]).element or ANY
            each = Shape("object", {**names.fields, "each": element})
            return condition.model_copy(update={"where": _with_ids(condition.where, each, f"{where}.where", employees)})
        case _:
            return condition
