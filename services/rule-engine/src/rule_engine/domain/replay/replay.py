"""A replay: every recorded decision decided again, each by itself, on what it saw then."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any
from uuid import UUID

from contracts.contexts import TenantSettings
from rule_engine.domain.execution.program import Path, Program, RuleBlock
from rule_engine.domain.replay.choosing import ChoosingBlock, choosing_blocks, compared_choice
from rule_engine.domain.replay.comparison import DID, NotSaid, Otherwise, Said, Same, compared
from rule_engine.domain.replay.deciding import Acts, Registry, Stays, Unknown, decided
from rule_engine.domain.replay.findings import ReplayFindings
from rule_engine.domain.replay.recorded import EnteredStage, KnownValues, Recorded
from rule_engine.domain.replay.report import Report
from rule_engine.domain.schedule.run_time import Now

GONE = "the rule is not in this version"
DISABLED = "the rule is disabled"
LATER = "a rule that was not there decides after the entry: what it would have seen was not recorded"

type Stages = Mapping[str, Sequence[Program]]
"""Programs by stage."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A rule, and where it stands."""

    stage: str
    program: Program
    path: Path
    rule: RuleBlock


@dataclass(frozen=True)
class Replay:
    """What is replayed: a version, beside those that decided then. `decisions` and `entries`: the newest first."""

    code: str
    version: int | None
    span: tuple[datetime, datetime]
    tenant: TenantSettings
    registry: Registry
    programs: Stages
    before: Mapping[int, Stages]
    decisions: Sequence[Recorded]
    entries: Sequence[EnteredStage]
    examples: int
    cut: Sequence[str] = field(default_factory=tuple)

    def findings(self) -> ReplayFindings:
        """The same replay has the same findings, to the byte."""
        report = Report(self.examples)
        for one in self.decisions:
            if one.block:
                self._play_choice(report, one)
                continue
            new = self._new.get(one.rule_id)
            changed = new is None or new.rule != self._old(one).rule
            report.decision(one, new.rule if new else None, DID[one.state], self._said(one), changed=changed)
        for placed in self._added():
            self._play_entries(report, placed)
        for id, block in self._blocks.items():
            if not any(id in blocks for blocks in self._blocks_before.values()):
                report.added_block(block)
        return report.findings(self.code, self.version, self.span, self.cut)

    def _play_choice(self, report: Report, one: Recorded) -> None:
        old, new = self._blocks_before[one.version].get(one.rule_id), self._blocks.get(one.rule_id)
        changed = old is None or new is None or old.choices != new.choices
        report.choice(one, new, compared_choice(one, old, new, self._known(one)), changed=changed)

    @cached_property
    def _settings(self) -> Mapping[str, Any]:
        return self.tenant.model_dump(mode="json")

    @cached_property
    def _new(self) -> Mapping[str, Placed]:
        return {one.rule.rule_id: one for one in _placed(self.programs)}

    @cached_property
    def _before(self) -> Mapping[int, Mapping[str, Placed]]:
        return {version: {one.rule.rule_id: one for one in _placed(stages)} for version, stages in self.before.items()}

    @cached_property
    def _of_run(self) -> Mapping[tuple[UUID, str], Recorded]:
        """The newest decision of a rule in a run."""
        return {(one.run_id, one.rule_id): one for one in reversed(self.decisions)}

    @cached_property
    def _blocks(self) -> Mapping[str, ChoosingBlock]:
        return choosing_blocks(self.programs)

    @cached_property
    def _blocks_before(self) -> Mapping[int, Mapping[str, ChoosingBlock]]:
        return {version: choosing_blocks(stages) for version, stages in self.before.items()}

    def _old(self, one: Recorded) -> Placed:
        return self._before[one.version][one.rule_id]

    def _said(self, one: Recorded) -> Said:
        new, acted = self._new.get(one.rule_id), DID[one.state] == "acted"
        if new is None or new.stage != one.stage:
            reason = GONE if new is None else f"it stands in the stage {new.stage}"
            return Otherwise("not act", reason) if acted else Same()
        if not new.rule.enabled:
            return Otherwise("not act", DISABLED) if acted else Same()
        if new.rule.otherwise and (said := self._above_acts(one, new)):
            return said if acted or isinstance(said, NotSaid) else Same()
        return compared(one, self._old(one).rule, new.rule, self._known(one), self.registry)

    def _known(self, one: Recorded) -> KnownValues:
        return KnownValues(one.at, self._settings, one.seen, one.snapshot, one.seed)

    def _above_acts(self, one: Recorded, new: Placed) -> Said | None:
        """What becomes of an *else* rule by a rule above it that has changed; null: it decides as it does."""
        above = new.program.at((*new.path[:-1], new.path[-1] - 1))
        assert isinstance(above, RuleBlock)  # noqa: S101 - publishing sees to that
        recorded = self._of_run.get((one.run_id, above.rule_id))
        if recorded is None or self._old(recorded).rule == above:
            return None
        match decided(above, self._known(recorded), self.registry):
            case Stays(state="skipped"):
                return None
            case Unknown(what=what):
                return NotSaid(what)
            case _:
                return Otherwise("not act", f"not run: the condition of {above.name} was not false")

    def _added(self) -> Iterator[Placed]:
        """Rules that no version before had at work."""
        known = {id for rules in self._before.values() for id, one in rules.items() if one.rule.enabled}
        return (one for one in self._new.values() if one.rule.enabled and one.rule.rule_id not in known)

    def _play_entries(self, report: Report, placed: Placed) -> None:
        report.added(placed.stage, placed.rule)
        for entry in self.entries:
            if entry.stage == placed.stage:
                report.entry(entry, placed.stage, placed.rule, self._on_entry(entry, placed))

    def _on_entry(self, entry: EnteredStage, placed: Placed) -> Said:
        if not _decides_on_entry(placed):
            return NotSaid((LATER,))
        match decided(placed.rule, KnownValues(entry.at, self._settings, {}, entry.snapshot), self.registry):
            case Unknown(what=what):
                return NotSaid(what)
            case Stays(state="failed", reason=reason):
                return Otherwise("fail", reason)
            case Stays():
                return Same()
            case Acts() as acts:
                return Otherwise("act", acts.words())


def _decides_on_entry(placed: Placed) -> bool:
    """Whether it is the first rule at work of its chain, and due at once: it sees the item as it entered."""
    first = next((rule for rule in placed.program.rules() if rule.enabled), None)
    now = isinstance(placed.rule.run, Now) and placed.rule.run.working == "none"
    return first is not None and first.rule_id == placed.rule.rule_id and now and placed.program.workflow is None


def _placed(stages: Stages) -> Iterator[Placed]:
    for stage, programs in stages.items():
        for program in programs:
            for path, rule in program.rules_by_path.items():
                yield Placed(stage, program, path, rule)
