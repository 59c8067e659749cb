"""Outputs of the rules before a rule: which it can never read, and which may be missing."""

from collections.abc import Iterator, Mapping, Sequence

from pydantic import JsonValue

from contracts.issues import Issue
from rule_engine.domain.authoring.document import RuleDocument, StageDocument
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.execution.missing_outputs import STEP, remedy
from rule_engine.domain.language import conditions, templates
from rule_engine.domain.language.values import spots_of


def absent_steps(rule: RuleDocument, stage: StageDocument, earlier: Sequence[RuleDocument]) -> Mapping[str, str]:
    """Why the outputs of rules of the stage can never be used by this one, by name."""
    above = {one.name: one for one in earlier}
    alternatives = _alternatives(rule, earlier)
    absent = dict[str, str]()
    for name in (one.name for one in stage.rules):
        if name not in above:
            absent[name] = f"{name!r} is not before this rule in its chain: put it above, and let this one wait for it"
        elif not above[name].enabled:
            absent[name] = f"{name!r} is disabled, so it has no outputs"
        elif name in alternatives:
            absent[name] = f"this rule acts only when {name!r} does not, so it never has outputs here: do without them"
    return absent


def _alternatives(rule: RuleDocument, earlier: Sequence[RuleDocument]) -> frozenset[str]:
    """The rules that this one is the *else* of: if it acts, none of them did."""
    found = set[str]()
    for above in reversed(earlier):
        if rule.execution != "else":
            break
        found.add(above.name)
        rule = above
    return frozenset(found)


def may_be_missing(rule: RuleDocument, earlier: Sequence[RuleDocument]) -> Iterator[Issue]:
    """Where outputs of a rule that may be skipped are used, and nothing says what to do without them."""
    uncertain = {one.name for one in earlier if one.enabled and _may_be_skipped(one, rule)}
    asked = set(STEP.findall(" ".join(conditions.paths_of(rule.condition)))) if rule.condition else set[str]()
    for place, value in spots_of(rule.params):
        for path in sorted(_needed(value)):
            name = STEP.match(path)
            if name and name[1] in uncertain - asked:
                yield Issue(
                    place, f"{name[1]!r} may be skipped by its condition, and this rule fails then: {remedy(path)}"
                )


def _may_be_skipped(one: RuleDocument, rule: RuleDocument) -> bool:
    return one.execution == "else" or (one.condition is not None and one.condition != rule.condition)


def _needed(value: JsonValue) -> frozenset[str]:
    match value:
        case {"path": str(path)}:
            return frozenset([path])
        case str(text) if "{" in text:
            try:
                return templates.parse(text).needed
            except ValueFailureError:
                return frozenset()
        case _:
            return frozenset()
