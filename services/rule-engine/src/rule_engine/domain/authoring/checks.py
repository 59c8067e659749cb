"""Whether a rule set can be published: everything an author can get wrong, said with place, rule and remedy."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice

from contracts.budget import WORK, Budget, BudgetError, spending
from contracts.conditions import ConditionError
from contracts.contexts import PipelineSchema, TenantSchema
from contracts.issues import unknown
from rule_engine.domain.actions import UNASKED, AuthoringContext, Elsewhere, Named
from rule_engine.domain.authoring.cycles import NO_NEIGHBOURS, Cycle, Neighbours, cycles, edges_of_rules
from rule_engine.domain.authoring.document import RuleDocument, RuleSetDocument
from rule_engine.domain.authoring.issues import RuleIssue
from rule_engine.domain.authoring.placed_rules import PlacedRule, Registry, pipeline_of, placed_rules
from rule_engine.domain.authoring.rule_checks import rule_issues
from rule_engine.domain.authoring.warnings import cycle_warnings, rule_warnings
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language import conditions
from rule_engine.domain.language.values import analyse
from rule_engine.domain.language.variables import Definition

MAX_ISSUES = 100
MAX_ANALYSIS = 40 * WORK
"""Units of `contracts.budget` for the rules of a rule set."""
RULE_WORK = WORK // 50
"""Of those for each rule, beside its texts, expressions and condition."""


class RuleSetCheck:
    """One rule set, checked with what its tenant has."""

    def __init__(  # noqa: PLR0913 - what it is checked with
        self,
        document: RuleSetDocument,
        schema: TenantSchema,
        registry: Registry,
        neighbours: Neighbours = NO_NEIGHBOURS,
        definitions: Sequence[Definition] = (),
        elsewhere: Elsewhere = UNASKED,
    ) -> None:
        self._document, self._schema, self._registry, self._neighbours = document, schema, registry, neighbours
        self._pipeline = pipeline_of(document, schema)
        self._placed: Sequence[PlacedRule] = ()
        if self._pipeline is not None:
            context = AuthoringContext(schema, self._pipeline, "", definitions, elsewhere)
            self._placed = list(placed_rules(document, context, registry))

    def issues(self) -> list[RuleIssue]:
        """What is wrong, at most the first hundred things; empty: it can be published."""
        if self._pipeline is None:
            known = [one.code for one in self._schema.pipelines if not one.archived]
            return [RuleIssue("pipeline", None, unknown("pipeline", self._document.pipeline, known))]
        in_stages = _stage_issues(self._document, self._pipeline)
        return list(islice(chain(in_stages, _issues_of_rules(self._placed), _endless(self._cycles())), MAX_ISSUES))

    def warnings(self) -> list[RuleIssue]:
        """Probable mistakes that do not block publishing, at most the first hundred; for a rule set without issues."""
        found = chain(rule_warnings(self._document, self._placed), cycle_warnings(self._cycles()))
        return list(islice(found, MAX_ISSUES))

    def _cycles(self) -> Iterator[tuple[PlacedRule, Cycle]]:
        return cycles(self._placed, self._schema, self._registry, self._neighbours)


def leads_anywhere(document: RuleSetDocument, schema: TenantSchema, registry: Registry) -> bool:
    """Whether a rule moves items or makes new ones, so that triggers and other rule sets matter."""
    return next(edges_of_rules(document, schema, registry), None) is not None


def names_of(document: RuleSetDocument, registry: Registry) -> frozenset[Named]:
    """What the rules name of other services."""
    types = (registry.get(rule.type) for stage in document.stages.values() for rule in stage.rules)
    return frozenset(one.names for one in types if one is not None and one.names is not None)


def _stage_issues(document: RuleSetDocument, pipeline: PipelineSchema) -> Iterator[RuleIssue]:
    if pipeline.archived:
        yield RuleIssue("pipeline", None, f"pipeline {pipeline.code!r} is archived")
    known = [stage.code for stage in pipeline.stages]
    for code, stage in document.stages.items():
        if code not in known:
            yield RuleIssue(f"stages.{code}", None, unknown("stage", code, known, f"in pipeline {pipeline.code!r}"))
        names = [rule.name for rule in stage.rules]
        for index, name in enumerate(names):
            if name in names[:index]:
                yield RuleIssue(f"stages.{code}.rules[{index}].name", name, "another rule of the stage has this name")


def _issues_of_rules(placed: Sequence[PlacedRule]) -> Iterator[RuleIssue]:
    """A rule that no decision could afford is not checked any further, nor are rules after too much work in all."""
    left = MAX_ANALYSIS
    for one in placed:
        budget = Budget()
        with spending(budget):
            what = _beyond_budget(one.rule)
        left -= RULE_WORK + budget.total()
        if left < 0:
            what = "the rule set takes too much work to look through up to here: have fewer rules, or shorter texts"
            yield RuleIssue("stages", None, what)
            return
        if what:
            yield one.issue_of_whole(what)
        else:
            yield from rule_issues(one)


def _beyond_budget(rule: RuleDocument) -> str | None:
    """Why a decision of the rule would take too much work whatever the values."""
    try:
        analyse(rule.params)
        if rule.condition is not None:
            conditions.compiled(rule.condition)
    except (BudgetError, ValueFailureError) as error:
        return str(error)
    except ConditionError:
        return None  # `rule_issues` tells it
    return None


def _endless(cycles: Iterable[tuple[PlacedRule, Cycle]]) -> Iterator[RuleIssue]:
    for placed, found in cycles:
        if found.endless:
            what = f"this never ends: {found.words()}; give one of them a condition or a time"
            yield placed.issue("params", what)
