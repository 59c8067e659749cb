"""Runs of workflows driven on the core: their timers, commands, events and answers, and the journal that results."""

import os
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

from hypothesis import strategies as st

from contracts.messages.results import CommandDone, CommandFailed, CommandRefused, FinalResult
from rule_engine.domain.errors import RunError
from rule_engine.domain.execution.advance import advance, settle
from rule_engine.domain.execution.assignments import Asked, Withdrawn, answers_to
from rule_engine.domain.execution.jumping import jump
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import Entry, State, read_state
from rule_engine.domain.execution.step import RunFacts, Step
from rule_engine.domain.execution.workflows import begin_workflow, receive
from support.runs import REGISTRY, RUN, T0, context

EXAMPLES = int(os.environ.get("WORKFLOW_EXAMPLES", "75"))
FEWER = EXAMPLES // 4
"""For what takes several times as long."""
FINALS = st.lists(st.sampled_from(["done", "done", "done", "refused", "failed"]), min_size=1, max_size=6)
"""How commands end, in turn."""

NOTHING: Mapping[int, str] = {}


class Drive:
    """One way to drive a run until nothing of it is left, or it is held."""

    def __init__(
        self,
        program: Program,
        finals: list[str],
        *,
        crash: bool = False,
        twice: bool = False,
        jumps: Mapping[int, str] = NOTHING,
    ) -> None:
        self.program, self.finals, self.crash, self.twice = program, finals, crash, twice
        self.jumps = jumps
        """After which turns an operator jumps to which block, if that can be done then."""
        self.state: State = begin_workflow(program, {}, {"n": 0}, "user:ann", T0)
        self.now = T0
        self.journal: list[tuple[Any, ...]] = []
        self.waiting: list[Any] = []
        self.wake_at: Any = T0
        self.sent: list[Any] = []
        self.called_off: set[Any] = set()
        self.asked: list[Asked] = []

    def run(self) -> list[tuple[Any, ...]]:
        for turn in range(500):
            if self.wake_at is not None:
                self.now = max(self.now, self.wake_at)
                self._commit(self._advance)
            elif self.waiting:
                self._answer(self.waiting.pop(0))
            else:
                break
            if self.state.finished:
                break
            self._events()
            if turn in self.jumps:
                self._jump(self.jumps[turn])
        assert self.state.finished or self.wake_at is None, "it goes round for ever"
        return self.journal

    def _advance(self) -> Step:
        seen = context()
        entry = Entry(seen.item.id, 1, T0, seen.item)
        return advance(self.program, self.state, entry, seen, self.now, RunFacts(RUN, REGISTRY))

    def _jump(self, block: str) -> None:
        with suppress(RunError):
            self._commit(lambda: jump(self.program, self.state, block, f"jumped to {block}", self.now))

    def _events(self) -> None:
        if any("command.go" in frame.awaits for frame in self.state.frames.values()):
            for _ in range(2 if self.twice else 1):
                self._commit(lambda: receive(self.program, self.state, "command.go", {"by": "ann"}, self.now))
        if self.asked:
            self._vote(self.asked.pop(0))

    def _vote(self, one: Asked) -> None:
        """Every third vote is never cast, every second of the others is a rejection."""
        if (one.step + one.number) % 3 == 0:
            return
        choice = "approve" if (one.step + one.number) % 2 else "reject"
        said = {"employee": str(one.employee), "by": "ann", "choice": choice, "comment": "", "values": {}, "at": "now"}
        for _ in range(2 if self.twice else 1):
            self._commit(lambda: receive(self.program, self.state, answers_to(one.step), said, self.now))

    def _answer(self, command_id: Any) -> None:
        final = self.finals[command_id.int % len(self.finals)]
        made: dict[str, FinalResult] = {
            "done": CommandDone(command_id=command_id, outputs={"said": "x"}),
            "refused": CommandRefused(command_id=command_id, reason="no"),
            "failed": CommandFailed(command_id=command_id, reason="away", retryable=False),
        }
        for _ in range(2 if self.twice else 1):
            self._commit(lambda: settle(self.program, self.state, command_id, made[final], self.now, REGISTRY))

    def _commit(self, make: Any) -> None:
        if self.crash:
            make()  # the process dies before it commits: what it had computed is gone
        step = make()
        for one in step.changed:
            if one.ended:
                self.journal.append(
                    ("rule", self.program.rules_by_path[one.path].name, one.step, one.state, one.reason)
                )
        for block in step.blocks:
            name = self.program.container(block.path).name
            self.journal.append(("block", name, block.step, block.iteration, block.state, block.reason))
        for decision in step.block_decisions:
            name = self.program.container(decision.path).name
            self.journal.append(("chose", name, decision.step, decision.choice, decision.reason, decision.seen))
        for emission in step.emissions:
            assert emission.command_id not in self.sent, "a command was sent twice"
            self.sent.append(emission.command_id)
            self.journal.append(("sent", emission.rule.name, emission.command_id))
        for change in step.assignments:
            self.journal.append(("assignment", change))
            if isinstance(change, Asked):
                self.asked.append(change)
            elif isinstance(change, Withdrawn):
                self.asked = [one for one in self.asked if one.step != change.step]
        called_off = [id for id in step.cancellations if id in self.waiting]
        self.called_off.update(called_off)
        # what is called off is answered behind what was asked before and was not, and before what is new
        kept = [id for id in self.waiting if id not in called_off]
        self.waiting = [*kept, *called_off, *(emission.command_id for emission in step.emissions)]
        self.state = read_state(step.state.stored(), self.program, T0)
        assert self.state == step.state
        self.wake_at = step.wake_at
