"""What operators can do to a run. Raises `RunError` for what makes no sense in the run's state."""

from datetime import datetime

from rule_engine.domain.errors import NoSuchRuleError, RunError
from rule_engine.domain.execution.program import Program, RuleBlock
from rule_engine.domain.execution.running import Running
from rule_engine.domain.execution.state import ENDED, State
from rule_engine.domain.execution.step import Step

OPERATOR = "cancelled by an operator"


def run_now(program: Program, state: State, rule_id: str, now: datetime) -> Step:
    """A waiting rule acts now. Raises `RunError` for a rule that does not wait."""
    run, rule = _open_rule(program, state, rule_id, now)
    run.set(rule, due_at=now, manually_scheduled=True)
    return run.finish_turn()


def postpone(program: Program, state: State, rule_id: str, until: datetime, now: datetime) -> Step:
    """A waiting rule acts at another moment. Raises `RunError` for a rule that does not wait."""
    run, rule = _open_rule(program, state, rule_id, now)
    run.set(rule, due_at=until, manually_scheduled=True)
    return run.finish_turn()


def cancel(program: Program, state: State, rule_id: str | None, now: datetime) -> Step:
    """Cancels one rule (those after it go on), or all that is left of the run."""
    run = Running(program, state, now)
    targets = program.rules() if rule_id is None else (_known(program, rule_id),)
    if all(state.rules[rule.rule_id].state in ENDED for rule in targets):
        raise RunError("there is nothing left to cancel")
    for rule in targets:
        run.cancel(rule, OPERATOR)
    return run.finish_turn()


def retry(program: Program, state: State, rule_id: str, now: datetime) -> Step:
    """A new attempt of a rule that failed or was refused, together with the rules that this stopped.

    A rule with a command under way has that cancelled first; the new attempt is made when the answer is there.
    """
    run, rule = Running(program, state, now), _known(program, rule_id)
    progress = state.rules[rule_id]
    if progress.state == "running" and progress.command_id is not None:
        run.set(rule, retry_after=True, reason="its command is being cancelled for a new attempt")
        run.cancellations.append(progress.command_id)
    elif progress.state in ("failed", "refused"):
        run.plan_again(rule)
    else:
        raise RunError(f"{rule.name} is {progress.state}: only what failed, was refused or hangs can be retried")
    return run.result()


def _open_rule(program: Program, state: State, rule_id: str, now: datetime) -> tuple[Running, RuleBlock]:
    rule = _known(program, rule_id)
    present = state.rules[rule_id].state
    if present not in ("planned", "waiting"):
        raise RunError(f"{rule.name} is {present}: only a rule that waits can be moved in time")
    return Running(program, state, now), rule


def _known(program: Program, rule_id: str) -> RuleBlock:
    for rule in program.rules():
        if rule.rule_id == rule_id:
            return rule
    raise NoSuchRuleError
