"""What must become of a rule, read off the rule set as its author wrote it, without any code of the engine's own."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

UNGUARDED = ("send_sms", "send_email", "notify_supervisor", "notify_employee", "create_document", "create_qr_code")
"""The owners of all others refuse a command when the item has left, so leaving may also be answered by a refusal."""


@dataclass(frozen=True, slots=True)
class Entry:
    """An item came into a stage; `client` is its first contact, `amount` what it comes to in minor units."""

    event: str
    item: UUID
    title: str
    pipeline: str
    stage: str
    seq: int
    at: datetime
    client: UUID | None = None
    amount: int = 0
    refused: bool = False
    """Whether the item lacks what the rule that `may_be_refused` needs."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. `before` are those above it in its chain."""

    pipeline: str
    stage: str
    name: str
    type: str
    due_on_entry: bool
    stays: bool
    far: bool
    more_than: int | None
    before: tuple[str, ...]
    counted: bool = True
    """Whether its effects are among those that the audit counts by command; others are told as deeds."""
    may_be_refused: bool = False
    contested: bool = False
    """Whether it needs what only one item gets."""

    def is_due_at_leaving(self) -> bool:
        """Whether it is to act even if the item has left."""
        return (self.due_on_entry or self.stays) and self.type != "change_stage"


@dataclass(frozen=True, slots=True)
class Clients:
    """Those who cannot be reached in some way, and so stop a rule."""

    without_phone: frozenset[UUID] = frozenset()
    opted_out: frozenset[UUID] = frozenset()

    @classmethod
    def all_of(cls, several: Iterable["Clients"]) -> "Clients":
        found = list(several)
        return cls(
            frozenset().union(*(one.without_phone for one in found)),
            frozenset().union(*(one.opted_out for one in found)),
        )


def read_rules(documents: Sequence[Mapping[str, Any]]) -> list[Rule]:
    """The rules of rule sets (the `spec` of each)."""
    return [
        rule
        for document in documents
        for stage, written in document["stages"].items()
        for rule in _of_stage(document["pipeline"], stage, written["rules"])
    ]


def _of_stage(pipeline: str, stage: str, written: Sequence[Mapping[str, Any]]) -> Iterator[Rule]:
    before: tuple[str, ...] = ()
    for one in written:
        if one.get("execution", "wait") == "parallel":
            before = ()
        run = one.get("run", {"when": "now"})
        yield Rule(
            pipeline=pipeline,
            stage=stage,
            name=one["name"],
            type=one["type"],
            due_on_entry=not before and run["when"] == "now",
            stays=one.get("on_leave", "cancel") != "cancel",
            far="months" in run,
            more_than=one["condition"]["value"]["amount"] if "condition" in one else None,
            before=before,
        )
        before = (*before, one["name"])


def endings(rule: Rule, entry: Entry, clients: Clients, *, left: bool, before: Sequence[str]) -> set[str]:
    """The states in which the rule may be for good; `before` are those that the rules above it ended in."""
    if not {"failed", "refused"}.isdisjoint(before):
        return {"cancelled"}
    if rule.far:
        return {"cancelled"} if left else {"waiting"}
    acting = _acting(rule, entry, clients)
    if not left or rule.is_due_at_leaving():
        return acting
    return acting | {"cancelled"} | ({"refused"} if rule.type not in UNGUARDED else set())


def _acting(rule: Rule, entry: Entry, clients: Clients) -> set[str]:
    """What may come of it when it acts."""
    if rule.may_be_refused and entry.refused:
        return {"failed", "refused"}
    if rule.contested:
        return {"done", "refused"}
    if rule.more_than is not None and entry.amount <= rule.more_than:
        return {"skipped"}
    if rule.type == "send_sms" and entry.client in clients.without_phone:
        return {"failed"}
    if rule.type == "send_email" and entry.client in clients.opted_out:
        return {"refused"}
    return {"done"}


def certain_effects(rules: Sequence[Rule], entry: Entry, clients: Clients) -> int:
    """How many effects the entry has however soon the item leaves."""
    there = [rule for rule in rules if (rule.pipeline, rule.stage) == (entry.pipeline, entry.stage)]
    return sum(endings(rule, entry, clients, left=True, before=()) == {"done"} for rule in there)
