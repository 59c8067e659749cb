"""Explanations of why a rule did or did not act."""

from datetime import datetime, timedelta

import pytest

from contracts.messages.rule_events import RuleState
from rule_engine.domain.execution.explanations import (
    LastEntry,
    PublishedRule,
    RuleAt,
    explain,
    explain_unplanned,
    leaf_words,
)
from support.runs import T0

LATER = T0 + timedelta(hours=1)


@pytest.mark.parametrize(
    ("state", "due_at", "reason", "words"),
    [
        ("planned", None, None, "had not acted yet: its turn in its chain had not come"),
        ("waiting", LATER, None, "was waiting until 2026-03-02T10:00:00+00:00"),
        ("running", None, None, "acted; the outcome of its command was not known yet"),
        ("running", None, "quiet hours", "acted; the outcome of its command was not known yet: quiet hours"),
        ("done", None, None, "acted, and its effect exists"),
        ("skipped", None, "item.title is filled is false", "did not act: item.title is filled is false"),
        ("refused", None, "opted out", "had no effect: it was refused: opted out"),
        ("failed", None, "no address", "had no effect: it failed before it sent anything: no address"),
        (
            "cancelled",
            LATER,
            "left the stage",
            "did not act: cancelled: left the stage; it was due at 2026-03-02T10:00:00+00:00",
        ),
        ("cancelled", T0, "not run: greet failed", "did not act: cancelled: not run: greet failed"),
    ],
)
def test_every_state_has_its_words(state: RuleState, due_at: datetime | None, reason: str | None, words: str) -> None:
    assert explain(RuleAt(state, due_at, reason), T0, None) == words


def test_what_a_failed_rule_sent_may_have_had_an_effect() -> None:
    said = explain(RuleAt("failed", None, "no answer", sent=True), T0, None)
    assert said == "had no effect that is known of: it failed: no answer"


def test_an_operator_who_acted_is_named() -> None:
    said = explain(RuleAt("cancelled", None, "cancelled by an operator"), T0, "kim")
    assert said == "did not act: cancelled: cancelled by an operator (by operator kim)"


RULE = PublishedRule("greet", "new", (2, 3), T0)


def entered(version: int | None, note: str | None = None) -> LastEntry:
    return LastEntry(T0, None, note, "sales", version)


@pytest.mark.parametrize(
    ("entry", "at", "words"),
    [
        (None, LATER, "was not planned: the item had not entered the stage 'new'"),
        (
            entered(1),
            LATER,
            "was not planned: the item entered under version 1, "
            "and it came with version 2 at 2026-03-02T09:00:00+00:00",
        ),
        (
            entered(4),
            LATER,
            "was not planned: the item entered under version 4, and it was last in version 3",
        ),
        (entered(None, "imported without automation"), LATER, "was not planned: imported without automation"),
        (
            entered(1),
            T0 - timedelta(days=1),
            "was not published yet: it came with version 2 at 2026-03-02T09:00:00+00:00",
        ),
    ],
)
def test_a_rule_that_was_never_planned_has_a_reason(entry: LastEntry | None, at: datetime, words: str) -> None:
    assert explain_unplanned(RULE, entry, at) == words


def test_a_stored_leaf_is_told_in_words() -> None:
    leaf = {"path": "item.activity_count", "op": "eq", "expected": 0, "seen": 2, "holds": False}
    assert leaf_words(leaf) == "item.activity_count = 0 is false: it is 2"
    assert leaf_words(leaf | {"words": "somebody has called"}) == "somebody has called"
