"""Which triggers an occurrence sets off on an item, and why the others stay silent. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from contracts.asking import Found, TooLarge
from contracts.budget import BudgetError, current, spending
from contracts.conditions import WORDS, ConditionError, LeafVerdict, Verdict, compile_condition
from contracts.contexts import ItemContext
from contracts.envelope import rfc3339
from contracts.messages import trigger_events
from contracts.messages.entity_commands import MoveCandidate
from contracts.messages.results import CommandDone, CommandFailed, CommandRefused, FinalResult
from trigger_service.domain.triggers import Trigger
from trigger_service.triggers.base import Occurrence
from trigger_service.triggers.registry import TRIGGER_TYPES

type ArrivalVerdict = trigger_events.Verdict | Literal["pending"]

OPEN_NAMES = frozenset(
    {"item", "stage", "pipeline", "products", "payment", "document", "qr_code", "shipment"}
    | {"change", "task", "linked", "booking"}
)
"""What explanations may quote values of; other names hold personal data or visitors' texts."""


@dataclass(frozen=True, slots=True)
class Note:
    """What became of one trigger; `reason` is for people."""

    trigger: str
    verdict: ArrivalVerdict
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """What becomes of an arrival: pending while a command is on its way, with a note for every trigger looked at."""

    verdict: ArrivalVerdict
    reason: str
    notes: tuple[Note, ...] = ()
    candidates: tuple[MoveCandidate, ...] = ()
    actor: str = ""
    over_budget: bool = False


def judge(triggers: Sequence[Trigger], occurrence: Occurrence, context: Found | None) -> Judgement:
    """Judges one item; `triggers` are those of the occurrence's type, `context` is null for an item that is gone.

    Where none of them could fire, the context is not looked at: it need not have been asked for. All conditions spend
    of the one budget under way.
    """
    if not could_fire(triggers, occurrence):
        return _silent(occurrence, tuple(_not_matched(trigger, occurrence) for trigger in triggers))
    if context is None:
        return Judgement(verdict="gone", reason="the item does not exist (any more)")
    if isinstance(context, TooLarge):
        return Judgement(verdict="refused", reason=context.reason)
    now = {"now": rfc3339(context.read_at)}
    values = context.model_dump(mode="json") | now | {TRIGGER_TYPES[occurrence.type].context_name: occurrence.facts}
    with spending(current()) as budget:
        notes = tuple(_note(trigger, occurrence, context, values) for trigger in triggers)
    fired = [t for t, note in zip(triggers, notes, strict=True) if note.verdict == "pending"]
    if fired:
        return Judgement(
            verdict="pending",
            reason="waits for the item to be moved",
            notes=notes,
            candidates=tuple(_candidate(trigger, context) for trigger in fired),
            actor=_actor(fired[0], context),
            over_budget=budget.overdrawn,
        )
    return replace(_silent(occurrence, notes), over_budget=budget.overdrawn)


def could_fire(triggers: Sequence[Trigger], occurrence: Occurrence) -> bool:
    """Whether any of the triggers would fire on some item: only then is it worth asking for items."""
    return any(_differs(trigger, occurrence) is None for trigger in triggers)


def _silent(occurrence: Occurrence, notes: tuple[Note, ...]) -> Judgement:
    """The verdict of the trigger that came closest."""
    for verdict in ("refused", "condition_false", "not_matched"):
        for note in notes:
            if note.verdict == verdict:
                return Judgement(verdict=note.verdict, reason=f"trigger {note.trigger!r}: {note.reason}", notes=notes)
    return Judgement(verdict="not_matched", reason=f"there is no trigger of the type {occurrence.type}")


def _not_matched(trigger: Trigger, occurrence: Occurrence) -> Note:
    return Note(trigger.code, "not_matched", _differs(trigger, occurrence) or "matched")


def _note(trigger: Trigger, occurrence: Occurrence, context: ItemContext, values: Mapping[str, Any]) -> Note:
    reason = _mismatch(trigger, occurrence, context)
    if reason is not None:
        return Note(trigger.code, "not_matched", reason)
    if trigger.spec.condition is None:
        return Note(trigger.code, "pending", "matched")
    try:
        verdict = compile_condition(trigger.spec.condition)(values)
    except (BudgetError, ConditionError) as error:
        return Note(trigger.code, "refused", f"the condition cannot be judged: {error}")
    if not verdict.holds:
        return Note(trigger.code, "condition_false", why_not(verdict))
    return Note(trigger.code, "pending", "matched, and the condition holds")


def _mismatch(trigger: Trigger, occurrence: Occurrence, context: ItemContext) -> str | None:
    spec = trigger.spec
    if spec.enabled and spec.pipeline != context.item.pipeline:
        return f"the item is in the pipeline {context.item.pipeline!r}, the trigger in {spec.pipeline!r}"
    return _differs(trigger, occurrence)


def _differs(trigger: Trigger, occurrence: Occurrence) -> str | None:
    """Why the trigger fires on no item, whichever it is; null when it may."""
    if not trigger.spec.enabled:
        return "the trigger is disabled"
    kind = TRIGGER_TYPES[occurrence.type]
    return kind.mismatch(kind.settings.model_validate(trigger.spec.settings), occurrence.facts)


def _candidate(trigger: Trigger, context: ItemContext) -> MoveCandidate:
    return MoveCandidate(
        stage=trigger.spec.stage,
        pipeline=trigger.spec.pipeline,
        reference=trigger.code,
        forward_only=not trigger.spec.allow_moving_back,
        actor=_actor(trigger, context),
        rule_id=f"trigger/{trigger.code}",
    )


def _actor(trigger: Trigger, context: ItemContext) -> str:
    return str(trigger.change_as or context.item.responsible_id or f"trigger:{trigger.code}")


def why_not(verdict: Verdict) -> str:
    """The leaves that made a condition false, in words that repeat nobody's personal data."""
    words = [_words(leaf) for leaf in verdict.leaves if not leaf.holds]
    return "; ".join(words) or "the condition is false"


def _words(leaf: LeafVerdict) -> str:
    closed = {path.partition(".")[0] for path in leaf.quoted_paths()} - OPEN_NAMES
    if not closed:
        return leaf.words()
    if leaf.quoted_paths() != {leaf.path}:
        return f"{leaf.path} {WORDS[leaf.op]} … is false"
    return leaf.words().partition(" is false: it is ")[0] + " is false"


def read_result(result: FinalResult, notes: Sequence[Note]) -> tuple[Judgement, str | None]:
    """What the final result of an arrival's command makes of it, and the code of the trigger that won."""
    match result:
        case CommandRefused(reason=reason):
            return _settled("refused", reason, notes), None
        case CommandFailed(reason=reason):
            return _settled("refused", f"it failed: {reason}", notes), None
        case CommandDone(outputs=outputs):
            return _read_outputs(outputs, notes)


def _read_outputs(outputs: Mapping[str, Any], notes: Sequence[Note]) -> tuple[Judgement, str | None]:
    """Those of `MoveItem` and `CreateItem`."""
    if "verdict" in outputs:
        verdict, winner = outputs["verdict"], outputs.get("reference") if outputs["verdict"] == "moved" else None
        if winner is not None and winner not in [note.trigger for note in notes]:
            return _settled("not_matched", _outdone(winner), notes), None
        return _settled(verdict, _MOVES[verdict].format(stage=outputs.get("stage")), notes, winner), winner
    client = " of a client who was known" if outputs.get("duplicate") else ""
    return _settled("created", f"created an item{client}", notes), None


_MOVES: Mapping[str, str] = {
    "moved": "moved to the stage {stage!r}",
    "behind": "the item is further on already, and the trigger moves only forward",
    "same": "the item is in that stage already",
    "gone": "the item does not exist (any more)",
}


def _settled(
    verdict: trigger_events.Verdict, reason: str, notes: Sequence[Note], winner: str | None = None
) -> Judgement:
    settled = tuple(_settle(note, verdict, reason, winner) for note in notes)
    return Judgement(verdict=verdict, reason=reason, notes=settled)


def _settle(note: Note, verdict: trigger_events.Verdict, reason: str, winner: str | None) -> Note:
    if note.verdict != "pending":
        return note
    if winner in (None, note.trigger):
        return replace(note, verdict=verdict, reason=reason)
    return replace(note, verdict="not_matched", reason=_outdone(winner))


def _outdone(winner: str) -> str:
    return f"the trigger {winner!r} moved it, to this stage or an earlier one"
