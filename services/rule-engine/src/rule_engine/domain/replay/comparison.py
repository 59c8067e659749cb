"""One recorded decision beside what another version would have decided."""

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import JsonValue

from rule_engine.domain.authoring.diff import shown
from rule_engine.domain.execution.program import RuleBlock
from rule_engine.domain.execution.rescheduling import date_path
from rule_engine.domain.replay.deciding import Acts, Outcome, Registry, Stays, Unknown, decided
from rule_engine.domain.replay.findings import Did, Would
from rule_engine.domain.replay.recorded import KnownValues, Recorded

DID: Mapping[str, Did] = {
    "running": "acted",
    "done": "acted",
    "skipped": "did not act",
    "refused": "was refused",
    "failed": "failed",
}
OTHER_TIME = "it would have decided at another moment, and what it would have seen then was not recorded"
REFUSED_AGAIN = "whether it would fail again: what its owner or its type went by was not recorded"


@dataclass(frozen=True, slots=True)
class Same:
    """It would have been decided so again."""


@dataclass(frozen=True, slots=True)
class Otherwise:
    """What it would do instead, and why, or with which values."""

    would: Would
    why: str
    choice: str | None = None
    """What a block would choose."""


@dataclass(frozen=True, slots=True)
class NotSaid:
    """Why it cannot be said: paths, or a reason."""

    what: tuple[str, ...]


type Said = Same | Otherwise | NotSaid


def compared(one: Recorded, old: RuleBlock, new: RuleBlock, known: KnownValues, registry: Registry) -> Said:
    """What the rule as it is in `new` would have decided, beside what it decided as it was in `old`."""
    if new.run != old.run:
        return NotSaid((OTHER_TIME,))
    if _decides_alike(old, new) or one.reason == _no_date(new):
        return Same()
    if new.condition == old.condition:
        if DID[one.state] == "did not act":
            return Same()
        old, new = (rule.model_copy(update={"condition": None}) for rule in (old, new))
    match decided(new, known, registry):
        case Unknown(what=what):
            return NotSaid(what)
        case Stays(state=state, reason=reason):
            return _stays(one, state, reason)
        case Acts() as acts:
            return _acts(one, old, new, acts, decided(old.model_copy(update={"condition": None}), known, registry))


def _no_date(rule: RuleBlock) -> str:
    return f"{date_path(rule)} is empty"


def _decides_alike(old: RuleBlock, new: RuleBlock) -> bool:
    return (old.type, old.params, old.condition) == (new.type, new.params, new.condition)


def _stays(one: Recorded, state: str, reason: str) -> Said:
    if DID[one.state] == ("did not act" if state == "skipped" else "failed"):
        return Same()
    return Otherwise("not act" if state == "skipped" else "fail", reason)


def _acts(one: Recorded, old: RuleBlock, new: RuleBlock, acts: Acts, before: Outcome) -> Said:
    did, alike = DID[one.state], (old.type, old.params) == (new.type, new.params)
    if did == "did not act":
        return Otherwise("act", acts.words())
    if alike:
        return Same()
    if did == "acted":
        return _otherwise(acts, before)
    if isinstance(before, Stays) and not one.sent:
        return Otherwise("act", acts.words())
    return NotSaid((REFUSED_AGAIN,))


def _otherwise(acts: Acts, before: Outcome) -> Said:
    if acts.params is None:
        return NotSaid(acts.unknown)
    if not isinstance(before, Acts) or before.params is None:
        return NotSaid(before.unknown if isinstance(before, Acts) else ("what it acted with was not recorded",))
    if acts.type != before.type:
        return Otherwise("act otherwise", f"type: {before.type} → {acts.type}")
    changes = list(_changes(before.params, acts.params))
    return Otherwise("act otherwise", "; ".join(changes)) if changes else Same()


def _changes(before: Mapping[str, JsonValue], after: Mapping[str, JsonValue]) -> list[str]:
    names = sorted(before.keys() | after.keys())
    return [
        f"params.{name}: {shown(before.get(name))} → {shown(after.get(name))}"
        for name in names
        if before.get(name) != after.get(name)
    ]
