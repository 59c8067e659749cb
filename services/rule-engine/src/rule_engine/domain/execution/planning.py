"""Planning: what a batch of an item's events changes. Pure; the caller locks, reads and writes.

A stage change is one entry. Each chain of the stage's rules becomes one run of it; runs of the stage that
the item leaves are cancelled, except rules that were due on entry and those that say otherwise.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID, uuid5

from contracts.envelope import Body, Envelope
from contracts.messages.entity_events import FieldsChanged, ItemDeleted, StageChanged
from rule_engine.domain.execution.advance import begin, leave, redate, refuse
from rule_engine.domain.execution.canaries import Share
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.running import DELETED, LEFT
from rule_engine.domain.execution.state import Entry, State
from rule_engine.domain.execution.step import Step
from rule_engine.domain.execution.workflows import awaited, receive
from rule_engine.domain.schedule.due import Times, parts_for

LEFT_BEFORE_PLANNING = "left before planning"
NOT_ASKED_FOR = "imported without automation"
STAGE_CHANGED, FIELDS_CHANGED = "item.stage_changed", "item.fields_changed"
"""What a workflow calls them when it waits for them."""
NO_RULES = "the pipeline has no published rule set"


@dataclass(frozen=True, slots=True)
class Published:
    """The newest published rule set of a pipeline: its programs by stage; and what a share of the items tries."""

    code: str
    version: int
    programs: Mapping[str, Sequence[Program]]
    canary: "Published | None" = None
    canary_share: int | None = None
    """Of a canary: how many percent of the items run on it."""

    def of(self, tenant: UUID, item: UUID) -> "Published":
        """What an item runs on that enters now."""
        if self.canary is None or self.canary.canary_share is None:
            return self
        share = Share(self.canary.version, self.canary.canary_share)
        return self.canary if share.takes(tenant, self.code, item) else self


def goes_by_people(published: Published | None) -> bool:
    """Whether a rule of it, or of its canary, goes by the clock or the calendar of a person."""
    if published is None:
        return False
    rules = (rule for stage in published.programs.values() for program in stage for rule in program.rules())
    return any(parts_for(rule.run) for rule in rules) or goes_by_people(published.canary)


@dataclass(slots=True)
class Head:
    """How far an item's entries and versions are known."""

    last_entry_seq: int = 0
    last_version: int = 0
    deleted: bool = False


@dataclass(slots=True)
class OpenRun:
    """An unfinished run of the item, from the store or planned a moment ago."""

    id: UUID
    entry: Entry
    program: Program
    state: State


@dataclass(slots=True)
class PlannedEntry:
    """An entry to be recorded, with its runs."""

    event: Envelope[StageChanged]
    published: Published | None
    note: str | None
    runs: list[OpenRun] = field(default_factory=list)
    left: tuple[datetime, str] | None = None
    refused: bool = False
    """The tenant has too many runs."""


@dataclass(slots=True)
class Plan:
    """What the batch changes for one item."""

    head: Head
    entries: list[PlannedEntry] = field(default_factory=list)
    changed: dict[UUID, Step] = field(default_factory=dict)
    """What becomes of stored runs, by id."""
    left_at: tuple[datetime, str] | None = None
    """When and why the entries recorded earlier were left, if they were."""


def plan(
    head: Head,
    events: Iterable[Envelope[Body]],
    open_runs: Sequence[OpenRun],
    published: Mapping[str, Published],
    times: Times,
    refusal: str | None = None,
) -> Plan:
    """What the events, in their order and none of them planned before, do to an item; `published` by pipeline code.

    An event with an older item version does not reschedule rules. With a `refusal` rules of new entries end as refused.
    """
    result = Plan(head)
    for event in events:
        match event.data:
            case StageChanged() if event.data.entry_seq <= head.last_entry_seq:
                result.entries.append(_too_late(event, published, times, LEFT_BEFORE_PLANNING))  # type: ignore[arg-type]
            case StageChanged() if head.deleted:
                result.entries.append(_too_late(event, published, times, DELETED))  # type: ignore[arg-type]
            case StageChanged():
                _leave_all(result, open_runs, LEFT, event.data.at)
                _tell_all(result, open_runs, STAGE_CHANGED, event.data, event.data.at)
                result.entries.append(_enter(event, published, times, refusal))  # type: ignore[arg-type]
                head.last_entry_seq = event.data.entry_seq
                head.last_version = max(head.last_version, event.data.item.version)
            case ItemDeleted():
                _leave_all(result, open_runs, DELETED, event.data.at)
                head.deleted = True
            case FieldsChanged() if event.data.item.version > head.last_version:
                _redate_all(result, open_runs, event.data, times)
                _tell_all(result, open_runs, FIELDS_CHANGED, event.data, event.data.at)
                head.last_version = event.data.item.version
            case _:
                pass
    return result


def _enter(
    event: Envelope[StageChanged], published: Mapping[str, Published], times: Times, refusal: str | None = None
) -> PlannedEntry:
    found = published.get(event.data.to_pipeline)
    if not event.data.automation:
        return PlannedEntry(event, None, NOT_ASKED_FOR)
    if found is None:
        return PlannedEntry(event, None, NO_RULES)
    found, entry = found.of(event.tenant, event.data.item.id), entry_of(event)
    programs = found.programs.get(event.data.to_stage, ())
    runs = [OpenRun(run_id(event, program.chain), entry, program, begin(program, entry, times)) for program in programs]
    if refusal is not None:
        for run in runs:
            run.state = refuse(run.program, run.state, refusal, event.data.at).state
    return PlannedEntry(event, found, None, runs, refused=refusal is not None)


def _too_late(
    event: Envelope[StageChanged], published: Mapping[str, Published], times: Times, reason: str
) -> PlannedEntry:
    """A newer entry, or the item's end, is known already: every rule of this one is cancelled, whenever it is due."""
    planned = _enter(event, published, times)
    for run in planned.runs:
        run.state = leave(run.program, run.state, reason, event.data.at).state
    planned.left = (event.data.at, reason)
    return planned


def _leave_all(result: Plan, open_runs: Sequence[OpenRun], reason: str, at: datetime) -> None:
    for planned in result.entries:
        if planned.left is None or reason == DELETED:
            planned.left = planned.left or (at, reason)
            for run in planned.runs:
                run.state = leave(run.program, run.state, reason, at).state
    for run in open_runs:
        if reason == LEFT and run.program.workflow:
            continue  # it runs on the item, wherever that is
        if reason == LEFT and run.entry.entry_seq != result.head.last_entry_seq:
            continue  # it was left before; what operators have done since stays as it is
        _change(result, run, leave(run.program, run.state, reason, at))
    result.left_at = result.left_at or (at, reason)


def _redate_all(result: Plan, open_runs: Sequence[OpenRun], change: FieldsChanged, times: Times) -> None:
    for run in (run for planned in result.entries for run in planned.runs):
        run.state = redate(run.program, run.state, run.entry, change.item, times, change.at).state
    for run in open_runs:
        _change(result, run, redate(run.program, run.state, run.entry, change.item, times, change.at))


def _tell_all(result: Plan, open_runs: Sequence[OpenRun], name: str, said: Body, at: datetime) -> None:
    """Tells workflows that wait for such an event of their item."""
    for run in open_runs:
        if run.program.workflow and name in awaited(run.state):
            value = said.model_dump(mode="json", exclude={"item"})
            _change(result, run, receive(run.program, run.state, name, value, at))


def _change(result: Plan, run: OpenRun, step: Step) -> None:
    """Notes a step of a stored run, if it changes anything."""
    if step.state != run.state:
        before = result.changed.get(run.id)
        result.changed[run.id] = step if before is None else _both(before, step)
        run.state = step.state


def _both(first: Step, second: Step) -> Step:
    """Two steps of one run as one: the later state, everything either of them asks for."""
    return Step(
        state=second.state,
        blocks=tuple({one.step: one for one in first.blocks + second.blocks}.values()),
        cancellations=first.cancellations + second.cancellations,
        changed=tuple({one.step: one for one in first.changed + second.changed}.values()),
        wake_at=second.wake_at,
    )


def entry_of(event: Envelope[StageChanged]) -> Entry:
    return Entry(event.data.item.id, event.data.entry_seq, event.data.at, event.data.item)


def run_id(event: Envelope[StageChanged], chain: int) -> UUID:
    """Planning the same entry twice gives the same runs."""
    return uuid5(event.tenant, f"{event.id}/{event.data.item.id}/{chain}")
