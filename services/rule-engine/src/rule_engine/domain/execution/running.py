"""A run while it is being worked on: collects what changes, and gives it as one `Step`."""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID

from contracts.messages.rule_events import RuleState
from contracts.texts import readable_reason
from rule_engine.domain.execution.assignments import Ask, Asked, AssignmentChange, Withdrawn
from rule_engine.domain.execution.program import Block, Program, RuleBlock
from rule_engine.domain.execution.rescheduling import waiting_reason, waits_for_time
from rule_engine.domain.execution.state import ENDED, ROOT, START, Execution, Frame, Note, State
from rule_engine.domain.execution.step import BlockDecision, BlockRecord, Decision, Emission, Step, StopOthers, wake_at
from rule_engine.domain.language.variables import NOTHING_STORED, Assigned, Stored

LEFT = "left the stage"
DELETED = "the item was deleted"


@dataclass(slots=True)
class Running:
    """A run at one moment; its methods change it, `result` tells what changed."""

    program: Program
    state: State
    now: datetime
    frames: dict[int, Frame] = field(init=False)
    executions: dict[int, Execution] = field(init=False)
    steps: int = field(init=False)
    outcome: RuleState | None = field(init=False)
    reason: str | None = field(init=False)
    told: deque[int] = field(init=False)
    """Frames with something in their inbox, in the order in which it came."""
    emissions: list[Emission] = field(init=False)
    decisions: list[Decision] = field(init=False)
    block_decisions: list[BlockDecision] = field(init=False)
    cancellations: list[UUID] = field(init=False)
    assigned: list[Assigned] = field(init=False)
    assignments: list[AssignmentChange] = field(init=False)
    unlocked: list[UUID] = field(init=False)
    stops: list[StopOthers] = field(init=False)
    stored: Stored = NOTHING_STORED
    status: str | None = field(init=False)
    variables: dict[str, Any] = field(init=False)
    over_budget: int = 0
    blocks: dict[int, BlockRecord] = field(init=False)
    changed: dict[int, Execution] = field(init=False)

    def __post_init__(self) -> None:
        state = self.state
        self.frames, self.executions, self.variables = state.frames.copy(), state.executions.copy(), {**state.variables}
        self.steps, self.outcome, self.reason, self.status = state.steps, state.outcome, state.reason, state.status
        self.emissions, self.decisions, self.cancellations = [], [], []
        self.assigned, self.assignments, self.unlocked, self.stops = [], [], [], []
        self.blocks, self.changed, self.block_decisions = {}, {}, []
        self.told = deque([step for step, frame in self.frames.items() for _ in frame.inbox])

    def state_now(self, due_on_entry: str | None) -> State:
        """What of the run is kept; `due_on_entry` as in the state."""
        open_frames = self.frames
        return self.state.to(
            steps=self.steps,
            due_on_entry=due_on_entry,
            frames=open_frames.copy(),
            executions={
                step: one for step, one in self.executions.items() if one.parent in open_frames or not one.ended
            },
            outcome=self.outcome,
            reason=self.reason,
            status=self.status,
            variables=self.variables,
        )

    def result(self) -> Step:
        state = self.state_now(self.state.due_on_entry)
        return Step(
            state=state,
            emissions=tuple(self.emissions),
            decisions=tuple(self.decisions),
            cancellations=tuple(self.cancellations),
            assigned=tuple(self.assigned),
            assignments=tuple(self.assignments),
            unlocked=tuple(self.unlocked),
            stops=tuple(self.stops),
            over_budget=self.over_budget,
            blocks=tuple(self.blocks.values()),
            block_decisions=tuple(self.block_decisions),
            changed=tuple(self.changed.values()),
            wake_at=wake_at(self.program, state, self.now),
        )

    def next_step(self) -> int:
        self.steps += 1
        return self.steps - 1

    # executions of rules

    def rule(self, step: int) -> RuleBlock:
        return self.program.rules_by_path[self.executions[step].path]

    def of_rule(self, rule_id: str) -> Execution | None:
        """The execution of a rule that is meant by its name: one that has not ended, else the last."""
        found = [one for _, one in sorted(self.executions.items()) if one.rule_id == rule_id]
        return next((one for one in found if not one.ended), found[-1] if found else None)

    def set(self, step: int, **changes: object) -> Execution:
        progress = self.executions[step]
        if isinstance(reason := changes.get("reason"), str):
            changes["reason"] = readable_reason(reason)
        if changes.items() <= vars(progress).items():
            return progress
        updated = progress.to(**changes, changed_at=self.now)
        self.executions[step] = self.changed[step] = updated
        return updated

    def end(self, step: int, state: RuleState, reason: str | None = None, **changes: object) -> None:
        """Ends an execution without a decision of its own."""
        self.set(step, state=state, reason=reason, cancelling=None, retry_after=False, **changes)
        self.hand_over(step)

    def hand_over(self, step: int) -> None:
        """Tells the frame around an execution that has ended, if its turn had come.

        In a workflow one that failed keeps its turn: it holds its branch until an operator retries or skips it.
        """
        one = self.executions[step]
        if one.turn and not self._holds(one):
            self.executions[step] = one.to(turn=False)
            note = Note.of(what="ended", child=one.path[-1], outcome=one.state, reason=one.reason)
            self.tell(one.parent, note)

    def _holds(self, one: Execution) -> bool:
        stops = self.program.rules_by_path[one.path].on_failure == "stop"
        return self.program.workflow is not None and one.state in ("failed", "refused") and stops

    def fail(self, step: int, reason: str) -> None:
        """Ends an execution as failed, with a decision that quotes no values."""
        self.end(step, "failed", reason)
        self.decisions.append(Decision(self.rule(step), step, "failed", self.executions[step].reason, {}))

    def cancel(self, step: int, reason: str) -> None:
        """Cancels an execution; one with a command under way when its owner says that nothing was done.

        A new attempt that an operator wanted then is called off.
        """
        progress = self.executions[step]
        asked = progress.cancelling is not None and not progress.retry_after
        if progress.state == "running" and progress.command_id is not None and not asked:
            self.set(step, cancelling=reason, retry_after=False, reason=f"{reason}; its command is being cancelled")
            self.cancellations.append(progress.command_id)
        elif progress.state not in (*ENDED, "running"):
            self.end(step, "cancelled", reason)

    def plan_again(self, step: int, due_at: datetime | None = None) -> None:
        """Puts an execution back to its turn, now or later, and revives what its failure had stopped.

        Without `due_at` an operator has asked for it: it acts now, and its policy counts anew.
        """
        progress = self.executions[step]
        stopped = {stop_reason(self.rule(step), "failed"), stop_reason(self.rule(step), "refused")}
        for later in self.siblings(progress):
            if later.path > progress.path and later.reason in stopped:
                self.set(later.step, state="planned", reason=None)
        self.set(
            step,
            state="planned",
            turn=True,
            reason=None,
            attempt=progress.attempt + 1,
            command_id=None,
            cancelling=None,
            retry_after=False,
            due_at=due_at or self.now,
            manually_scheduled=due_at is None,
            retries=progress.retries if due_at else 0,
            condition_false=False,
        )
        self.outcome = self.reason = None

    def siblings(self, one: Execution) -> list[Execution]:
        """Executions directly inside the same frame."""
        return [other for other in self.executions.values() if other.parent == one.parent]

    # all of them

    def stays(self, rule: RuleBlock) -> bool:
        """Whether leaving the stage does not cancel the rule."""
        return rule.rule_id == self.state.due_on_entry or rule.on_leave in ("finish", "run_now")

    def cancel_all(self, reason: str) -> None:
        """Cancels the rules that do not stay; all of them when the item was deleted."""
        for step in list(self.executions):
            if reason != LEFT or not self.stays(self.rule(step)):
                self.cancel(step, reason)

    # frames

    def tell(self, step: int, note: Note) -> None:
        """Puts a note into a frame's inbox; what is told to one that has ended is lost on it."""
        frame = self.frames.get(step)
        over = step == ROOT and self.outcome is not None
        if frame is not None and not over:
            self.frames[step] = frame.to(inbox=(*frame.inbox, note))
            self.told.append(step)

    def open(self, parent: Frame, index: int, iteration: int, names: dict[str, Any]) -> None:
        """Starts a child of a frame, or gives one that was planned its turn; one that has ended is told of again."""
        path = (*parent.path, index)
        block = self.program.at(path)
        if isinstance(block, Block):
            step = self.next_step()
            self.frames[step] = Frame.of(
                step=step, path=path, parent=parent.step, iteration=iteration, started_at=self.now, names=names
            )
            self.tell(step, START)
            return
        one = next((one for one in self.executions.values() if one.parent == parent.step and one.path == path), None)
        if one is None:
            step = self.next_step()
            one = Execution.of(step=step, rule_id=block.rule_id, path=path, parent=parent.step, due_at=self.now)
            self.executions[step] = one
        if one.ended:
            self.tell(parent.step, Note.of(what="ended", child=index, outcome=one.state, reason=one.reason))
        else:
            self.executions[one.step] = one.to(turn=True)
            if block.enabled and not block.otherwise and waits_for_time(block, one, self.now):
                self.set(one.step, state="waiting", reason=one.reason or waiting_reason(block, one))

    def close(self, step: int, outcome: RuleState, reason: str | None = None) -> None:
        """Ends a frame, with all that is open inside it."""
        frame = self.frames[step]
        self.withdraw(frame)
        self.unlock(frame)
        self.write_down(frame, outcome, reason)
        for inner in list(self.inside(step)):
            self.close(inner.step, "cancelled", reason)
        for one in [one for one in self.executions.values() if one.parent == step and not one.ended]:
            self.cancel(one.step, reason or "not needed any more")
        if frame.parent is None:
            self.frames[step] = frame.to(inbox=(), until=None, awaits=())
            self.outcome, self.reason = outcome, reason
            return
        self._hand_on_outputs(self.frames.pop(step))
        for one in [one for one in self.executions.values() if one.parent == step and one.ended]:
            del self.executions[one.step]  # its row has it
        self.tell(
            frame.parent,
            Note.of(what="ended", child=frame.path[-1], iteration=frame.iteration, outcome=outcome, reason=reason),
        )

    def delete_data(self) -> None:
        """Nothing of an ended run's values is kept but in the journal."""
        self.variables = {}
        self.frames[ROOT] = self.frames[ROOT].to(names={}, outputs={})
        self.executions = {step: one.to(outputs={}) for step, one in self.executions.items()}

    def write_down(self, frame: Frame, state: RuleState, reason: str | None = None) -> None:
        """Into the journal, if blocks of this type are kept there."""
        if self.program.type_at(frame.path).journaled:
            self.blocks[frame.step] = BlockRecord(
                frame.step,
                frame.path,
                frame.parent,
                frame.iteration,
                state,
                reason=readable_reason(reason) if reason else None,
                due_at=frame.until,
                outputs=frame.outputs.get(self.program.container(frame.path).name, {}),
            )

    def put_out(self, frame: Frame, outputs: dict[str, Any]) -> Frame:
        """Outputs of a block, under its name; blocks around it hand them on."""
        name = self.program.container(frame.path).name
        frame = self.frames[frame.step] = frame.to(outputs=frame.outputs | {name: outputs})
        self.write_down(frame, "running")
        return frame

    # assignments

    def ask(self, step: int, employee: UUID, ask: Ask, substitute: UUID | None) -> None:
        """Gives an employee an assignment; its answer comes to the frame as `answers_to(step)`."""
        frame = self.frames[step] = self.frames[step].to(asked=self.frames[step].asked + 1)
        self.assignments.append(Asked(step, frame.path, frame.asked, employee, ask, substitute))

    def withdraw(self, frame: Frame) -> None:
        """The open assignments of a frame are not needed any more."""
        if frame.asked:
            self.assignments.append(Withdrawn(frame.step))

    # locks

    def unlock(self, frame: Frame) -> None:
        """Takes back what a block has locked, or wants to lock."""
        if self.program.type_at(frame.path).locks_with:
            own = [one for one in self.executions.values() if one.parent == frame.step]
            self.unlocked += [one.command_id for one in own if one.command_id]

    # what is inside and around a frame

    def inside(self, step: int) -> Iterator[Frame]:
        """The frames directly inside a frame."""
        return (frame for frame in self.frames.values() if frame.parent == step)

    def _hand_on_outputs(self, frame: Frame) -> None:
        """Blocks after this one can name what rules inside it put out."""
        assert frame.parent is not None  # noqa: S101 - only the root has none, and it stays
        around = self.frames.get(frame.parent)
        if around is not None:
            self.frames[frame.parent] = around.to(outputs=around.outputs | self.outputs_in(frame))

    def outputs_in(self, frame: Frame) -> dict[str, dict[str, Any]]:
        """Outputs of the rules of a frame, and of the blocks inside it that have ended."""
        own = sorted((step, one) for step, one in self.executions.items() if one.parent == frame.step)
        acted = {self.rule(step).name: one.outputs for step, one in own if one.outputs}
        return frame.outputs | acted

    def outputs(self, step: int) -> dict[str, dict[str, Any]]:
        """What can be named as `steps` inside a frame: the outputs of what has ended in it and around it."""
        around = list(self._around(step))
        found: dict[str, dict[str, Any]] = {rule.name: {} for rule in self.program.rules_by_path.values()}
        for frame in reversed(around):
            found |= self.outputs_in(frame)
        return found

    def names(self, step: int) -> dict[str, Any]:
        """What frames add to what can be named inside a frame; the inner ones hide the outer ones."""
        found: dict[str, Any] = {}
        if self.program.workflow:
            started_by = self.frames[ROOT].data.get("started_by")
            about = {"code": self.program.workflow, "status": self.status, "started_by": started_by}
            found = {"local": self.variables, "workflow": about}
            if self.program.constants:
                found["const"] = self.stored.named()["const"] | self.program.constants
        for frame in reversed(list(self._around(step))):
            found |= frame.names
        return found

    def _around(self, step: int | None) -> Iterator[Frame]:
        """A frame and those around it, from the inside to the outside."""
        while step is not None:
            frame = self.frames[step]
            yield frame
            step = frame.parent

    def root(self) -> Frame:
        return self.frames[ROOT]


def stop_reason(rule: RuleBlock, state: RuleState) -> str:
    """Why rules after one that failed or was refused do not act."""
    return f"not run: {rule.name} was {state}" if state == "refused" else f"not run: {rule.name} {state}"
