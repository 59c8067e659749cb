"""What is wrong with one rule where it stands: its type, its place, its parameters, texts and condition."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from typing import Any

from pydantic import BaseModel, JsonValue, ValidationError

from contracts.conditions import Condition
from contracts.issues import Issue, issue, schema_of, unknown
from contracts.item_types import filter_of
from rule_engine.domain.actions import RuleType, literal
from rule_engine.domain.authoring import employee_refs
from rule_engine.domain.authoring.issues import RuleIssue
from rule_engine.domain.authoring.placed_rules import PlacedRule
from rule_engine.domain.authoring.references import reference_issues
from rule_engine.domain.authoring.run_times import run_time_issues
from rule_engine.domain.authoring.value_checks import value_issues
from rule_engine.domain.language import conditions, value_types
from rule_engine.domain.language.param_paths import below
from rule_engine.domain.language.value_types import Shape
from rule_engine.domain.language.values import WHERE, condition_in, marked, spots_of


def rule_issues(placed: PlacedRule) -> Iterator[RuleIssue]:
    """Everything wrong with the rule."""
    rule, names = placed.rule, placed.names()
    if placed.type is None:
        yield placed.issue("type", unknown("rule type", rule.type, placed.registry))
    else:
        yield from _type_issues(placed, placed.type)
        yield from _move_issues(placed, placed.type)
        yield from _param_issues(placed, placed.type)
    yield from (placed.issue(below, what) for below, what in run_time_issues(rule.run, names))
    if rule.execution == "else" and (what := _else_issue(placed)):
        yield placed.issue("execution", what)
    for place, value in spots_of(rule.params):
        yield from (placed.issue(place, what) for what in value_issues(value, names))
    if rule.condition is not None:
        yield from _condition_issues(placed, rule.condition, names, "condition")
    if placed.type is not None and placed.type.chooses_of and (where := condition_in(rule.params)):
        inside = value_types.with_each(names, placed.type.chooses_of)
        yield from _condition_issues(placed, where, inside, f"params.{WHERE}")


def _condition_issues(placed: PlacedRule, condition: Condition, names: Shape, where: str) -> Iterator[RuleIssue]:
    yield from (placed.issue(place, what) for place, what in conditions.issues(condition, names, where))
    unknown = employee_refs.in_condition(condition, names, placed.context.schema, where)[1]
    yield from _unknown_employees(placed, unknown)


def _else_issue(placed: PlacedRule) -> str | None:
    if not placed.earlier:
        return "there is no rule above this one: an else rule follows the rule whose condition was false"
    above = placed.earlier[-1]
    return None if above.condition else f"{above.name} has no condition that could be false: give it one, or use wait"


def _type_issues(placed: PlacedRule, rule_type: RuleType[Any]) -> Iterator[RuleIssue]:
    kind = placed.context.pipeline.kind
    if filter_of(kind) not in rule_type.kinds:
        yield placed.issue("type", f"{rule_type.type} is for {', '.join(rule_type.kinds)}, not for {kind} pipelines")
    type = placed.context.schema.item_type(kind)
    lacking = (type.lacks(part) for part in rule_type.of_parts) if type else ()
    yield from (placed.issue("type", f"{rule_type.type} cannot act: {what}") for what in lacking if what)


def _move_issues(placed: PlacedRule, rule_type: RuleType[Any]) -> Iterator[RuleIssue]:
    if rule_type.moves_to is None:
        return
    if placed.rule.on_leave != "cancel":
        what = "an item is only moved while it is in the stage: a rule that moves it is cancelled when it leaves"
        yield placed.issue("on_leave", what)
    here = (placed.context.pipeline.code, placed.context.stage)
    if rule_type.leads_to(placed.rule.params, placed.context) == here:
        yield placed.issue(f"params.{rule_type.moves_to}", "this is the stage the item is in already")


def _param_issues(placed: PlacedRule, rule_type: RuleType[Any]) -> Iterator[RuleIssue]:
    schema, kind = placed.context.schema, placed.context.pipeline.kind
    params, unknown_employees = employee_refs.in_params(placed.rule.params, rule_type, schema, kind)
    yield from _unknown_employees(placed, [(f"params.{place}", code) for place, code in unknown_employees])
    try:
        rule_type.params.model_validate(_with_constants(params))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            found = _param_issue(dict(detail), rule_type)
            told = below(detail["loc"]) in {place for place, _ in unknown_employees}
            if not told and not _is_only_known_when_made(params, dict(detail)):
                yield placed.issue(f"params{_dot(found.where)}", found.what)
    own = rule_type.issues(placed.rule.params, placed.context)
    for place, what in chain(reference_issues(placed.rule.params, rule_type, schema), own):
        yield placed.issue(f"params.{place}", what)


def _unknown_employees(placed: PlacedRule, found: employee_refs.UnknownEmployees) -> Iterator[RuleIssue]:
    return (placed.issue(below, placed.context.schema.not_employed(code)) for below, code in found)


def _with_constants(value: Any) -> Any:
    """Parameters with constants in place."""
    match value:
        case {"const": constant} if marked(value):
            return constant
        case dict():
            return {name: _with_constants(inner) for name, inner in value.items()}
        case list():
            return [_with_constants(inner) for inner in value]
        case _:
            return value


def _is_only_known_when_made(params: JsonValue, detail: Mapping[str, Any]) -> bool:
    """Whether what pydantic objects to is only because a value is made when the rule acts.

    Elements that are made count as missing: a list is as long as it was written.
    """
    loc = detail["loc"]
    if detail["type"] == "too_short" and detail["ctx"]["actual_length"] < len(detail["input"]):
        return True
    return loc[0] != WHERE and _is_computed(params, loc)


def _is_computed(params: JsonValue, loc: Sequence[str | int]) -> bool:
    """Whether the value at, or around, a place is computed when the rule acts: its type cannot be checked before."""
    value: Any = params
    for key in loc:
        if _computed(value):
            return True
        match value, key:
            case dict(), str() if key in value:
                value = value[key]
            case list(), int():
                value = value[key]
    return _computed(value)


def _computed(value: JsonValue) -> bool:
    return (isinstance(value, str) and literal(value) is None) or (
        isinstance(value, dict) and marked(value) and "const" not in value
    )


def _dot(below: str) -> str:
    return f".{below}" if below else ""


def _param_issue(detail: Mapping[str, Any], rule_type: RuleType[Any]) -> Issue:
    """What is wrong with a parameter, without its value."""
    model: type[BaseModel] = rule_type.params
    found = issue(detail, schema_of(model))
    if detail["type"] == "extra_forbidden" and len(detail["loc"]) == 1:
        known = model.model_fields
        return found._replace(what=unknown("parameter", detail["loc"][0], known, f"in {rule_type.type}"))
    return found
