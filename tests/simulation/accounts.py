"""The accounts at the end of a world: every rule of every entry ended once, with one effect or a reason for none."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from uuid import UUID

from contracts.conditions import compile_condition
from contracts.envelope import Envelope
from contracts.messages.entity_events import StageChanged
from contracts.messages.results import cancel_id
from rule_engine.domain.execution.planning import run_id
from rule_engine.domain.execution.program import RuleBlock
from rule_engine.domain.execution.state import ENDED, RuleProgress
from rule_engine.store.runs import Run
from simulation.audit import stays
from simulation.rules import REGISTRY

if TYPE_CHECKING:
    from simulation.engine import Engine
    from simulation.world import World


class Accounts:
    """Made when no moment is left at which anything is due. The numbers are those of the design's invariants."""

    def __init__(self, world: "World") -> None:
        self._world = world

    @property
    def _engine(self) -> "Engine":
        return self._world.engine

    def at_end(self) -> None:
        """No moment is left at which anything is due."""
        self._nothing_is_pending()
        self._order_is_kept()
        for entry in self._world.entity.entries:
            for run, rule in self._rules_of(entry):
                self._ended_once(run, rule)
        for row in self._engine.runs.rows.values():
            self._world.audit.is_deaf_to_the_past(row, (1, 2))
        self._decisions_are_recorded()
        self._what_is_taken_back_is_asked_back()

    def _nothing_is_pending(self) -> None:
        engine = self._engine
        assert not engine.timers.rows, "12: a timer is left"
        assert not self._world.temporal.open(), "12: an execution is left"
        assert not engine.commands.rows, "12: a command is left without a result"
        assert not engine.timers.deadline_rows, "12: a deadline is left"
        for owner in self._world.owners:
            assert all(command.final for command in owner.commands.values()), "1: a command was never answered"

    def _order_is_kept(self) -> None:
        """8: first publications per key follow the commits."""
        for outbox in (*(owner.outbox for owner in self._world.owners), self._engine.outbox):
            committed: dict[tuple[str, str], dict[str, None]] = defaultdict(dict)
            for topic, message in outbox.history:
                committed[topic, message.key][message.id] = None
            for (topic, key), ids in committed.items():
                assert list(self._published(topic, key)) == list(ids), "8: published in another order than committed"

    def _published(self, topic: str, key: str) -> Mapping[str, None]:
        logs = [log for place, log in self._world.kafka.logs.items() if place.topic == topic]
        return dict.fromkeys(message.id for log in logs for message in log if message.key == key)

    def _rules_of(self, event: Envelope[StageChanged]) -> Iterator[tuple[Run, RuleBlock]]:
        """1: every rule of the stage that the entry was planned with."""
        entry = self._engine.entries.rows.get(UUID(event.id))
        assert entry is not None, "1: an entry was never planned"
        if not event.data.automation:
            assert entry.published is None, "1: rules for an entry that was to start none"
            return
        assert entry.published is not None
        for program in self._engine.rule_sets.published[entry.published.version - 1].get(event.data.to_stage, ()):
            row = self._engine.runs.rows.get(run_id(event, program.chain))
            assert row is not None, "1: a chain has no run"
            assert row.finished, "1: a run never finished"
            yield from ((replace(row, program=program), rule) for rule in program.rules())

    def _ended_once(self, run: Run, rule: RuleBlock) -> None:
        progress = run.state.rules[rule.rule_id]
        commands = [id for id, key in self._world.audit.sent.items() if key == (run.id, rule.rule_id)]
        effects = [owner.effects[id] for id in commands for owner in self._world.owners]
        helper = REGISTRY[rule.type].helper
        assert progress.state in ENDED, "1: a rule never ended"
        assert max(effects, default=0) <= 1, "2: a command had two effects"
        assert sum(effects) == (progress.state == "done" and not helper), f"1: {sum(effects)} effects, {progress.state}"
        if rule.type == "change_stage" or not stays(run, rule):
            found = {self._world.entity.handled_in.get(id, run.entry.entry_seq) for id in commands}
            assert found <= {run.entry.entry_seq}, "3: a command was handled when the item had left"
        assert progress.state == "done" or progress.reason or progress.state == "skipped", "1: ended without a reason"
        if rule.type != "defect":
            assert "defect" not in (progress.reason or "") or _beside_a_defect(run), "a defect of the engine"
        if rule.rule_id == run.state.due_on_entry and run.id not in self._world.audit.interfered:
            self._was_decided_on_the_snapshot(run, rule, progress)

    def _was_decided_on_the_snapshot(self, run: Run, rule: RuleBlock, progress: RuleProgress) -> None:
        """What is due on entry does not depend on how fast the engine was, only on whether it was cancelled at all."""
        if rule.condition is None or rule.otherwise or progress.state == "cancelled" or _beside_a_defect(run):
            return
        holds = compile_condition(rule.condition)({"item": run.entry.snapshot.model_dump(mode="json")}).holds
        assert holds is (progress.state != "skipped"), "1: a rule due on entry saw something else"

    def _decisions_are_recorded(self) -> None:
        decided = Counter(decision.command_id for _, decision in self._engine.decisions.rows if decision.command_id)
        assert decided == Counter(self._world.audit.sent.keys()), "1: commands and their decisions are not the same"

    def _what_is_taken_back_is_asked_back(self) -> None:
        sent = {message.id for _, message in self._engine.outbox.history}
        for command in self._engine.runs.taken_back:
            assert str(command and cancel_id(command)) in sent, "3: a command was to be taken back and is not"

    def outcome(self) -> Any:
        """Everything that hearing old messages again must not change."""
        states = {id: row.state for id, row in self._engine.runs.rows.items()}
        effects = [dict(owner.effects) for owner in self._world.owners]
        finals = [{id: command.final for id, command in owner.commands.items()} for owner in self._world.owners]
        return states, effects, finals, dict(self._world.entity.items)


def _beside_a_defect(run: Run) -> bool:
    return any(rule.type == "defect" for rule in run.program.rules())
