"""The audit: what was found in the world against what must be there. Pure; `reading` gathers the world.

Expectations are made from the stage changes and the rules as they were written, and every effect is looked for where
it arrived: at the peers, in the services' lists, in the events of items.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from uuid import UUID

from chaos.expected import Clients, Entry, Rule, endings


class Fault(StrEnum):
    """What can be wrong; the names are those of `.stack/chaos.json`."""

    LOST = "lost"
    DOUBLED = "doubled"
    LATE = "late_after_leave"
    ORDER = "order_violations"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What the engine says has become of a rule at an entry."""

    item: UUID
    seq: int
    rule: str
    state: str
    reason: str | None
    run: UUID
    command: str | None


@dataclass(frozen=True, slots=True)
class Effect:
    """Something that is there because of a rule; `command` is the one it answers, `at` when, where that is known."""

    where: str
    item: UUID
    rule: str
    command: str | None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that must have come of what was done from outside, so many times."""

    what: str
    found: int
    expected: int = 1
    is_effect: bool = False
    """Whether it counts among the effects; those of rules are counted where they are found."""


@dataclass(frozen=True, slots=True)
class Version:
    """An item as an event tells of it; `entry` is the number of the entry if it is one."""

    item: UUID
    version: int
    entry: int | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """An event about a rule: its state since a revision of its run."""

    item: UUID
    run: UUID
    revision: int
    rule: str
    state: str


@dataclass(kw_only=True)
class World:
    """Everything that was found. `versions` and `said` are in the order of first publication."""

    rules: Sequence[Rule]
    clients: Clients
    entries: Sequence[Entry] = ()
    outcomes: Sequence[Outcome] = ()
    effects: Sequence[Effect] = ()
    deeds: Sequence[Deed] = ()
    versions: Sequence[Version] = ()
    said: Sequence[Said] = ()
    caused: Mapping[str, int] = field(default_factory=dict)
    """How often an event of one kind came of one command."""
    dead_letters: Mapping[str, int] = field(default_factory=dict)
    mail_redelivered: int = 0

    def count_effects(self) -> int:
        return len(self.effects) + sum(deed.found for deed in self.deeds if deed.is_effect)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it must be."""

    fault: Fault
    what: str
    run: UUID | None = None


type Place = tuple[UUID, int]
"""An item and the number of one of its entries."""


class Audit:
    """One world, looked at from all sides."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._outcomes: dict[tuple[UUID, int, str], list[Outcome]] = defaultdict(list)
        for outcome in world.outcomes:
            self._outcomes[outcome.item, outcome.seq, outcome.rule].append(outcome)
        self._by_command: dict[str | None, list[Effect]] = defaultdict(list)
        for effect in world.effects:
            self._by_command[effect.command].append(effect)
        self._entered: dict[Place, Entry] = {(entry.item, entry.seq): entry for entry in world.entries}
        self._rules = {rule.name: rule for rule in world.rules}

    def findings(self) -> list[Finding]:
        """Everything that is wrong."""
        return [
            *self._endings(),
            *self._effects(),
            *self._strangers(),
            *self._late_commands(),
            *self._deeds(),
            *self._order(),
            *self._dead_letters(),
        ]

    # every rule of every entry ended once, as it had to

    def _endings(self) -> Iterator[Finding]:
        for entry in self._world.entries:
            left = (entry.item, entry.seq + 1) in self._entered
            for rule in self._world.rules:
                if (rule.pipeline, rule.stage) == (entry.pipeline, entry.stage):
                    yield from self._ending(rule, entry, left=left)

    def _ending(self, rule: Rule, entry: Entry, *, left: bool) -> Iterator[Finding]:
        found, place = self._outcomes[entry.item, entry.seq, rule.name], _place(entry, rule)
        if not found:
            yield Finding(Fault.LOST, f"{place} was never planned")
        for more in found[1:]:
            yield Finding(Fault.DOUBLED, f"{place} was planned more than once", more.run)
        for outcome in found[:1]:
            before = [one.state for name in rule.before for one in self._outcomes[entry.item, entry.seq, name]]
            allowed = endings(rule, entry, self._world.clients, left=left, before=before)
            if outcome.state not in allowed:
                says = f"{outcome.state} ({outcome.reason})"
                yield Finding(Fault.LOST, f"{place} is {says}, not {' or '.join(sorted(allowed))}", outcome.run)

    # every command had its effect, once, or none

    def _effects(self) -> Iterator[Finding]:
        for outcome in self._world.outcomes:
            if not self._rules[outcome.rule].counted:
                continue
            effects = self._by_command[outcome.command] if outcome.command else []
            own = [one for one in effects if (one.item, one.rule) == (outcome.item, outcome.rule)]
            yield from self._effects_of(outcome, own)

    def _effects_of(self, outcome: Outcome, effects: Sequence[Effect]) -> Iterator[Finding]:
        place = f"{outcome.rule} of item {outcome.item}, entry {outcome.seq}"
        if outcome.state == "done" and not effects:
            yield Finding(Fault.LOST, f"{place} is done, and nothing is there", outcome.run)
        for more in effects[1:]:
            yield Finding(Fault.DOUBLED, f"{place}: {len(effects)} times in {more.where}", outcome.run)
        for effect in effects[:1]:
            if outcome.state == "cancelled":
                yield Finding(Fault.LATE, f"{place} is cancelled, and is in {effect.where}", outcome.run)
            elif outcome.state != "done":
                yield Finding(Fault.DOUBLED, f"{place} is {outcome.state}, and is in {effect.where}", outcome.run)
            elif self._came_late(outcome, effect):
                yield Finding(Fault.LATE, f"{place} came after the item had left: {effect.where}", outcome.run)

    def _came_late(self, outcome: Outcome, effect: Effect) -> bool:
        """Owners that check the guard do so under the item's lock, so their times tell."""
        rule, after = self._rules[outcome.rule], self._entered.get((outcome.item, outcome.seq + 1))
        return not (effect.at is None or after is None or rule.due_on_entry or rule.stays) and effect.at > after.at

    def _strangers(self) -> Iterator[Finding]:
        known = {(one.command, one.item, one.rule) for one in self._world.outcomes}
        for effect in self._world.effects:
            if (effect.command, effect.item, effect.rule) not in known:
                what = f"{effect.rule} of item {effect.item} is in {effect.where}, by no rule's command"
                yield Finding(Fault.DOUBLED, f"{what} ({effect.command})")

    # no command after the engine knew that the item had left

    def _late_commands(self) -> Iterator[Finding]:
        entry_of = {outcome.run: outcome.seq for outcome in self._world.outcomes}
        newest: dict[UUID, int] = defaultdict(int)
        for said in self._world.said:
            seq, rule = entry_of.get(said.run, 0), self._rules[said.rule]
            if said.state == "running" and seq < newest[said.item] and not (rule.due_on_entry or rule.stays):
                what = f"{said.rule} of item {said.item}, entry {seq}, was commanded after entry {newest[said.item]}"
                yield Finding(Fault.LATE, what, said.run)
            newest[said.item] = max(newest[said.item], seq)

    # what was done from outside

    def _deeds(self) -> Iterator[Finding]:
        for deed in self._world.deeds:
            if deed.found != deed.expected:
                fault = Fault.LOST if deed.found < deed.expected else Fault.DOUBLED
                yield Finding(fault, f"{deed.what}: {deed.found} times, not {deed.expected}")
        for what, times in self._world.caused.items():
            if times > 1:
                yield Finding(Fault.DOUBLED, f"{what}: {times} times")

    def _dead_letters(self) -> Iterator[Finding]:
        for topic, count in self._world.dead_letters.items():
            yield Finding(Fault.LOST, f"{count} messages were put aside in {topic}")

    # first publications follow commits

    def _order(self) -> Iterator[Finding]:
        yield from self._order_of_items()
        revisions: dict[UUID, int] = defaultdict(int)
        for said in self._world.said:
            if said.revision < revisions[said.run]:
                what = f"run of item {said.item}: revision {said.revision} after {revisions[said.run]}"
                yield Finding(Fault.ORDER, what, said.run)
            revisions[said.run] = max(revisions[said.run], said.revision)

    def _order_of_items(self) -> Iterator[Finding]:
        versions: dict[UUID, int] = defaultdict(int)
        entries: dict[UUID, int] = defaultdict(int)
        for one in self._world.versions:
            if one.version < versions[one.item]:
                what = f"item {one.item}: version {one.version} after {versions[one.item]}"
                yield Finding(Fault.ORDER, what)
            if one.entry is not None and one.entry != entries[one.item] + 1:
                late = one.entry <= entries[one.item]
                what = f"item {one.item}: entry {one.entry} after {entries[one.item]}"
                yield Finding(Fault.ORDER if late else Fault.LOST, what)
            versions[one.item] = max(versions[one.item], one.version)
            entries[one.item] = max(entries[one.item], one.entry or 0)


def count(findings: Iterable[Finding]) -> dict[str, int]:
    """How many there are of each kind."""
    found = Counter(finding.fault for finding in findings)
    return {fault.value: found[fault] for fault in Fault}


def _place(entry: Entry, rule: Rule) -> str:
    return f"{rule.name} of item {entry.item} ({entry.title}), entry {entry.seq} into {entry.stage}"
