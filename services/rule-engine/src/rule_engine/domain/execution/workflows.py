"""What happens to the run of a workflow beside its own course: it begins, something it waits for comes, somebody acts.

Raises `RunError` for what makes no sense in the run's state.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from pydantic import JsonValue

from rule_engine.domain.errors import NoSuchRuleError, RunError
from rule_engine.domain.execution.advance import finish_turn
from rule_engine.domain.execution.assignments import Moved
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.running import Running
from rule_engine.domain.execution.state import ROOT, START, Frame, Note, State
from rule_engine.domain.execution.step import Step


def begin_workflow(
    program: Program,
    parameters: Mapping[str, JsonValue],
    variables: Mapping[str, JsonValue],
    started_by: str,
    now: datetime,
) -> State:
    """The state of a run that was just started; nothing of it has happened."""
    root = Frame(
        step=ROOT,
        started_at=now,
        names={"param": dict(parameters)},
        data={"started_by": started_by},
        inbox=(START,),
    )
    return State(frames={ROOT: root}, variables=dict(variables))


def awaited(state: State) -> frozenset[str]:
    """The names of everything that the run waits for."""
    return frozenset(name for frame in state.frames.values() for name in frame.awaits)


def receive(program: Program, state: State, name: str, value: Mapping[str, Any], now: datetime) -> Step:
    """Something has come: every block that waits for it is told when the run goes on. Changes nothing if none does."""
    run = Running(program, state, now)
    for frame in state.frames.values():
        if name in frame.awaits:
            run.tell(frame.step, Note(what="received", name=name, value=dict(value)))
    return run.result()


def terminate(program: Program, state: State, reason: str, now: datetime, *, delete_data: bool = False) -> Step:
    """Ends the run; what is open is cancelled. Its variables and outputs are kept unless `delete_data`."""
    _has_not_ended(state)
    run = Running(program, state, now)
    run.close(ROOT, "cancelled", reason)
    if delete_data:
        run.delete_data()
    return run.result()


def suspend(program: Program, state: State, now: datetime) -> Step:
    """Nothing new begins until it is resumed; results of what is under way are still taken in."""
    if state.outcome is not None or state.suspended:
        raise RunError("the workflow has ended" if state.outcome else "the workflow is suspended already")
    return Running(program, state.to(suspended=True), now).result()


def resume(program: Program, state: State, now: datetime) -> Step:
    """Goes on where it was suspended."""
    if not state.suspended:
        raise RunError("the workflow is not suspended")
    return Running(program, state.to(suspended=False), now).result()


def move_pause(program: Program, state: State, step: int, until: datetime, now: datetime) -> Step:
    """A block that waits for a moment waits for another one."""
    run = Running(program, state, now)
    frame = _open_block(run, step)
    if frame.until is None:
        raise RunError("this block does not wait for a moment")
    run.frames[step] = frame.to(until=until, manually_scheduled=True)
    if frame.asked:
        run.assignments.append(Moved(step, until))
    run.write_down(run.frames[step], "waiting", "an operator has changed its moment")
    return run.result()


def retry(program: Program, state: State, step: int, now: datetime) -> Step:
    """A block that could not go on, or an action that failed, tries again."""
    _has_not_ended(state)
    run = Running(program, state, now)
    one = state.executions.get(step)
    if one is not None:
        if not (one.ended and one.turn):
            raise RunError(f"it is {one.state}: only what holds its branch can be tried again")
        run.plan_again(step)
        return run.result()
    frame = _open_block(run, step)
    if frame.held is None:
        raise RunError("this block goes on by itself")
    run.frames[step] = frame.to(held=None)
    run.write_down(run.frames[step], "running")
    return run.result()


def skip(program: Program, state: State, step: int, now: datetime) -> Step:
    """An open block, or a rule that waits or has failed, is passed over; what comes after it goes on."""
    _has_not_ended(state)
    run = Running(program, state, now)
    one = state.executions.get(step)
    if one is not None and one.turn and one.state != "running":
        run.set(step, state="skipped", reason="skipped by an operator")
        run.hand_over(step)
    else:
        _open_block(run, step)
        run.close(step, "skipped", "skipped by an operator")
    return finish_turn(run)


def _has_not_ended(state: State) -> None:
    if state.outcome is not None:
        raise RunError("the workflow has ended")


def _open_block(run: Running, step: int) -> Frame:
    frame = run.frames.get(step)
    if frame is None or step == ROOT:
        raise NoSuchRuleError
    return frame
