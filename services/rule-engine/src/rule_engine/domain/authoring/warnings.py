"""Probable mistakes that do not block publishing."""

from collections.abc import Iterable, Iterator, Sequence

from rule_engine.domain.authoring.compiling import chains
from rule_engine.domain.authoring.cycles import Cycle, edge_of
from rule_engine.domain.authoring.document import RuleDocument, RuleSetDocument
from rule_engine.domain.authoring.issues import RuleIssue
from rule_engine.domain.authoring.placed_rules import PlacedRule
from rule_engine.domain.authoring.reachability import unreachable
from rule_engine.domain.authoring.satisfiability import contradiction
from rule_engine.domain.authoring.step_outputs import may_be_missing


def rule_warnings(document: RuleSetDocument, placed: Sequence[PlacedRule]) -> Iterator[RuleIssue]:
    """Those about rules of a document; `placed` are all of them."""
    yield from _never_true(placed)
    yield from _missing_outputs(placed)
    yield from _doubtful_params(placed)
    yield from _unreachable_rules(document, placed)


def _never_true(placed: Sequence[PlacedRule]) -> Iterator[RuleIssue]:
    for one in placed:
        condition = one.rule.condition if one.rule.enabled else None
        if condition is not None and (reason := contradiction(condition, one.names(), _certain_values(one))):
            yield one.issue("condition", f"this never holds, so the rule never acts: {reason}")


def _certain_values(placed: PlacedRule) -> dict[str, str]:
    """What is certain of an item while the rule decides, by path."""
    context = placed.context
    certain: dict[str, str] = {"item.kind": context.pipeline.kind}
    if placed.rule.on_leave == "cancel":
        certain |= {"item.stage": context.stage, "stage.code": context.stage}
        certain |= {"item.pipeline": context.pipeline.code, "pipeline.code": context.pipeline.code}
    return certain


def _missing_outputs(placed: Sequence[PlacedRule]) -> Iterator[RuleIssue]:
    for one in placed:
        yield from (one.issue(place, what) for place, what in may_be_missing(one.rule, one.earlier))


def _doubtful_params(placed: Sequence[PlacedRule]) -> Iterator[RuleIssue]:
    for one in placed:
        if one.type is not None and one.rule.enabled:
            for place, what in one.type.warnings(one.rule.params, one.context):
                yield one.issue(f"params.{place}", what)


def _unreachable_rules(document: RuleSetDocument, placed: Sequence[PlacedRule]) -> Iterator[RuleIssue]:
    by_rule = {id(one.rule): one for one in placed}

    def moves(rule: RuleDocument) -> bool:
        one = by_rule[id(rule)]
        return bool(one.type and one.type.moves_to and edge_of(one))

    for stage in document.stages.values():
        yield from (by_rule[id(rule)].issue_of_whole(what) for rule, what in unreachable(chains(stage.rules), moves))


def cycle_warnings(cycles: Iterable[tuple[PlacedRule, Cycle]]) -> Iterator[RuleIssue]:
    """Cycles that conditions, times or triggers may end."""
    for placed, found in cycles:
        if not found.endless:
            what = f"this can go round in a circle: {found.words()}; see to it that conditions, times or people end it"
            yield placed.issue("params", what)
