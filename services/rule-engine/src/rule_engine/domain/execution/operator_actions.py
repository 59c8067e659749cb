"""What operators can do to a run. Raises `RunError` for what makes no sense in the run's state."""

from datetime import datetime

from rule_engine.domain.errors import NoSuchRuleError, RunError
from rule_engine.domain.execution.advance import finish_turn
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.running import Running
from rule_engine.domain.execution.state import Execution, State
from rule_engine.domain.execution.step import Step
from rule_engine.domain.execution.workflows import terminate

OPERATOR = "cancelled by an operator"


def run_now(program: Program, state: State, rule_id: str, now: datetime) -> Step:
    """A waiting rule acts now. Raises `RunError` for a rule that does not wait."""
    run, step = _open_rule(program, state, rule_id, now)
    run.set(step, due_at=now, manually_scheduled=True)
    return finish_turn(run)


def postpone(program: Program, state: State, rule_id: str, until: datetime, now: datetime) -> Step:
    """A waiting rule acts at another moment. Raises `RunError` for a rule that does not wait."""
    run, step = _open_rule(program, state, rule_id, now)
    run.set(step, due_at=until, manually_scheduled=True)
    return finish_turn(run)


def cancel(program: Program, state: State, rule_id: str | None, now: datetime, reason: str = OPERATOR) -> Step:
    """Cancels one rule (those after it go on), or all that is left of the run."""
    if program.workflow and rule_id is None:
        return terminate(program, state, reason, now)
    run = Running(program, state, now)
    targets = list(state.executions.values()) if rule_id is None else [_known(run, rule_id)]
    if all(one.ended for one in targets):
        raise RunError("there is nothing left to cancel")
    for one in targets:
        run.cancel(one.step, reason)
    return finish_turn(run)


def retry(program: Program, state: State, rule_id: str, now: datetime) -> Step:
    """A new attempt of a rule that failed or was refused, together with the rules that this stopped.

    A rule with a command under way has that cancelled first; the new attempt is made when the answer is there.
    """
    run = Running(program, state, now)
    one = _known(run, rule_id)
    if program.workflow and (state.outcome is not None or (one.ended and not one.turn)):
        raise RunError(f"the workflow has gone on after {run.rule(one.step).name}, or has ended")
    if one.parent not in run.frames:
        raise RunError(f"{run.rule(one.step).name} is not needed any more: the block around it has ended")
    if one.state == "running" and one.command_id is not None:
        run.set(one.step, retry_after=True, reason="its command is being cancelled for a new attempt")
        run.cancellations.append(one.command_id)
    elif one.state in ("failed", "refused"):
        run.plan_again(one.step)
    else:
        name = run.rule(one.step).name
        raise RunError(f"{name} is {one.state}: only what failed, was refused or hangs can be retried")
    return run.result()


def _open_rule(program: Program, state: State, rule_id: str, now: datetime) -> tuple[Running, int]:
    run = Running(program, state, now)
    one = _known(run, rule_id)
    if one.state not in ("planned", "waiting"):
        raise RunError(f"{run.rule(one.step).name} is {one.state}: only a rule that waits can be moved in time")
    return run, one.step


def _known(run: Running, rule_id: str) -> Execution:
    if (found := run.of_rule(rule_id)) is None:
        raise NoSuchRuleError
    return found
