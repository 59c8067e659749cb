"""Rules that never act, because a rule that always acts earlier moves the item out of the stage."""

from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

from rule_engine.domain.authoring.document import RuleDocument
from rule_engine.domain.schedule.run_time import After, Now

type Moves = Callable[[RuleDocument], bool]
"""Whether a rule moves every item that it acts on to another stage."""

NEVER = timedelta.max


def unreachable(chains: Sequence[Sequence[RuleDocument]], moves: Moves) -> Iterator[tuple[RuleDocument, str]]:
    """The rules, and why they never act."""
    for chain in chains:
        yield from _behind_a_mover(chain, moves)
        yield from _later_than_a_mover(chain, chains, moves)


def _behind_a_mover(chain: Sequence[RuleDocument], moves: Moves) -> Iterator[tuple[RuleDocument, str]]:
    mover: RuleDocument | None = None
    for rule in chain:
        if mover and _is_cancelled_on_leave(rule):
            yield rule, _never(mover)
        if rule.enabled and rule.condition is None and rule.on_failure == "stop" and moves(rule):
            mover = rule


def _later_than_a_mover(
    own: Sequence[RuleDocument], chains: Sequence[Sequence[RuleDocument]], moves: Moves
) -> Iterator[tuple[RuleDocument, str]]:
    for rule in own:
        mover = _gone_before(rule, own, chains, moves)
        if mover and _is_cancelled_on_leave(rule):
            yield rule, _hardly(mover)


def _is_cancelled_on_leave(rule: RuleDocument) -> bool:
    return rule.enabled and rule.on_leave == "cancel"


def _never(mover: RuleDocument) -> str:
    return (
        f"is never reached: {mover.name!r} takes the item out of the stage before; "
        "put it before that rule, or let it say on_leave: finish"
    )


def _hardly(mover: RuleDocument) -> str:
    return (
        f"is reached only if {mover.name!r} fails, which else takes the item out of the stage before "
        "this is due; let it say on_leave: finish"
    )


def _gone_before(
    rule: RuleDocument, own: Sequence[RuleDocument], chains: Sequence[Sequence[RuleDocument]], moves: Moves
) -> RuleDocument | None:
    """The head of another chain that moves every item away before this rule can be due."""
    earliest = _delay(rule, 28)
    for chain in chains:
        head = next((one for one in chain if one.enabled), None)
        if chain is not own and head and head.condition is None and moves(head) and _delay(head, 31) < earliest:
            return head
    return None


def _delay(rule: RuleDocument, days_of_month: int) -> timedelta:
    """How long after the entry the rule is due at the least (28 days a month) or at the most (31).

    What is not counted from the entry may be due at any time: at once for the rule in question, never for a mover.
    """
    unknown = timedelta(0) if days_of_month == 28 else NEVER
    match rule.run:
        case Now(working_time="none"):
            return timedelta(0)
        case After() as run if run.model_fields_set <= _PLAIN:
            days = run.months * days_of_month + run.weeks * 7 + run.days
            margin = timedelta(hours=0 if not run.model_fields_set & _CALENDAR else 1 if days_of_month == 31 else -1)
            return timedelta(days=days, hours=run.hours, minutes=run.minutes, seconds=run.seconds) + margin
        case _:
            return unknown


_CALENDAR = {"months", "weeks", "days"}
_PLAIN = {"when", "hours", "minutes", "seconds", *_CALENDAR}
