"""Collects what happens in a simulation: totals, days, rules, and the traces of the first items."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from itertools import accumulate
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import JsonValue

from contracts.contexts import ItemContext
from contracts.envelope import Body
from contracts.messages.comms import SendMessage
from contracts.messages.rule_events import RuleState
from rule_engine.domain.execution.assignments import Asked
from rule_engine.domain.execution.planning import OpenRun
from rule_engine.domain.execution.program import RuleBlock
from rule_engine.domain.execution.state import ENDED
from rule_engine.domain.execution.step import BlockRecord, Emission, Step
from rule_engine.domain.simulation.findings import (
    Collision,
    Cycle,
    DaySummary,
    Findings,
    LimitHit,
    ManyMessages,
    ReasonCount,
    RuleSummary,
    Totals,
    Trace,
    TraceLine,
)

MAX_TRACED = 4_000_000
"""Characters of all traces."""
MAX_TEXT = 2_000
"""Characters of one text in a trace."""
MAX_ROWS = 500
"""Of collisions, circles, clients with many messages, and different reasons of a rule."""
_LINE = 200
"""Characters of a line beside its details."""
_HIDDEN = {"item_id", "actor", "origin", "expect_entry_seq", "sent_by", "data"}
_ENDS: tuple[RuleState, ...] = ("done", "skipped", "refused", "failed", "cancelled")

type _RuleKey = tuple[str, str, str, str]
"""Rule set or workflow, stage, name, type."""


@dataclass(slots=True)
class _Tally:
    ends: Counter[str] = field(default_factory=Counter)
    reasons: Counter[str] = field(default_factory=Counter)
    commands: int = 0
    first_at: datetime | None = None
    last_at: datetime | None = None

    def at(self, now: datetime) -> None:
        self.first_at = self.first_at or now
        self.last_at = now

    def add(self, other: "_Tally") -> None:
        self.ends.update(other.ends)
        self.reasons.update(other.reasons)
        self.commands += other.commands
        self.first_at = min(filter(None, (self.first_at, other.first_at)), default=None)
        self.last_at = max(filter(None, (self.last_at, other.last_at)), default=None)


@dataclass(slots=True)
class _Day:
    ends: Counter[str] = field(default_factory=Counter)
    commands: Counter[str] = field(default_factory=Counter)
    entered: int = 0
    messages: int = 0

    def add(self, other: "_Day") -> None:
        self.ends.update(other.ends)
        self.commands.update(other.commands)
        self.entered += other.entered
        self.messages += other.messages


@dataclass(slots=True)
class _Seen:
    """Something that is told once, of where it happened first, with how often it did."""

    item: UUID
    at: datetime
    values: list[JsonValue]
    times: int = 1

    def with_(self, other: "_Seen") -> "_Seen":
        first = min(self, other, key=lambda one: (one.at, one.item))
        return replace(first, times=self.times + other.times)


@dataclass(slots=True)
class Report:
    """What has happened so far; `traced` items have a trace."""

    zone: ZoneInfo
    traced: tuple[UUID, ...]
    messages_per_day: int
    days: dict[date, _Day] = field(default_factory=dict)
    rules: dict[_RuleKey, _Tally] = field(default_factory=dict)
    messages: dict[tuple[date, str], Counter[str]] = field(default_factory=dict)
    collisions: dict[tuple[str, str, str], _Seen] = field(default_factory=dict)
    circles: dict[str, _Seen] = field(default_factory=dict)
    limits: Counter[str] = field(default_factory=Counter)
    traces: dict[UUID, list[TraceLine]] = field(default_factory=dict)
    room: int = MAX_TRACED
    cut: dict[str, None] = field(default_factory=dict)
    items: int = 0
    runs: int = 0
    decisions: int = 0
    open_changes: Counter[datetime] = field(default_factory=Counter)
    """By moment: how many more runs are unfinished after it than before."""
    open: int = 0
    most_open: int = 0
    """Runs unfinished at one time, and within a moment."""
    _looked_at: datetime | None = None
    """The moment whose day was found last: much happens at one."""
    _date: date = date.min

    # what happens

    def arrived(self, item: UUID) -> None:
        self.items += 1
        if item in self.traced:
            self.traces[item] = []

    def entered(self, context: ItemContext, by: str, now: datetime) -> None:
        self._day(now).entered += 1
        self._line(context.item.id, now, "entered", name=context.item.stage, reason=f"by {by}")

    def changed(self, item: UUID, fields: tuple[str, ...], by: str, now: datetime) -> None:
        self._line(item, now, "changed", name=", ".join(fields), reason=f"by {by}")

    def received(self, item: UUID, name: str, now: datetime) -> None:
        self._line(item, now, "received", name=name)

    def open_changed(self, change: int, now: datetime) -> None:
        """So many more runs are unfinished."""
        self.open += change
        self.open_changes[now] += change
        self.most_open = max(self.most_open, self.open)

    def planned(self, code: str, run: OpenRun, now: datetime) -> None:
        """A run has begun."""
        self.runs += 1
        if run.entry.item_id not in self.traces:
            return
        if run.program.workflow:
            self._line(run.entry.item_id, now, "planned", of=code, name=code)
        for one in run.state.executions.values():
            rule = run.program.rules_by_path[one.path]
            self._line(
                run.entry.item_id, now, "planned", code, rule.name, one.state, reason=one.reason, due_at=one.due_at
            )

    def took(self, code: str, run: OpenRun, step: Step, now: datetime) -> None:
        """A step of a run."""
        self.decisions += len(step.decisions)
        if step.over_budget:
            self.limits["decisions that took more work than one may"] += step.over_budget
        for emission in step.emissions:
            self._sent(code, run, emission, now)
        is_traced = run.entry.item_id in self.traces
        for one in step.changed:
            rule = run.program.rules_by_path[one.path]
            if one.state in ENDED:
                self._ended((code, run.program.stage, rule.name, rule.type), one.state, one.reason, now)
                self._day(now).ends[one.state] += 1
            if is_traced:
                self._line(run.entry.item_id, now, "rule", code, rule.name, one.state, one.reason, one.due_at)
        for block in step.blocks:
            self._block(code, run, block, now)
        for asked in step.assignments:
            if isinstance(asked, Asked):
                name, to = run.program.container(asked.path).name, f"to {asked.employee}"
                self._line(run.entry.item_id, now, "asked", code, name, reason=to, due_at=asked.ask.due_at)

    def collided(self, field: str, first: str, second: str, item: UUID, values: list[JsonValue], now: datetime) -> None:
        """The second rule wants something else of a field than the first one did a short time ago."""
        _count(self.collisions, (field, first, second), _Seen(item, now, values))
        self._line(item, now, "collision", name=field, reason=f"{second} after {first}")

    def circled(self, reason: str, item: UUID, now: datetime) -> None:
        _count(self.circles, reason, _Seen(item, now, []))
        self._line(item, now, "circle", reason=reason)

    def hit(self, what: str) -> None:
        """A limit."""
        self.limits[what] += 1

    # how it is kept

    def _day(self, now: datetime) -> _Day:
        if now is not self._looked_at:
            self._looked_at, self._date = now, now.astimezone(self.zone).date()
        found = self.days.get(self._date)
        if found is None:
            found = self.days[self._date] = _Day()
        return found

    def _ended(self, key: _RuleKey, state: RuleState, reason: str | None, now: datetime) -> None:
        tally = self._tally(key, now)
        tally.ends[state] += 1
        if reason and state != "done" and (reason in tally.reasons or len(tally.reasons) < MAX_ROWS):
            tally.reasons[reason] += 1

    def _tally(self, key: _RuleKey, now: datetime) -> _Tally:
        found = self.rules.get(key)
        if found is None:
            found = self.rules[key] = _Tally()
        found.at(now)
        return found

    def _block(self, code: str, run: OpenRun, block: BlockRecord, now: datetime) -> None:
        name = run.program.container(block.path).name
        if block.state in ENDED:
            self._ended((code, run.program.stage, name, ""), block.state, block.reason, now)
        outputs = dict(block.outputs) or None
        self._line(
            run.entry.item_id, now, "block", code, name, block.state, block.reason, block.due_at, details=outputs
        )

    def _sent(self, code: str, run: OpenRun, emission: Emission, now: datetime) -> None:
        rule, body = emission.rule, emission.body
        self._tally((code, run.program.stage, rule.name, rule.type), now).commands += 1
        day = self._day(now)
        day.commands[body.TYPE] += 1
        if isinstance(body, SendMessage):
            day.messages += 1
            key = (self._date, body.to)
            self.messages.setdefault(key, Counter())[rule.name] += 1
        if run.entry.item_id in self.traces:
            self._line(run.entry.item_id, now, "command", code, rule.name, details=shown(body))

    def _line(  # noqa: PLR0913 - what a line has
        self,
        item: UUID,
        now: datetime,
        what: str,
        of: str = "",
        name: str = "",
        state: str = "",
        reason: str | None = None,
        due_at: datetime | None = None,
        details: dict[str, JsonValue] | None = None,
    ) -> None:
        lines = self.traces.get(item)
        if lines is None:
            return
        self.room -= _LINE + (len(str(details)) if details else 0)
        if self.room < 0:
            self.cut["the traces: they are longer than an answer may be; ask for fewer"] = None
            return
        lines.append(
            TraceLine(at=now, what=what, of=of, name=name, state=state, reason=reason, due_at=due_at, details=details)
        )

    # what is answered

    def add(self, other: "Report") -> None:
        """What has happened elsewhere to other items, at the same time."""
        for day, kept in other.days.items():
            self.days.setdefault(day, _Day()).add(kept)
        for rule, tally in other.rules.items():
            self.rules.setdefault(rule, _Tally()).add(tally)
        for client, by_rule in other.messages.items():
            self.messages.setdefault(client, Counter()).update(by_rule)
        for pair, collision in other.collisions.items():
            _count(self.collisions, pair, collision)
        for why, circle in other.circles.items():
            _count(self.circles, why, circle)
        self.limits.update(other.limits)
        both = self.traces | other.traces
        self.traces = {id: both[id] for id in self.traced if id in both}
        self.cut |= other.cut
        self.items += other.items
        self.runs += other.runs
        self.decisions += other.decisions
        self.open += other.open
        self.most_open += other.most_open
        self.open_changes.update(other.open_changes)

    def findings(self, begin: datetime, until: datetime, items: Iterable[ItemContext]) -> Findings:
        """All of it; `until` is how far the simulation has come."""
        by_id = {one.item.id: one.item for one in items}
        return Findings(
            from_=begin,
            until=until,
            totals=self._totals(),
            days=[_day_summary(day, kept) for day, kept in sorted(self.days.items())],
            rules=[_rule_summary(key, tally) for key, tally in sorted(self.rules.items())],
            collisions=[
                Collision(field=f, first=a, second=b, times=s.times, item_id=s.item, at=s.at, values=s.values)
                for (f, a, b), s in _most(self.collisions)
            ],
            circles=[Cycle(reason=why, times=s.times, item_id=s.item, at=s.at) for why, s in _most(self.circles)],
            limits=[LimitHit(what=what, times=times) for what, times in sorted(self.limits.items())],
            many_messages=self._many_messages(),
            traces=[_trace(by_id[id], lines) for id, lines in self.traces.items()],
            cut=list(self.cut),
        )

    def _totals(self) -> Totals:
        return Totals(
            items=self.items,
            runs=self.runs,
            decisions=self.decisions,
            commands=sum(day.commands.total() for day in self.days.values()),
            messages=sum(day.messages for day in self.days.values()),
            most_open_runs=max(accumulate(change for _, change in sorted(self.open_changes.items())), default=0),
            open_at_end=self.open,
        )

    def _many_messages(self) -> list[ManyMessages]:
        many = sorted((key, rules) for key, rules in self.messages.items() if rules.total() > self.messages_per_day)
        if len(many) > MAX_ROWS:
            self.cut[f"clients with many messages: {len(many)} rows, the first {MAX_ROWS} are shown"] = None
        return [
            ManyMessages(date=day, to=to, messages=rules.total(), rules=sorted(rules))
            for (day, to), rules in many[:MAX_ROWS]
        ]


def _count[K](kept: dict[K, _Seen], key: K, seen: _Seen) -> None:
    kept[key] = kept[key].with_(seen) if key in kept else seen


def _most[K: (str, tuple[str, str, str])](kept: Mapping[K, _Seen]) -> list[tuple[K, _Seen]]:
    """The most frequent first; among equals the earliest."""
    return sorted(kept.items(), key=lambda one: (-one[1].times, one[1].at, one[0]))[:MAX_ROWS]


def _day_summary(day: date, kept: _Day) -> DaySummary:
    ends = {end: kept.ends[end] for end in _ENDS}
    commands = dict(sorted(kept.commands.items()))
    return DaySummary(date=day, entered=kept.entered, commands=commands, messages=kept.messages, **ends)


def _rule_summary(key: _RuleKey, tally: _Tally) -> RuleSummary:
    of, stage, rule, type = key
    reasons = sorted(tally.reasons.items(), key=lambda one: (-one[1], one[0]))[:5]
    return RuleSummary(
        of=of,
        stage=stage,
        rule=rule,
        type=type,
        commands=tally.commands,
        first_at=tally.first_at,
        last_at=tally.last_at,
        reasons=[ReasonCount(reason=reason, times=times) for reason, times in reasons],
        **{end: tally.ends[end] for end in _ENDS},
    )


def _trace(item: Any, lines: list[TraceLine]) -> Trace:
    return Trace(item_id=item.id, title=item.title, pipeline=item.pipeline, stage=item.stage, lines=lines)


def shown(body: Body) -> dict[str, JsonValue]:
    """A command for people: its type and what is in it, long texts cut."""
    inside = body.model_dump(mode="json", exclude_defaults=True, exclude=_HIDDEN)
    return {"type": body.TYPE} | {name: _cut(value) for name, value in inside.items()}


def _cut(value: Any) -> Any:
    return value[:MAX_TEXT] + "…" if isinstance(value, str) and len(value) > MAX_TEXT else value


def rule_in(run: OpenRun, rule: RuleBlock) -> str:
    """How a rule is named in findings: `new/greet`, `follow-up/thank`."""
    return f"{run.program.workflow or run.program.stage}/{rule.name}"
