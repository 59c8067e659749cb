"""A rule decides once more, on values that were recorded: by the evaluators that decide in production.

Three answers: what it would do, what keeps it from acting, or why that cannot be said.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue, ValidationError

from contracts.budget import BudgetError, spending
from contracts.conditions import All, Any_, Condition, ConditionError, Not
from contracts.issues import issues_of
from rule_engine.domain.actions import RuleType
from rule_engine.domain.authoring.diff import shown
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.execution.program import RuleBlock
from rule_engine.domain.language.conditions import compiled
from rule_engine.domain.language.conditions import paths_of as paths_of_condition
from rule_engine.domain.language.values import paths_of, resolve
from rule_engine.domain.replay.recorded import KnownValues

type Registry = Mapping[str, RuleType[Any]]


@dataclass(frozen=True, slots=True)
class Acts:
    """Its condition holds. `params` null: what it would act with was not recorded, at these paths."""

    type: str
    params: Mapping[str, JsonValue] | None
    unknown: tuple[str, ...] = ()

    def words(self) -> str:
        """With what it would act."""
        if self.params is None:
            return f"with values that were not recorded: {', '.join(self.unknown)}"
        return "; ".join(f"params.{name}: {shown(value)}" for name, value in sorted(self.params.items()))


@dataclass(frozen=True, slots=True)
class Stays:
    """It does not act, or fails."""

    state: str
    reason: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """It cannot be said; `what` are paths, or a reason."""

    what: tuple[str, ...]


type Outcome = Acts | Stays | Unknown


@dataclass(frozen=True, slots=True)
class Holds:
    """What a condition comes to; null: it cannot be said, since the values at `unknown` were not recorded."""

    holds: bool | None
    why_not: str = ""
    unknown: frozenset[str] = field(default_factory=frozenset)


def decided(rule: RuleBlock, known: KnownValues, registry: Registry) -> Outcome:
    """What a rule would do with these values."""
    try:
        with spending():
            if rule.condition is not None:
                found = condition_of(rule.condition, known)
                if found.holds is None:
                    return Unknown(tuple(sorted(found.unknown)))
                if not found.holds:
                    return Stays("skipped", found.why_not)
            return _acting(rule, known, registry)
    except (BudgetError, ConditionError, ValueFailureError) as error:
        return Stays("failed", str(error))
    except ValidationError as error:
        return Stays("failed", "; ".join(f"params.{where}: {what}" for where, what in issues_of(error)[:5]))


def _acting(rule: RuleBlock, known: KnownValues, registry: Registry) -> Outcome:
    kind = registry.get(rule.type)
    if kind is None:
        return Stays("failed", f"this engine knows no rule type {rule.type!r}")
    if unknown := known.unknown(paths_of(rule.params)):
        return Acts(rule.type, None, tuple(unknown))
    params = resolve(rule.params, known.values(), kind.html_in(rule.params))
    kind.params.model_validate(params)
    return Acts(rule.type, params)


def condition_of(condition: Condition, known: KnownValues) -> Holds:
    """Evaluates as much of it as is needed: a part that is known may decide the whole.

    Raises `ConditionError` and `BudgetError`.
    """
    unknown = known.unknown(paths_of_condition(condition))
    if not unknown:
        verdict = compiled(condition)(known.values())
        return Holds(verdict.holds, "" if verdict.holds else verdict.why_not())
    match condition:
        case All(all=parts):
            return _group([condition_of(part, known) for part in parts], decided_by=False)
        case Any_(any=parts):
            return _group([condition_of(part, known) for part in parts], decided_by=True)
        case Not(not_=part):
            inner = condition_of(part, known)
            return Holds(None if inner.holds is None else not inner.holds, "the condition is false", inner.unknown)
        case _:
            return Holds(None, unknown=frozenset(unknown))


def _group(parts: list[Holds], *, decided_by: bool) -> Holds:
    if deciding := [one for one in parts if one.holds is decided_by]:
        return Holds(decided_by, "; ".join(filter(None, (one.why_not for one in deciding))))
    return Holds(None, unknown=frozenset().union(*(one.unknown for one in parts)))
