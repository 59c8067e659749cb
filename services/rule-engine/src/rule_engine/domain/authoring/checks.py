"""Whether a rule set can be published: everything an author can get wrong, said with place, rule and remedy."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, islice
from typing import Any

from pydantic import BaseModel, JsonValue, ValidationError

from contracts.budget import WORK, Budget, BudgetError, spending
from contracts.conditions import ConditionError
from contracts.contexts import PipelineSchema, TenantSchema
from contracts.issues import issue, schema_of, unknown
from contracts.triggers import TriggerPlace
from rule_engine.domain.actions import UNASKED, AuthoringContext, Elsewhere, Named, Outputs, RuleType, literal
from rule_engine.domain.authoring import employee_refs
from rule_engine.domain.authoring.compiling import chains
from rule_engine.domain.authoring.cycles import Cycle, Edge, circle, of_triggers
from rule_engine.domain.authoring.document import RuleDocument, RuleSetDocument, StageDocument
from rule_engine.domain.authoring.reachability import unreachable
from rule_engine.domain.authoring.run_times import run_time_faults
from rule_engine.domain.authoring.satisfiability import contradiction
from rule_engine.domain.authoring.step_outputs import absent_steps, may_be_missing
from rule_engine.domain.authoring.value_checks import value_faults
from rule_engine.domain.errors import Fault, ValueFailureError
from rule_engine.domain.language import conditions, value_types
from rule_engine.domain.language.param_paths import below
from rule_engine.domain.language.value_types import Shape
from rule_engine.domain.language.values import analyse, marked, spots
from rule_engine.domain.language.variables import Definition
from rule_engine.domain.schedule.run_time import Now

MAX_FAULTS = 100
MAX_ANALYSIS = 40 * WORK
"""Units of `contracts.budget` for the rules of a rule set."""
RULE_WORK = WORK // 50
"""Of those for each rule, beside its texts, expressions and condition."""

type Registry = Mapping[str, RuleType[Any]]


@dataclass(frozen=True, slots=True)
class Neighbours:
    """What beside a rule set moves items of the tenant: its other published rule sets, and its triggers."""

    rule_sets: Sequence[RuleSetDocument] = ()
    triggers: Sequence[TriggerPlace] = ()


NOBODY = Neighbours()


@dataclass(frozen=True, slots=True)
class _Placed:
    """A rule where it stands."""

    where: str
    rule: RuleDocument
    stage: StageDocument
    earlier: Sequence[RuleDocument]
    """The rules before it in its chain."""
    site: AuthoringContext
    registry: Registry

    @property
    def type(self) -> RuleType[Any] | None:
        return self.registry.get(self.rule.type)

    def fault(self, below: str, what: str) -> Fault:
        return Fault(f"{self.where}.{below}", self.rule.name, what)

    def about(self, what: str) -> Fault:
        """Of the rule as a whole."""
        return Fault(self.where, self.rule.name, what)

    def names(self) -> Shape:
        """What its texts and conditions can name."""
        absent = absent_steps(self.rule, self.stage, self.earlier)
        seen = [one for one in self.earlier if one.name not in absent]
        steps = {one.name: _outputs(one, self.registry.get(one.type)) for one in seen}
        return value_types.names(self.site.pipeline.kind, self.site.schema.fields, steps, self.site.definitions, absent)


def _outputs(rule: RuleDocument, rule_type: RuleType[Any] | None) -> type[Outputs]:
    return rule_type.outputs_with(rule.params) if rule_type else Outputs


def _pipeline_of(document: RuleSetDocument, schema: TenantSchema) -> PipelineSchema | None:
    return next((one for one in schema.pipelines if one.code == document.pipeline), None)


def check(
    document: RuleSetDocument,
    schema: TenantSchema,
    registry: Registry,
    neighbours: Neighbours = NOBODY,
    definitions: Sequence[Definition] = (),
    elsewhere: Elsewhere = UNASKED,
) -> list[Fault]:
    """What is wrong with a rule set, at most the first hundred things; empty: it can be published."""
    pipeline = _pipeline_of(document, schema)
    if pipeline is None:
        known = [one.code for one in schema.pipelines if not one.archived]
        return [Fault("pipeline", None, unknown("pipeline", document.pipeline, known))]
    placed = list(_place(document, AuthoringContext(schema, pipeline, "", definitions, elsewhere), registry))
    in_rules = _faults_of_rules(placed)
    endless = _endless(_circles(placed, schema, registry, neighbours))
    return list(islice(chain(_pipeline_faults(document, pipeline), in_rules, endless), MAX_FAULTS))


def _faults_of_rules(placed: Sequence[_Placed]) -> Iterator[Fault]:
    """A rule that no decision could afford is not looked at any closer; nor is what comes after too much of them."""
    left = MAX_ANALYSIS
    for one in placed:
        budget = Budget()
        with spending(budget):
            what = _beyond_budget(one.rule)
        left -= RULE_WORK + budget.total()
        if left < 0:
            what = "the rule set takes too much work to look through up to here: have fewer rules, or shorter texts"
            yield Fault("stages", None, what)
            return
        if what:
            yield one.about(what)
        else:
            yield from _rule_faults(one)


def _beyond_budget(rule: RuleDocument) -> str | None:
    """Why a decision of the rule would take too much work whatever the values."""
    try:
        analyse(rule.params)
        if rule.condition is not None:
            conditions.compiled(rule.condition)
    except (BudgetError, ValueFailureError) as error:
        return str(error)
    except ConditionError:
        return None  # told with the condition's other faults
    return None


def _place(document: RuleSetDocument, tenant: AuthoringContext, registry: Registry) -> Iterator[_Placed]:
    for code, stage in document.stages.items():
        site = replace(tenant, stage=code)
        index = 0
        for rules in chains(stage.rules):
            for position, rule in enumerate(rules):
                where = f"stages.{code}.rules[{index}]"
                yield _Placed(where, rule, stage, rules[:position], site, registry)
                index += 1


def _pipeline_faults(document: RuleSetDocument, pipeline: PipelineSchema) -> Iterator[Fault]:
    if pipeline.archived:
        yield Fault("pipeline", None, f"pipeline {pipeline.code!r} is archived")
    known = [stage.code for stage in pipeline.stages]
    for code, stage in document.stages.items():
        if code not in known:
            yield Fault(f"stages.{code}", None, unknown("stage", code, known, f"in pipeline {pipeline.code!r}"))
        names = [rule.name for rule in stage.rules]
        for index, name in enumerate(names):
            if name in names[:index]:
                yield Fault(f"stages.{code}.rules[{index}].name", name, "another rule of the stage has this name")


def _rule_faults(placed: _Placed) -> Iterator[Fault]:
    rule, names = placed.rule, placed.names()
    if placed.type is None:
        yield placed.fault("type", unknown("rule type", rule.type, placed.registry))
    else:
        yield from _type_faults(placed, placed.type)
        yield from _move_faults(placed, placed.type)
        yield from _param_faults(placed, placed.type)
    yield from (placed.fault(below, what) for below, what in run_time_faults(rule.run, names))
    if rule.execution == "else" and (what := _else_fault(placed)):
        yield placed.fault("execution", what)
    for place, value in spots(dict(rule.params), "params"):
        yield from (placed.fault(place, what) for what in value_faults(value, names))
    if rule.condition is not None:
        for below, what in conditions.faults(rule.condition, names, "condition"):
            yield placed.fault(below, what)
        yield from _strange(placed, employee_refs.in_condition(rule.condition, names, placed.site.schema)[1])


def _else_fault(placed: _Placed) -> str | None:
    if not placed.earlier:
        return "there is no rule above this one: an else rule follows the rule whose condition was false"
    above = placed.earlier[-1]
    return None if above.condition else f"{above.name} has no condition that could be false: give it one, or use wait"


def _type_faults(placed: _Placed, rule_type: RuleType[Any]) -> Iterator[Fault]:
    kind = placed.site.pipeline.kind
    if kind not in rule_type.kinds:
        yield placed.fault("type", f"{rule_type.type} is for {', '.join(rule_type.kinds)}, not for {kind} pipelines")


def _move_faults(placed: _Placed, rule_type: RuleType[Any]) -> Iterator[Fault]:
    if rule_type.moves_to is None:
        return
    if placed.rule.on_leave != "cancel":
        what = "an item is only moved while it is in the stage: a rule that moves it is cancelled when it leaves"
        yield placed.fault("on_leave", what)
    if literal(placed.rule.params.get(rule_type.moves_to)) == placed.site.stage:
        yield placed.fault(f"params.{rule_type.moves_to}", "this is the stage the item is in already")


def _param_faults(placed: _Placed, rule_type: RuleType[Any]) -> Iterator[Fault]:
    params, strangers = employee_refs.in_params(
        placed.rule.params, rule_type, placed.site.schema, placed.site.pipeline.kind
    )
    yield from _strange(placed, [(f"params.{place}", code) for place, code in strangers])
    try:
        rule_type.params.model_validate(_plain(params))
    except ValidationError as error:
        for detail in error.errors(include_url=False):
            where = below(detail["loc"])
            if not _is_made(params, detail["loc"]) and where not in {stranger for stranger, _ in strangers}:
                yield placed.fault(f"params{_dot(where)}", _param_issue(dict(detail), rule_type))
    for place, what in rule_type.faults(placed.rule.params, placed.site):
        yield placed.fault(f"params.{place}", what)


def _strange(placed: _Placed, strangers: employee_refs.UnknownEmployees) -> Iterator[Fault]:
    return (placed.fault(below, placed.site.schema.not_employed(code)) for below, code in strangers)


def _plain(value: Any) -> Any:
    """Parameters with constants in place."""
    match value:
        case {"const": constant} if marked(value):
            return constant
        case dict():
            return {name: _plain(inner) for name, inner in value.items()}
        case list():
            return [_plain(inner) for inner in value]
        case _:
            return value


def _is_made(params: JsonValue, loc: Sequence[str | int]) -> bool:
    """Whether the value at, or around, a place is made at run time: its type cannot be judged before."""
    value: Any = params
    for key in loc:
        if _made(value):
            return True
        match value, key:
            case dict(), str() if key in value:
                value = value[key]
            case list(), int():
                value = value[key]
    return _made(value)


def _made(value: JsonValue) -> bool:
    return (isinstance(value, str) and literal(value) is None) or (
        isinstance(value, dict) and marked(value) and "const" not in value
    )


def _dot(below: str) -> str:
    return f".{below}" if below else ""


def _param_issue(detail: Mapping[str, Any], rule_type: RuleType[Any]) -> str:
    """What is wrong with a parameter, without its value."""
    if detail["type"] == "extra_forbidden" and len(detail["loc"]) == 1:
        return unknown("parameter", detail["loc"][0], rule_type.params.model_fields, f"in {rule_type.type}")
    model: type[BaseModel] = rule_type.params
    return issue(detail, schema_of(model)).what


def _circles(
    placed: Sequence[_Placed], schema: TenantSchema, registry: Registry, neighbours: Neighbours
) -> Iterator[tuple[_Placed, Cycle]]:
    """Every circle that a rule of the document is part of, once per such rule."""
    own = [(one, way) for one in placed if (way := _way(one)) is not None]
    ways = [
        *(way for _, way in own),
        *(way for other in neighbours.rule_sets for way in _ways_of(other, schema, registry)),
        *of_triggers(neighbours.triggers, schema.pipelines),
    ]
    for one, way in own:
        if found := circle(way, ways):
            yield one, found


def _ways_of(document: RuleSetDocument, schema: TenantSchema, registry: Registry) -> Iterator[Edge]:
    pipeline = _pipeline_of(document, schema)
    if pipeline is not None:
        yield from (
            way
            for one in _place(document, AuthoringContext(schema, pipeline, ""), registry)
            if (way := _way(one)) is not None
        )


def _way(placed: _Placed) -> Edge | None:
    """Where the rule takes items or makes new ones, if it does and that is known."""
    rule, site = placed.rule, placed.site
    start = (site.pipeline.code, site.stage)
    end = placed.type.leads_to(rule.params, site) if placed.type and rule.enabled else None
    if end is None or placed.type is None or (placed.type.moves_to and end == start):
        return None
    at_once = all(isinstance(one.run, Now) for one in (*placed.earlier, rule) if one.enabled)
    return Edge(start, end, f"rule {rule.name!r}", sure=at_once and rule.condition is None)


def _endless(circles: Iterable[tuple[_Placed, Cycle]]) -> Iterator[Fault]:
    for placed, found in circles:
        if found.endless:
            what = f"this never ends: {found.words()}; give one of them a condition or a time"
            yield placed.fault("params", what)


def _roundabouts(circles: Iterable[tuple[_Placed, Cycle]]) -> Iterator[Fault]:
    for placed, found in circles:
        if not found.endless:
            what = f"this can go round in a circle: {found.words()}; see to it that conditions, times or people end it"
            yield placed.fault("params", what)


def warnings(
    document: RuleSetDocument,
    schema: TenantSchema,
    registry: Registry,
    neighbours: Neighbours = NOBODY,
    definitions: Sequence[Definition] = (),
    elsewhere: Elsewhere = UNASKED,
) -> list[Fault]:
    """Probable mistakes that do not block publishing."""
    pipeline = _pipeline_of(document, schema)
    if pipeline is None:
        return []
    placed = list(_place(document, AuthoringContext(schema, pipeline, "", definitions, elsewhere), registry))
    found = chain(
        _never(placed),
        _may_be_missing(placed),
        _doubtful(placed),
        _unreachable(placed, document),
        _roundabouts(_circles(placed, schema, registry, neighbours)),
    )
    return list(islice(found, MAX_FAULTS))


def leads_anywhere(document: RuleSetDocument, schema: TenantSchema, registry: Registry) -> bool:
    """Whether a rule moves items or makes new ones, so that triggers and other rule sets matter."""
    return next(_ways_of(document, schema, registry), None) is not None


def _never(placed: Sequence[_Placed]) -> Iterator[Fault]:
    for one in placed:
        condition = one.rule.condition if one.rule.enabled else None
        if condition is not None and (why := contradiction(condition, one.names(), _known(one))):
            yield one.fault("condition", f"this never holds, so the rule never acts: {why}")


def names_of(document: RuleSetDocument, registry: Registry) -> frozenset[Named]:
    """What the rules name of other services."""
    types = (registry.get(rule.type) for stage in document.stages.values() for rule in stage.rules)
    return frozenset(one.names for one in types if one is not None and one.names is not None)


def _doubtful(placed: Sequence[_Placed]) -> Iterator[Fault]:
    for one in placed:
        if one.type is not None and one.rule.enabled:
            for place, what in one.type.warnings(one.rule.params, one.site):
                yield one.fault(f"params.{place}", what)


def _may_be_missing(placed: Sequence[_Placed]) -> Iterator[Fault]:
    for one in placed:
        yield from (one.fault(place, what) for place, what in may_be_missing(one.rule, one.earlier))


def _known(placed: _Placed) -> dict[str, str]:
    """What is certain of an item while the rule decides."""
    site = placed.site
    certain: dict[str, str] = {"item.kind": site.pipeline.kind}
    if placed.rule.on_leave == "cancel":
        certain |= {"item.stage": site.stage, "stage.code": site.stage}
        certain |= {"item.pipeline": site.pipeline.code, "pipeline.code": site.pipeline.code}
    return certain


def _unreachable(placed: Sequence[_Placed], document: RuleSetDocument) -> Iterator[Fault]:
    by_rule = {id(one.rule): one for one in placed}

    def moves(rule: RuleDocument) -> bool:
        one = by_rule[id(rule)]
        return bool(one.type and one.type.moves_to and _way(one))

    for stage in document.stages.values():
        yield from (by_rule[id(rule)].about(what) for rule, what in unreachable(chains(stage.rules), moves))
