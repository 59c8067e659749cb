"""What an unfinished run waits for, the most urgent first, and what to try next."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.rescheduling import date_path
from rule_engine.domain.execution.state import ROOT, Execution, Frame, State
from rule_engine.domain.execution.step import waits_for_date

LATE = timedelta(minutes=1)
"""A run that is not looked at for so long after it was due is late."""


@dataclass(frozen=True, slots=True)
class SentCommand:
    """A command without a final result: when it was sent, and which service has it."""

    owner: str
    sent_at: datetime


@dataclass(frozen=True, slots=True)
class Look:
    """When the engine looks at the run next, and how often in a row it could not go on then."""

    at: datetime | None
    failures: int = 0


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that a run waits for; `step` and `name` are those of the rule or block, if it is one."""

    urgency: int
    """From 0, which nothing but a person can end, to 5, which ends by itself."""
    what: str
    remedy: str
    step: int | None = None
    name: str | None = None
    until: datetime | None = None


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Looks at one run."""

    program: Program
    state: State
    now: datetime
    look: Look
    commands: Mapping[UUID, SentCommand]
    result_deadline: timedelta

    def findings(self) -> list[Finding]:
        """The most urgent first; empty for a run that is finished."""
        if self.state.finished:
            return []
        found = [*self._whole(), *self._rules(), *self._blocks()]
        return sorted(found, key=lambda one: (one.urgency, one.step or 0))

    def _whole(self) -> Iterator[Finding]:
        if self.state.suspended:
            yield Finding(0, "it is suspended", "resume it")
        if self.look.failures:
            times = "once" if self.look.failures == 1 else f"{self.look.failures} times in a row"
            what = f"it could not go on {times}: a server is away, or a newer release wrote it"
            remedy = "look at the health of rule-engine and entity-service; it goes on by itself when they are back"
            yield Finding(1, what, remedy, until=self.look.at)
        elif self.look.at is not None and self.now - self.look.at > LATE:
            what = f"it should have gone on at {_moment(self.look.at)}"
            yield Finding(1, what, "look at Temporal's health; what is overdue is found within a minute")

    def _rules(self) -> Iterator[Finding]:
        for step, one in sorted(self.state.executions.items()):
            name = self.program.rules_by_path[one.path].name
            if one.turn and one.ended:
                yield Finding(0, f"it {_ended(one)}", "retry or skip it", step, name)
            elif one.state == "running":
                yield self._command(step, name, one)
            elif one.acts_next:
                yield self._turn(step, name, one)

    def _command(self, step: int, name: str, one: Execution) -> Finding:
        sent = self.commands.get(one.command_id) if one.command_id else None
        if sent is None:
            return Finding(3, "its command's result is being taken in", "wait a moment", step, name)
        said = f" ({one.reason})" if one.reason else ""
        since = f"its command is with {sent.owner} since {_moment(sent.sent_at)}{said}"
        if self.now - sent.sent_at > self.result_deadline and not one.reason:
            remedy = f"look at the health of {sent.owner}, and for dead letters; retry cancels the command first"
            return Finding(2, f"{since}, longer than it should be", remedy, step, name)
        return Finding(4, since, f"wait for {sent.owner}", step, name)

    def _turn(self, step: int, name: str, one: Execution) -> Finding:
        rule = self.program.rules_by_path[one.path]
        if waits_for_date(rule, one):
            return Finding(3, f"it waits for {date_path(rule)}", "fill in the date, or run the rule now", step, name)
        if one.due_at is not None and one.due_at > self.now:
            said = f": {one.reason}" if one.reason else ""
            what = f"it is due at {_moment(one.due_at)}{said}"
            return Finding(5, what, "run it now, or postpone it", step, name, one.due_at)
        return Finding(4, "it is due", "wait a moment", step, name)

    def _blocks(self) -> Iterator[Finding]:
        for step, frame in sorted(self.state.frames.items()):
            if step == ROOT or not self.program.type_at(frame.path).journaled:
                continue
            name = self.program.container(frame.path).name
            if frame.held:
                yield Finding(
                    0, f"it cannot go on: {frame.held}", "put that right and retry it, or skip it", step, name
                )
            elif frame.awaits:
                yield Finding(3, _awaited(frame), "tell it, or skip it", step, name, frame.until)
            elif frame.until is not None:
                what = f"it waits until {_moment(frame.until)}"
                yield Finding(5, what, "move it to another moment, or skip it", step, name, frame.until)


def _ended(one: Execution) -> str:
    verb = "was refused" if one.state == "refused" else one.state
    return f"{verb}: {one.reason}" if one.reason else verb


def _awaited(frame: Frame) -> str:
    until = f", until {_moment(frame.until)} at the latest" if frame.until else ""
    return f"it waits for {', '.join(frame.awaits)}{until}"


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
