"""A run of a workflow goes on at another block, because an operator wants it to.

What is left is the innermost open block around the target: all that is open inside it is cancelled. Between it and the
target there may only be blocks that do not need to know how they came to their children.
"""

from datetime import datetime

from contracts.issues import unknown
from rule_engine.domain.errors import RunError
from rule_engine.domain.execution.program import Path, Program, RuleBlock
from rule_engine.domain.execution.running import Running
from rule_engine.domain.execution.state import NOWHERE, Frame, State
from rule_engine.domain.execution.step import Step


def jump(program: Program, state: State, block: str, reason: str, now: datetime) -> Step:
    """Cancels what is open, with the reason, and starts the block with this name. Raises `RunError`."""
    if state.outcome is not None:
        raise RunError("the workflow has ended")
    if not state.has_begun:
        raise RunError("the workflow has not begun: there is nothing to go on from")
    path, run = _place(program, block), Running(program, state, now)
    frame = _around(run, path)
    _refuse_unreachable(run, frame, path)
    _cancel_inside(run, frame, reason)
    frame = _enter(run, frame.step, path, len(frame.path))
    run.open(frame, path[-1], 0, {})
    return run.result()


def _place(program: Program, name: str) -> Path:
    """Where the block with this name stands; blocks that compiling makes have none, its rules that of their block."""
    places = {
        program.at(path).name: path
        for path in reversed(program.positions_of_blocks)  # what stands around a rule of its name counts
        if isinstance(program.at(path), RuleBlock) or program.type_at(path).written
    }
    if name not in places:
        raise RunError(unknown("block", name, places, "in the workflow"))
    return places[name]


def _around(run: Running, path: Path) -> Frame:
    """The innermost open frame around a place."""
    open_ones = [one for one in run.frames.values() if len(one.path) < len(path) and path[: len(one.path)] == one.path]
    innermost = max(len(one.path) for one in open_ones)
    found = [one for one in open_ones if len(one.path) == innermost]
    if len(found) > 1:
        turns = f"{len(found)} turns of the loop around {run.program.at(path).name} are open"
        raise RunError(f"{turns}: it cannot be said in which one to go on")
    return found[0]


def _refuse_unreachable(run: Running, frame: Frame, path: Path) -> None:
    for depth in range(len(frame.path), len(path)):
        inside, program = path[:depth], run.program
        if program.type_at(inside).outputs_on_jump(program.options_at(inside), path[depth]) is None:
            block = program.container(inside)
            how = f"it is inside {block.name} ({block.block}), of which no branch that leads there is open"
            raise RunError(f"the run cannot go on at {program.at(path).name}: {how}; jump to {block.name}")


def _cancel_inside(run: Running, around: Frame, reason: str) -> None:
    """Nothing of it is told to the frame around: what is under way ends without effect on where the run goes on."""
    for inner in list(run.inside(around.step)):
        run.close(inner.step, "cancelled", reason)
    outputs = run.outputs_in(run.frames[around.step])
    for one in [one for one in run.executions.values() if one.parent == around.step]:
        run.executions[one.step] = one.to(turn=False)
        run.cancel(one.step, reason)
        if run.executions[one.step].ended:
            del run.executions[one.step]  # its row has it
        else:
            run.executions[one.step] = run.executions[one.step].to(parent=NOWHERE)
    run.frames[around.step] = run.frames[around.step].to(inbox=(), held=None, outputs=outputs)


def _enter(run: Running, step: int, path: Path, depth: int) -> Frame:
    """Opens the frames between the one with this step and the target; returns the one around the target."""
    for inside in range(depth, len(path)):
        frame, program = run.frames[step], run.program
        if inside > depth:
            step, around = run.next_step(), frame
            frame = Frame(step=step, path=path[:inside], parent=around.step, started_at=run.now)
            run.frames[step] = frame
            run.write_down(frame, "running")
        if outputs := program.type_at(frame.path).outputs_on_jump(program.options_at(frame.path), path[inside]):
            run.put_out(frame, dict(outputs))
    return run.frames[step]
