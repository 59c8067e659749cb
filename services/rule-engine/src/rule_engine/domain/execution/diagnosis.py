"""What an unfinished run waits for, the most urgent first, and what to try next."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
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
    parked: str | None = None
    """Why the broker does not take it, or a message of the item before it; null: it is on its way."""
    put_aside: int = 0
    """Messages of the item that lie among this service's dead letters since it was sent: its result may be one."""


@dataclass(frozen=True, slots=True)
class AskedEmployee:
    """An employee who has not answered yet; `absent_until` null: at work, as far as is known."""

    name: str
    absent_until: datetime | None = None
    substitute: str | None = None
    """Who answers for them until then."""

    def __str__(self) -> str:
        if self.absent_until is None:
            return self.name
        answers = f"{self.substitute} answers for them" if self.substitute else "nobody answers for them"
        return f"{self.name} until {_moment(self.absent_until)} ({answers})"


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
    since: datetime | None = None
    """Null: from when on is not known."""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """Looks at one run."""

    program: Program
    state: State
    now: datetime
    look: Look
    commands: Mapping[UUID, SentCommand]
    result_deadline: timedelta
    asked: Mapping[int, Sequence[AskedEmployee]] = field(default_factory=dict)
    """Whose answers blocks wait for, by step."""
    changed_at: Mapping[int, datetime] = field(default_factory=dict)
    """When rules and blocks last changed, by step."""
    queued_behind: Sequence[UUID] = ()
    """The runs that must end before this one begins, the one that goes on first."""

    def findings(self) -> list[Finding]:
        """The most urgent first; empty for a run that is finished."""
        if self.state.finished:
            return []
        found = [*self._whole(), *self._rules(), *self._blocks()]
        return sorted(found, key=lambda one: (one.urgency, one.step or 0))

    def _whole(self) -> Iterator[Finding]:
        if self.state.suspended:
            yield Finding(0, "it is suspended", "resume it")
        if self.queued_behind:
            what = f"it is queued behind run {self.queued_behind[0]}, which has the same concurrency key"
            if others := len(self.queued_behind) - 1:
                what += f", and behind {others} more"
            yield Finding(4, what, "wait for that run, or terminate it")
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
            name, since = self.program.rules_by_path[one.path].name, self.changed_at.get(step)
            if one.turn and one.ended:
                yield Finding(0, f"it {_ended(one)}", "retry or skip it", step, name, since=since)
            elif one.state == "running":
                yield self._command(step, name, one)
            elif one.acts_next:
                yield replace(self._turn(step, name, one), since=since)

    def _command(self, step: int, name: str, one: Execution) -> Finding:
        sent = self.commands.get(one.command_id) if one.command_id else None
        if sent is None:
            return Finding(3, "its command's result is being taken in", "wait a moment", step, name)
        urgency, what, remedy = self._sent(sent, one)
        return Finding(urgency, what, remedy, step, name, since=sent.sent_at)

    def _sent(self, sent: SentCommand, one: Execution) -> tuple[int, str, str]:
        if sent.parked is not None:
            return 1, f"the broker does not take its command: {sent.parked}", _PARKED
        if sent.put_aside:
            letters = "a message" if sent.put_aside == 1 else f"{sent.put_aside} messages"
            return 1, f"{letters} about the item could not be taken in, maybe its result", _PUT_ASIDE
        since = f"its command is with {sent.owner} since {_moment(sent.sent_at)}"
        if one.reason:
            return 4, f"{since} ({one.reason})", f"wait for {sent.owner}, or cancel the rule to go on without it"
        if self.now - sent.sent_at > self.result_deadline:
            remedy = (
                f"look at the health of {sent.owner}, and for dead letters (`stack dlq list --service {sent.owner}`);"
                " retry cancels the command first"
            )
            return 2, f"{since}, longer than it should be", remedy
        return 4, since, f"wait for {sent.owner}"

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
            if found := self._block(step, frame):
                urgency, what, remedy = found
                name = self.program.container(frame.path).name
                since = self.changed_at.get(step) if frame.held else frame.started_at
                yield Finding(urgency, what, remedy, step, name, None if frame.held else frame.until, since)

    def _block(self, step: int, frame: Frame) -> tuple[int, str, str] | None:
        if frame.held:
            return 0, f"it cannot go on: {frame.held}", "put that right and retry it, or skip it"
        if asked := self.asked.get(step):
            return _employees(asked, frame)
        if frame.awaits:
            return 3, f"it waits for {', '.join(frame.awaits)}{_at_the_latest(frame)}", "tell it, or skip it"
        if frame.until is not None:
            return 5, f"it waits until {_moment(frame.until)}", "move it to another moment, or skip it"
        return None


_PARKED = "an operator of the platform looks at `stack dlq parked`, puts that right, and releases the row"
_PUT_ASIDE = "an operator of the platform looks at `stack dlq list --service rule-engine`, and replays them"


def _ended(one: Execution) -> str:
    verb = "was refused" if one.state == "refused" else one.state
    return f"{verb}: {one.reason}" if one.reason else verb


def _employees(asked: Sequence[AskedEmployee], frame: Frame) -> tuple[int, str, str]:
    """Somebody who is away for as long as there is time, or longer, answers only if somebody does something."""
    what = f"it waits for {_and([one.name for one in asked])}{_at_the_latest(frame)}"
    away = [one for one in asked if one.absent_until is not None]
    if not away:
        return 3, what, "ask them, let them delegate it, or skip it"
    what = f"{what}; absent: {_and([str(one) for one in away])}"
    if all(one.substitute for one in away):
        return 3, what, "ask who answers for them, let them delegate it, or skip it"
    return 2, what, "delegate it to somebody who is there, answer for them, or skip it"


def _and(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


def _at_the_latest(frame: Frame) -> str:
    return f", until {_moment(frame.until)} at the latest" if frame.until else ""


def _moment(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
