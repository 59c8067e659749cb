"""How a run goes on by itself: pure functions from a state and what has happened to the next state and what to do.

A rule acts at most once per attempt: its command's id is made from the run, the step and the attempt.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import JsonValue

from contracts.contexts import ItemContext
from contracts.messages.results import CANCELLED, CommandDone, CommandFailed, CommandProgress, CommandRefused, Result
from contracts.messages.rule_events import RuleState
from contracts.values import ItemSnapshot
from rule_engine.domain.execution.deciding import outputs_refusal
from rule_engine.domain.execution.program import Program, RuleBlock
from rule_engine.domain.execution.rescheduling import may_be_rescheduled, waiting_reason
from rule_engine.domain.execution.running import Running
from rule_engine.domain.execution.state import ENDED, Cursor, Entry, RuleProgress, State, first_place
from rule_engine.domain.execution.step import Registry, RunFacts, Step, waits_for_date
from rule_engine.domain.execution.turns import Turns
from rule_engine.domain.schedule.due import Due, Times, due

LONGEST_PAUSE_S = 86_400


def begin(program: Program, entry: Entry, times: Times) -> State:
    """The state of a run that was just planned; due times are in it for people to see."""
    entered_at = entry.entered_at
    rules = {rule.rule_id: _planned(rule, entry, times) for rule in program.rules()}
    head = next((rule for rule in program.rules() if rule.enabled), None)
    due_on_entry = head is not None and _is_due_on_entry(head, rules[head.rule_id], entered_at)
    if head is not None and not due_on_entry:
        reason = waiting_reason(head, rules[head.rule_id])
        rules[head.rule_id] = rules[head.rule_id].to(state="waiting", reason=reason, changed_at=entered_at)
    cursor = Cursor(place=first_place(program.root))
    return State(due_on_entry=head.rule_id if head and due_on_entry else None, cursors=(cursor,), rules=rules)


def _planned(rule: RuleBlock, entry: Entry, times: Times) -> RuleProgress:
    found = due(rule.run, entry.entered_at, entry.snapshot, times, entry.entered_at)
    return RuleProgress(due_at=found.at, date_missing=found.missing)


def _is_due_on_entry(rule: RuleBlock, progress: RuleProgress, entered_at: datetime) -> bool:
    return (progress.due_at or entered_at) <= entered_at and not waits_for_date(rule, progress)


def redate(program: Program, state: State, entry: Entry, item: ItemSnapshot, times: Times, now: datetime) -> Step:
    """The item's dates may have changed: moves the rules that still wait and count from one of them."""
    run = Running(program, state, now)
    for rule in program.rules():
        progress = state.rules[rule.rule_id]
        if may_be_rescheduled(rule, progress) and rule.rule_id != state.due_on_entry:
            found = due(rule.run, entry.entered_at, item, times, now)
            if (found.at, found.missing) != (progress.due_at, progress.date_missing):
                _redate(run, rule, found)
    return run.result()


def _redate(run: Running, rule: RuleBlock, found: Due) -> None:
    run.set(rule, due_at=found.at, date_missing=found.missing)
    if run.rules[rule.rule_id].state == "waiting":
        run.set(rule, reason=waiting_reason(rule, run.rules[rule.rule_id]))


def advance(
    program: Program, state: State, entry: Entry, context: ItemContext | None, now: datetime, facts: RunFacts
) -> Step:
    """Takes every turn that can be taken at `now`. `context` null means that the item does not exist any more."""
    run = Running(program, state, now)
    Turns(run, entry, context, facts).take()
    return run.result()


def settle(program: Program, state: State, command_id: UUID, result: Result, now: datetime, registry: Registry) -> Step:
    """Records a result in the state. One that no rule waits for, or waits for any more, changes nothing."""
    run = Running(program, state, now)
    rule = next((r for r in program.rules() if _waits_for(state.rules[r.rule_id], command_id)), None)
    if rule is not None:
        _settle(run, rule, result, registry)
    return run.finish_turn()


def _waits_for(progress: RuleProgress, command_id: UUID) -> bool:
    return progress.state == "running" and progress.command_id == command_id


def _settle(run: Running, rule: RuleBlock, result: Result, registry: Registry) -> None:
    progress = run.rules[rule.rule_id]
    match result:
        case CommandProgress(state=said, until=until):
            run.set(rule, reason=said if until is None else f"{said} until {until.isoformat()}")
        case CommandDone(outputs=outputs):
            _take_outputs(run, rule, outputs, registry)
        case CommandRefused() | CommandFailed() if progress.retry_after:
            run.plan_again(rule)
        case CommandRefused(reason=reason) if reason == CANCELLED:
            run.end(rule, "cancelled", progress.cancelling or "its command was cancelled")
        case CommandRefused(reason=reason):
            run.end(rule, "refused", reason)
        case CommandFailed(reason=reason, retryable=True) if _may_retry(rule, progress):
            _retry_by_policy(run, rule, reason)
        case CommandFailed(reason=reason):
            run.end(rule, "failed", reason)


def _take_outputs(run: Running, rule: RuleBlock, given: Mapping[str, JsonValue], registry: Registry) -> None:
    """The effect exists even if its outputs cannot be kept; rules that need them fail and say so."""
    kind = registry.get(rule.type)
    outputs = kind.outputs_of(given) if kind else dict(given)
    if refusal := outputs_refusal(run, rule, outputs):
        run.end(rule, "done", refusal)
    else:
        run.set(rule, outputs=outputs)
        run.end(rule, "done")


def _may_retry(rule: RuleBlock, progress: RuleProgress) -> bool:
    """A rule that is being cancelled is not tried again."""
    return rule.retry is not None and progress.retries < rule.retry.times and progress.cancelling is None


def _retry_by_policy(run: Running, rule: RuleBlock, reason: str) -> None:
    assert rule.retry is not None  # noqa: S101 - only a rule with a policy may retry
    retries = run.rules[rule.rule_id].retries
    pause = min(rule.retry.after_seconds * 2**retries, LONGEST_PAUSE_S)
    at = run.now + timedelta(seconds=pause)
    run.plan_again(rule, at)
    run.set(rule, state="waiting", retries=retries + 1, reason=f"failed: {reason}; tried again {at.isoformat()}")


def leave(program: Program, state: State, reason: str, now: datetime) -> Step:
    """The item left the stage, or was deleted: cancels every rule that does not stay.

    A command under way is cancelled too; its rule is `cancelled` only when the owner says that nothing was done.
    """
    run = Running(program, state, now)
    run.cancel_all(reason)
    for rule in program.rules():
        if rule.on_leave == "run_now" and run.rules[rule.rule_id].state not in (*ENDED, "running"):
            run.set(rule, due_at=now, manually_scheduled=True)
    return run.result()


def fail_turn(program: Program, state: State, decided: Step, reason: str, now: datetime) -> Step:
    """The rule that `decided` decided fails instead, since what it decided can never be written."""
    run = Running(program, state, now)
    for decision in decided.decisions:
        run.fail(decision.rule, reason)
    return run.finish_turn()


def fail(program: Program, state: State, reason: str, now: datetime) -> Step:
    """A defect in the core ends the run: everything that is left fails with the reason, nothing is retried for ever."""
    return _end_all(program, state, "failed", reason, now)


def refuse(program: Program, state: State, reason: str, now: datetime) -> Step:
    """The tenant may have no further runs: no rule of this one is begun."""
    return _end_all(program, state, "refused", reason, now)


def _end_all(program: Program, state: State, end: RuleState, reason: str, now: datetime) -> Step:
    run = Running(program, state, now)
    for rule in program.rules():
        if run.rules[rule.rule_id].state not in (*ENDED, "running"):
            run.end(rule, end, reason)
    return run.finish_turn()
