"""What must hold, checked from outside: at every commit, and whenever the world is at rest.

The numbers are those of the design's invariants. Each check computes what it expects from the events and the rules as
they were written, not from what the engine says of itself.
"""

from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING
from uuid import UUID

from rule_engine.activities import RunRef
from rule_engine.blocks import BLOCKS
from rule_engine.domain.execution.advance import advance
from rule_engine.domain.execution.planning import Head
from rule_engine.domain.execution.program import Program, RuleBlock
from rule_engine.domain.execution.state import ENDED, RuleProgress, State
from rule_engine.domain.execution.step import RunFacts, Step
from rule_engine.domain.schedule.due import due
from rule_engine.store.commands import SentCommand
from rule_engine.store.runs import Run, RunRow
from simulation.entity import TIMES
from simulation.rules import REGISTRY
from simulation.sim_context import SKEW, TENANT
from simulation.steps import without_pause

if TYPE_CHECKING:
    from simulation.engine import Engine
    from simulation.world import World

type Key = tuple[UUID, str]
"""A rule of a run."""


class Audit:
    """Remembers commands and operators' actions; everything else it looks up in the world.

    `sent` tells the rule of each command, `interfered` the runs that operators have acted on.
    """

    def __init__(self, world: "World") -> None:
        self._world = world
        self.sent: dict[UUID, Key] = {}
        self._not_before: dict[Key, datetime] = {}
        self._postponed_after_leaving: set[Key] = set()
        self._called_off: set[Key] = set()
        self.interfered: set[UUID] = set()
        self._seen_writes = 0

    @property
    def _engine(self) -> "Engine":
        return self._world.engine

    # at every commit

    def on_command(self, run: Run, rule_id: str, sent: SentCommand, now: datetime) -> None:
        """A command is about to be committed."""
        rule, key = next(rule for rule in run.program.rules() if rule.rule_id == rule_id), (run.id, rule_id)
        self._world.sim_context.say("engine commands", sent.id, "of run", run.id, rule.name, rule.type)
        assert sent.id not in self.sent, "2: a command id was given twice"
        self.sent[sent.id] = key
        left = self._has_left(run)
        assert not self._head(run).deleted, "3: a command for an item whose end is known"
        assert not left or stays(run, rule), "3: a command of an entry whose leave is committed"
        assert key not in self._called_off, "1: a command of a rule that an operator cancelled"
        if not (left and rule.on_leave == "run_now") or key in self._postponed_after_leaving:
            assert now >= self._due(run, rule) - 2 * SKEW, "1: a command before its time"
        if run.id not in self.interfered:
            states = self._engine.runs.rows[run.id].state.rules
            before = _before(run.program, rule)
            assert all(states[one.rule_id].state in ENDED for one in before), "1: a command before the rule's turn"

    def _head(self, run: Run) -> Head:
        return self._engine.entries.heads[TENANT, run.item_id]

    def _has_left(self, run: Run) -> bool:
        return self._head(run).last_entry_seq > run.entry.entry_seq

    def _due(self, run: Run, rule: RuleBlock) -> datetime:
        entered_at = run.entry.entered_at
        found = due(rule.run, entered_at, run.entry.snapshot, TIMES, entered_at)
        return self._not_before.get((run.id, rule.rule_id), found.at or entered_at)

    def on_action(self, run: Run, action: str, rule_id: str | None, at: datetime) -> None:
        """An operator's action is about to be committed."""
        self._world.sim_context.say("operator does", action, "of run", run.id, rule_id)
        self.interfered.add(run.id)
        keys = [(run.id, rule.rule_id) for rule in run.program.rules() if rule_id in (None, rule.rule_id)]
        match action.split():
            case ["cancel"]:
                self._called_off.update(keys)
            case ["postpone", "to", until]:
                self._not_before |= dict.fromkeys(keys, datetime.fromisoformat(until))
                if self._has_left(run):
                    self._postponed_after_leaving.update(keys)
            case _:
                self._called_off.difference_update(keys)
                self._not_before |= dict.fromkeys(keys, at)

    def after_commit(self) -> None:
        if self._seen_writes == self._engine.timers.writes:
            return
        self._seen_writes = self._engine.timers.writes
        for run in self._engine.runs.rows.values():
            timer = self._engine.timers.rows.get(run.id)
            waits = timer is not None and timer.wake_at is not None
            assert waits is not run.finished, "4: an unfinished run without a timer, or a finished one with it"

    # at rest

    def at_rest(self) -> None:
        """Everything is delivered and done that can be done now."""
        self._executions_match_timers()
        for row in self._engine.runs.rows.values():
            if not row.finished:
                run = self._with_program(row)
                self._waits_rightly(run)
                self._is_deaf(run)

    def _executions_match_timers(self) -> None:
        timers = self._engine.timers.rows.values()
        waiting = {
            RunRef(tenant=TENANT, run_id=one.run_id, generation=one.generation).workflow_id: one
            for one in timers
            if one.has_execution
        }
        found = {one.ref.workflow_id: one.fires_at for one in self._world.temporal.open()}
        assert found.keys() == waiting.keys(), "12: executions and waiting runs are not the same"
        deviations = [found[id] - timer.wake_at for id, timer in waiting.items() if timer.wake_at]
        assert all(abs(one) <= SKEW for one in deviations), "4: an execution at another time than its timer"

    def _waits_rightly(self, run: Run) -> None:
        left, deleted = self._has_left(run), self._head(run).deleted
        for rule in run.program.rules():
            waits = run.state.rules[rule.rule_id].state in ("planned", "waiting")
            if waits and not _retried(run):
                assert not deleted, "1: a rule waits for an item that is gone"
                assert not left or stays(run, rule), "3: a rule of a left stage waits"
        open_rules = [one for one in run.program.rules() if run.state.rules[one.rule_id].state not in ENDED]
        turn = next((one for one in open_rules if one.enabled), None)
        if turn is None:
            assert self._engine.timers.rows[run.id].failures, "1: an unfinished run with nothing to do"
            return
        progress = run.state.rules[turn.rule_id]
        if progress.state == "running":
            self._waits_for_a_result(progress.command_id, asked_back=left and not stays(run, turn))
        elif not _retried(run):
            self._waits_for_its_time(run, turn, progress, left)

    def _waits_for_a_result(self, command: UUID | None, *, asked_back: bool) -> None:
        assert command in self._engine.commands.rows, "1: a rule waits for a result that came"
        assert not asked_back or command in self._engine.runs.taken_back, "3: a command of a left stage goes on"

    def _waits_for_its_time(self, run: Run, rule: RuleBlock, progress: RuleProgress, left: bool) -> None:
        timer, now = self._engine.timers.rows[run.id], self._world.sim_context.now
        if timer.failures or (timer.wake_at and abs(timer.wake_at - now) <= SKEW):
            return
        if run.id not in self.interfered:
            assert self._due(run, rule) > now or _is_closed(rule, now), "4: a rule is due and does not act"
            assert not (left and rule.on_leave == "run_now"), "1: a rule that was to run on leaving waits"
        assert timer.wake_at == progress.due_at, "4: a timer is set to another time than its rule is due"

    def _is_deaf(self, run: Run) -> None:
        """5: an execution of an old generation writes nothing; an advance without anything new changes nothing."""
        timer = self._engine.timers.rows[run.id]
        self.is_deaf_to_the_past(run, {1, timer.generation - 1} - {timer.generation, 0})
        if timer.wake_at and timer.wake_at > self._world.sim_context.now and not timer.failures:
            once = self._advance(run, run.state)
            done = (*once.emissions, *once.decisions, *once.cancellations)
            assert not done, "5: nothing new, yet a step"
            assert self._advance(run, once.state).state == once.state, "5: nothing new, yet another state"

    def is_deaf_to_the_past(self, run: RunRow, gens: Iterable[int]) -> None:
        writes = self._engine.timers.writes
        for generation in gens:
            without_pause(
                self._engine.activities.advance_run(RunRef(tenant=TENANT, run_id=run.id, generation=generation))
            )
        assert self._engine.timers.writes == writes, "5: an execution of the past wrote something"

    def _advance(self, run: Run, state: State) -> Step:
        now, context = self._world.sim_context.now, self._world.entity.context(run.item_id)
        return advance(run.program, state, run.entry, context, now, RunFacts(run.id, REGISTRY))

    def _with_program(self, row: RunRow) -> Run:
        chains = self._engine.rule_sets.published[row.version - 1][row.stage]
        return row.with_program(chains[row.chain].bound(BLOCKS))


def stays(run: Run, rule: RuleBlock) -> bool:
    """Whether leaving the stage does not take the rule back."""
    return rule.rule_id == run.state.due_on_entry or rule.on_leave in ("finish", "run_now")


def _is_closed(rule: RuleBlock, now: datetime) -> bool:
    """Whether the rule must wait for working time."""
    return rule.run.working != "none" and TIMES.company.next(now) > now


def _retried(run: Run) -> bool:
    return any(progress.attempt for progress in run.state.rules.values())


def _before(program: Program, rule: RuleBlock) -> tuple[RuleBlock, ...]:
    rules = program.rules()
    return rules[: rules.index(rule)]
