"""Explanations: why a rule did or did not act, as a sentence made from its state at a moment."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.conditions import LeafVerdict
from contracts.messages.rule_events import RuleState


@dataclass(frozen=True, slots=True)
class RuleAt:
    """What a rule of a run was at a moment."""

    state: RuleState
    due_at: datetime | None
    reason: str | None
    sent: bool = False
    """Whether it sent a command."""


def explain(rule: RuleAt, at: datetime, operator: str | None) -> str:
    """In words; `operator` is who brought it into this state, if an operator did."""
    return f"{_state(rule, at)}{f' (by operator {operator})' if operator else ''}"


def _state(rule: RuleAt, at: datetime) -> str:
    reason = rule.reason
    match rule.state:
        case "planned" if rule.due_at is None or rule.due_at <= at:
            return "had not acted yet: its turn in its chain had not come"
        case "planned" | "waiting":
            until = f" until {_moment(rule.due_at)}" if rule.due_at else ""
            return f"was waiting{until}{_because(reason)}"
        case "running":
            return f"acted; the outcome of its command was not known yet{_because(reason)}"
        case "done":
            return "acted, and its effect exists"
        case "skipped":
            return f"did not act{_because(reason)}"
        case "refused":
            return f"had no effect: it was refused{_because(reason)}"
        case "failed":
            unknown = "had no effect that is known of: it failed"
            return f"{unknown if rule.sent else 'had no effect: it failed before it sent anything'}{_because(reason)}"
        case "cancelled":
            due = f"; it was due at {_moment(rule.due_at)}" if rule.due_at and rule.due_at > at else ""
            return f"did not act: cancelled{_because(reason)}{due}"


def _because(reason: str | None) -> str:
    return f": {reason}" if reason else ""


def _moment(moment: datetime | None) -> str:
    return moment.isoformat(timespec="seconds") if moment else ""


def leaf_words(leaf: Mapping[str, Any]) -> str:
    """A stored verdict of a leaf, in words."""
    said = leaf.get("words")
    if isinstance(said, str):
        return said
    return LeafVerdict(leaf["path"], leaf["op"], leaf["expected"], leaf["seen"], leaf["holds"]).words()


@dataclass(frozen=True, slots=True)
class LastEntry:
    """The item's last entry into the rule's stage before a moment."""

    entered_at: datetime
    left_at: datetime | None
    note: str | None
    rule_set: str | None
    version: int | None


@dataclass(frozen=True, slots=True)
class PublishedRule:
    """Where a rule that was never planned for an item was written, and in which versions it was published."""

    name: str
    stage: str
    versions: Sequence[int]
    published_at: datetime
    """When the first of them was published."""


def explain_unplanned(rule: PublishedRule, entry: LastEntry | None, at: datetime) -> str:
    """Why there was nothing of the rule to look at."""
    first = rule.versions[0]
    if rule.published_at > at:
        return f"was not published yet: it came with version {first} at {_moment(rule.published_at)}"
    if entry is None:
        return f"was not planned: the item had not entered the stage {rule.stage!r}"
    if entry.note is not None:
        return f"was not planned: {entry.note}"
    if entry.version is not None and entry.version < first:
        came = f"it came with version {first} at {_moment(rule.published_at)}"
        return f"was not planned: the item entered under version {entry.version}, and {came}"
    if entry.version is not None and entry.version > rule.versions[-1]:
        gone = f"it was last in version {rule.versions[-1]}"
        return f"was not planned: the item entered under version {entry.version}, and {gone}"
    return f"was not planned when the item entered the stage at {_moment(entry.entered_at)}"
