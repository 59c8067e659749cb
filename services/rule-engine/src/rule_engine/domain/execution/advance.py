"""How a run goes on by itself: pure functions from a state and what has happened to the next state and what to do.

A rule acts at most once per attempt: its command's id is made from the run, the step and the attempt.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from pydantic import JsonValue

from contracts.contexts import ItemContext
from contracts.messages.results import CANCELLED, CommandDone, CommandFailed, CommandProgress, CommandRefused, Result
from contracts.messages.rule_events import RuleState
from contracts.values import ItemSnapshot
from rule_engine.domain.execution.deciding import outputs_refusal
from rule_engine.domain.execution.interpreter import Interpreter
from rule_engine.domain.execution.program import Program, RuleBlock
from rule_engine.domain.execution.rescheduling import may_be_rescheduled, waiting_reason, waits_for_time
from rule_engine.domain.execution.running import DELETED, Running
from rule_engine.domain.execution.state import ENDED, ROOT, START, Entry, Execution, Frame, RuleProgress, State
from rule_engine.domain.execution.step import Registry, RunFacts, Step, needs_context, wake_at
from rule_engine.domain.execution.turns import Turns
from rule_engine.domain.schedule.due import Due, Times, due

LONGEST_PAUSE_S = 86_400
MAX_BEGUN = 100
"""Different beginnings of one chain that are kept; a chain whose dates differ so much is begun anew each time."""


def begin(program: Program, entry: Entry, times: Times) -> State:
    """The state of a chain's run that was just planned; due times are in it for people to see.

    A chain begins in the same way for all items whose rules have to wait alike: only the moments differ.
    """
    dues, now = dues_of(program, entry, times), entry.entered_at
    alike = tuple((one.at is not None and one.at > now, one.missing) for one in dues)
    known = program.begun.get(alike)
    if known is None:
        run = plan_chain(program, entry, dues)
        known = run.state_now(start_chain(run))
        if len(program.begun) < MAX_BEGUN:
            program.begun[alike] = known
    return _begun_at(known, now, dues)


def _begun_at(known: State, now: datetime, dues: Sequence[Due]) -> State:
    executions = {
        step: one.to(due_at=found.at, changed_at=one.changed_at and now)
        for (step, one), found in zip(known.executions.items(), dues, strict=True)
    }
    return known.to(frames={ROOT: known.frames[ROOT].to(started_at=now)}, executions=executions)


def dues_of(program: Program, entry: Entry, times: Times) -> list[Due]:
    """When each rule of a chain is due, in their order."""
    at = entry.entered_at
    return [due(rule.run, at, entry.snapshot, times, at) for rule in program.rules_by_path.values()]


def plan_chain(program: Program, entry: Entry, dues: Sequence[Due]) -> Running:
    """A run in which every rule of the chain has its due time, and none has its turn."""
    untold = State.of(frames={ROOT: Frame.of(step=ROOT, started_at=entry.entered_at, inbox=(START,))})
    run = Running(program, untold, entry.entered_at)
    for (path, rule), found in zip(program.rules_by_path.items(), dues, strict=True):
        step = run.next_step()
        run.executions[step] = Execution.of(
            step=step, rule_id=rule.rule_id, path=path, parent=ROOT, due_at=found.at, date_missing=found.missing
        )
    return run


def start_chain(run: Running) -> str | None:
    """Gives the first rule its turn. Returns the rule that is due on entry, if the first one that is enabled is; else
    that one waits.
    """
    Interpreter(run).take_notes()
    rules = run.program.rules_by_path
    head = next((one for one in run.executions.values() if rules[one.path].enabled), None)
    if head is None or head.ended:
        return None
    rule = rules[head.path]
    if not waits_for_time(rule, head, run.now):
        return head.rule_id
    if not rule.otherwise:  # whether that acts at all is decided at once, by the rule above it
        run.set(head.step, state="waiting", reason=waiting_reason(rule, head))
    return None


def redate(program: Program, state: State, entry: Entry, item: ItemSnapshot, times: Times, now: datetime) -> Step:
    """The item's dates may have changed: moves the rules that still wait and count from one of them."""
    moved = {}
    for step, one in state.executions.items():
        rule = program.rules_by_path[one.path]
        if may_be_rescheduled(rule, one) and one.rule_id != state.due_on_entry:
            found = due(rule.run, entry.entered_at, item, times, now)
            if (found.at, found.missing) != (one.due_at, one.date_missing):
                moved[step] = found
    if not moved:
        return Step(state, wake_at=wake_at(program, state, now))
    run = Running(program, state, now)
    for step, found in moved.items():
        _redate(run, step, found)
    return run.result()


def _redate(run: Running, step: int, found: Due) -> None:
    one = run.set(step, due_at=found.at, date_missing=found.missing)
    if one.state == "waiting":
        run.set(step, reason=waiting_reason(run.rule(step), one))


def advance(
    program: Program, state: State, entry: Entry, context: ItemContext | None, now: datetime, facts: RunFacts
) -> Step:
    """Takes every turn that can be taken at `now`.

    `context` null means that the item does not exist any more, where one is needed: with nothing to decide none is.
    """
    if context is None and program.workflow and needs_context(program, state, now):
        return leave(program, state, DELETED, now)
    if state.suspended:
        return Running(program, state, now).result()
    run = Running(program, state, now)
    Turns(run, entry, context, facts).take()
    return run.result()


def settle(program: Program, state: State, command_id: UUID, result: Result, now: datetime, registry: Registry) -> Step:
    """Records a result in the state. One that no rule waits for, or waits for any more, changes nothing."""
    run = Running(program, state, now)
    one = next((one for one in state.executions.values() if _waits_for(one, command_id)), None)
    if one is not None:
        _settle(run, one, result, registry)
    return finish_turn(run)


def finish_turn(run: Running) -> Step:
    """After a result or an operator's action: blocks that do not look at the item go on, `advance` does the rest."""
    Interpreter(run).take_notes()
    return run.result()


def _waits_for(progress: RuleProgress, command_id: UUID) -> bool:
    return progress.state == "running" and progress.command_id == command_id


def _settle(run: Running, one: Execution, result: Result, registry: Registry) -> None:
    rule, step = run.rule(one.step), one.step
    match result:
        case CommandProgress(state=said, until=until):
            run.set(step, reason=said if until is None else f"{said} until {until.isoformat()}")
        case CommandDone(outputs=outputs):
            _take_outputs(run, step, outputs, registry)
        case CommandRefused() | CommandFailed() if one.retry_after:
            run.plan_again(step)
        case CommandRefused(reason=reason) if reason == CANCELLED:
            run.end(step, "cancelled", one.cancelling or "its command was cancelled")
        case CommandRefused(reason=reason):
            run.end(step, "refused", reason)
        case CommandFailed(reason=reason, retryable=True) if _may_retry(rule, one):
            _retry_by_policy(run, step, reason)
        case CommandFailed(reason=reason):
            run.end(step, "failed", reason)


def _take_outputs(run: Running, step: int, given: Mapping[str, JsonValue], registry: Registry) -> None:
    """The effect exists even if its outputs cannot be kept; rules that need them fail and say so."""
    kind = registry.get(run.rule(step).type)
    outputs = kind.outputs_of(given) if kind else dict(given)
    refusal = outputs_refusal(run, step, outputs)
    kept = run.executions[step].outputs if refusal else outputs
    run.end(step, "done", refusal, outputs=kept)


def _may_retry(rule: RuleBlock, progress: RuleProgress) -> bool:
    """A rule that is being cancelled is not tried again."""
    return rule.retry is not None and progress.retries < rule.retry.times and progress.cancelling is None


def _retry_by_policy(run: Running, step: int, reason: str) -> None:
    policy, retries = run.rule(step).retry, run.executions[step].retries
    assert policy is not None  # noqa: S101 - only a rule with a policy may retry
    pause = min(policy.after_seconds * 2**retries, LONGEST_PAUSE_S)
    at = run.now + timedelta(seconds=pause)
    run.plan_again(step, at)
    run.set(step, state="waiting", retries=retries + 1, reason=f"failed: {reason}; tried again {at.isoformat()}")


def leave(program: Program, state: State, reason: str, now: datetime) -> Step:
    """The item left the stage, or was deleted: cancels every rule that does not stay.

    A command under way is cancelled too; its rule is `cancelled` only when the owner says that nothing was done.
    """
    run = Running(program, state, now)
    if program.workflow:
        return _end_all(program, state, "cancelled", reason, now)
    run.cancel_all(reason)
    for step, one in list(run.executions.items()):
        if run.rule(step).on_leave == "run_now" and one.state not in (*ENDED, "running"):
            run.set(step, due_at=now, manually_scheduled=True)
    return finish_turn(run)


def fail_turn(program: Program, state: State, decided: Step, reason: str, now: datetime) -> Step:
    """The rule that `decided` decided fails instead, since what it decided can never be written."""
    run = Running(program, state, now)
    for decision in decided.decisions:
        if decision.step in run.executions:
            run.fail(decision.step, reason)
    return finish_turn(run)


def fail(program: Program, state: State, reason: str, now: datetime) -> Step:
    """A defect in the core ends the run: everything that is left fails with the reason, nothing is retried for ever."""
    return _end_all(program, state, "failed", reason, now)


def refuse(program: Program, state: State, reason: str, now: datetime) -> Step:
    """The tenant may have no further runs: no rule of this one is begun."""
    return _end_all(program, state, "refused", reason, now)


def _end_all(program: Program, state: State, end: RuleState, reason: str, now: datetime) -> Step:
    run = Running(program, state, now)
    if program.workflow:
        run.close(ROOT, end, reason)
        return run.result()
    for step, one in list(run.executions.items()):
        if one.state not in (*ENDED, "running"):
            run.end(step, end, reason)
    return finish_turn(run)
