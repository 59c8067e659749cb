"""Gathers the world for the audit: from public APIs, Kafka's topics, and the peers."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from chaos import topics as kafka
from chaos.audit import Deed, Effect, Outcome, Said, Version, World
from chaos.callers import Json
from chaos.expected import Clients, Entry
from chaos.shop import Shop
from contracts import topics
from contracts.envelope import Envelope
from contracts.messages.entity_events import FieldsChanged, ItemCreated, PaymentChanged, StageChanged
from contracts.messages.results import CommandDone
from contracts.messages.rule_events import RunChanged
from contracts.values import ItemSnapshot

MARK = re.compile(r"(\w+) \[([^\]]+)\]")
"""How every text of the shop's rules begins: the rule, the item's title."""
MOST_REVISIONS = 200
CARE, CARED = "care", 3
"""The task that the workflow creates in each turn of its loop, and its turns."""

type Message = Envelope[Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """All that was said on the topics that tell of items and rules."""

    events: Sequence[Message]
    rules: Sequence[Message]
    results: Sequence[Message]

    def of[B](self, kind: type[B]) -> Iterator[tuple[Message, B]]:
        return ((one, one.data) for one in self.events if isinstance(one.data, kind))


async def listen(bootstrap: str, tenants: Collection[UUID]) -> Heard:
    """Everything that was ever said of these tenants."""
    results = [
        one
        for topic in (topics.ENTITY_RESULTS, topics.DOC_RESULTS, topics.COMMS_RESULTS)
        for one in await kafka.read_all(bootstrap, topic, tenants)
    ]
    events, rules = [
        await kafka.read_all(bootstrap, topic, tenants) for topic in (topics.ENTITY_EVENTS, topics.RULE_EVENTS)
    ]
    return Heard(events, rules, results)


async def read_world(shops: Sequence[Shop], bootstrap: str, neighbour: UUID | None = None) -> World:
    """The world of shops that have the stack for themselves, but for one neighbour."""
    heard = await listen(bootstrap, [shop.tenant for shop in shops])
    entries = [_entry(one, data) for one, data in heard.of(StageChanged)]
    reader = Reader(shops, heard, entries)
    others = await kafka.ids_of(bootstrap, topics.COMMS_COMMANDS, neighbour) if neighbour else frozenset()
    mails = [one for one in await shops[0].visitor.get("mail", "/mails") if command_of(one) not in others]
    messages = [
        one for one in await shops[0].visitor.get("sms", "/messages") if one["key"].partition(".")[0] not in others
    ]
    return World(
        rules=shops[0].rules,
        clients=Clients.all_of(shop.clients for shop in shops),
        entries=entries,
        outcomes=[one async for one in reader.outcomes()],
        effects=[one async for one in reader.effects(mails, messages)],
        deeds=[one async for one in reader.deeds()],
        versions=list(_versions(heard)),
        said=list(_said(heard)),
        caused=_caused(heard),
        dead_letters=await kafka.dead_letters(bootstrap, neighbour),
        mail_redelivered=len(mails) - len({mail["message_id"] for mail in mails}),
    )


def _entry(message: Message, data: StageChanged) -> Entry:
    item = data.item
    return Entry(
        event=message.id,
        item=item.id,
        title=item.title,
        pipeline=data.to_pipeline,
        stage=data.to_stage,
        seq=data.entry_seq,
        at=data.at,
        client=next(iter(item.contact_ids), None),
        amount=item.amount.amount if item.amount else 0,
    )


def _versions(heard: Heard) -> Iterator[Version]:
    for message in heard.events:
        item: ItemSnapshot | None = getattr(message.data, "item", None)
        if item is not None:
            entry = message.data.entry_seq if isinstance(message.data, StageChanged) else None
            yield Version(item.id, item.version, entry)


def _said(heard: Heard) -> Iterator[Said]:
    for message in heard.rules:
        data: RunChanged = message.data
        if data.workflow:
            continue
        yield Said(data.item_id, data.run_id, _revision(message.id, data), data.rule, data.state)


def _revision(id: str, data: RunChanged) -> int:
    """The id of such an event is made from the run's revision."""
    numbers = range(1, MOST_REVISIONS)
    return next(one for one in numbers if str(uuid5(data.run_id, f"{one}/{data.step}")) == id)


def _caused(heard: Heard) -> Mapping[str, int]:
    """Facts by the command that they came of; an invoice that a payment settles is an item of its own."""
    commands = {str(one.data.command_id) for one in heard.results}
    caused = [one for one in heard.events if one.causation in commands]
    return Counter(f"{one.type} of {one.key} by command {one.causation}" for one in caused)


class Reader:
    """What the shops' people and their peers can see."""

    def __init__(self, shops: Sequence[Shop], heard: Heard, entries: Sequence[Entry]) -> None:
        self._shops = shops
        self._heard = heard
        self._titles = {entry.item: entry.title for entry in entries}
        self._deals = {entry.title: entry.item for entry in entries if entry.pipeline == "sales"}
        self._made_by = dict(_made_by(heard.results))

    async def outcomes(self) -> AsyncIterator[Outcome]:
        for shop in self._shops:
            async for item in shop.seller.list("entity-service", "/v1/items"):
                view = await shop.seller.send("GET", "rule-engine", f"/v1/automation/items/{item['id']}", [404])
                for outcome in _outcomes(UUID(item["id"]), view.json()):
                    yield outcome

    async def effects(self, mails: Sequence[Json], messages: Sequence[Json]) -> AsyncIterator[Effect]:
        """At the peers, in the services' lists, in the events of items."""
        for sms in messages:
            yield self._marked("SMS", sms["text"], sms["key"].partition(".")[0])
        for mail in {mail["message_id"]: mail for mail in mails}.values():
            yield self._marked("mails", mail["subject"], command_of(mail))
        for shop in self._shops:
            async for effect in self._of_shop(shop):
                yield effect
        for effect in self._of_events():
            yield effect

    def _marked(self, where: str, text: str, command: str | None) -> Effect:
        rule, title = _read_mark(text)
        return Effect(where, self._deals[title], rule, command)

    async def _of_shop(self, shop: Shop) -> AsyncIterator[Effect]:
        async for one in shop.head.list("comms-service", "/v1/notifications"):
            yield self._marked("notifications", one["text"], self._made_by.get(one["id"]))
        async for task in shop.seller.list("entity-service", "/v1/tasks"):
            item, (rule, title) = UUID(task["item_id"]), _read_mark(task["name"])
            if rule == CARE:
                continue  # of a workflow: counted as deeds
            at = datetime.fromisoformat(task["created_at"])
            where = "tasks" if self._titles[item] == title else f"tasks, as {task['name']!r}"
            yield Effect(where, item, rule, self._made_by.get(task["id"]), at)
        async for one in shop.seller.list("doc-service", "/v1/documents"):
            if one["status"] == "ready":
                rule = one["created_by"].removeprefix("rule:")
                yield Effect("documents", UUID(one["item_id"]), rule, self._made_by.get(one["id"]))

    def _of_events(self) -> Iterator[Effect]:
        """Copies, moves and changes of fields by rules."""
        for message, created in self._heard.of(ItemCreated):
            if created.item.pipeline == "installation":
                original = self._deals[created.item.title.removesuffix(" Copy")]
                yield Effect("copies", original, "install", message.causation, created.at)
        for message, moved in self._heard.of(StageChanged):
            if moved.changed_by.startswith("rule:") and moved.entry_seq > 1:
                yield Effect("moves", moved.item.id, moved.changed_by.removeprefix("rule:"), message.causation)
        for message, changed in self._heard.of(FieldsChanged):
            if changed.changed_by.startswith("rule:"):
                rule = changed.changed_by.removeprefix("rule:")
                yield Effect("changes", changed.item.id, rule, message.causation, changed.at)

    async def deeds(self) -> AsyncIterator[Deed]:
        """What was done from outside, and what must have come of it."""
        for shop in self._shops:
            items = [one async for one in shop.seller.list("entity-service", "/v1/items")]
            arrivals = {one["id"]: one async for one in shop.seller.list("trigger-service", "/v1/arrivals")}
            for deed in (*self._made(shop, items), *self._told(shop), *self._judged(shop, arrivals)):
                yield deed
            async for deed in self._cared_for(shop, items):
                yield deed

    async def _cared_for(self, shop: Shop, items: Sequence[Json]) -> AsyncIterator[Deed]:
        """The workflow has created its tasks for every deal, in as many turns as it has, and ended."""
        tasks = [one async for one in shop.seller.list("entity-service", "/v1/tasks")]
        counted = Counter(one["item_id"] for one in tasks if _read_mark(one["name"])[0] == CARE)
        for item in items:
            if item["pipeline"] == "sales":
                what = f"tasks of the workflow for item {item['id']}"
                yield Deed(what, counted[item["id"]], CARED, is_effect=True)

    def _made(self, shop: Shop, items: Sequence[Json]) -> Iterator[Deed]:
        """Deals once each; a copy for every time a deal was won; a mark for every change of a field that only grows."""
        titles = Counter(one["title"] for one in items)
        won = Counter(one.item.title for _, one in self._heard.of(StageChanged) if one.to_stage == "won")
        by_rules = (one for _, one in self._heard.of(FieldsChanged) if one.changed_by.startswith("rule:"))
        changes = Counter(str(one.item.id) for one in by_rules)
        for title in shop.asked.titles:
            yield Deed(f"deal {title} was asked for", titles[title])
            yield Deed(f"copies of deal {title}", titles[f"{title} Copy"], won[title])
        for item in items:
            if item["pipeline"] == "sales":
                marks = item["fields"].get("marks") or []
                yield Deed(f"marks on item {item['id']}", len(marks), changes[item["id"]])

    def _told(self, shop: Shop) -> Iterator[Deed]:
        """Entries that a service confirmed, and payments, as events."""
        entries = Counter((str(one.item.id), one.entry_seq) for _, one in self._heard.of(StageChanged))
        for item, seq in shop.asked.entries:
            yield Deed(f"entry {seq} of item {item} was confirmed", entries[item, seq])
        paid = Counter(str(one.payment_id) for _, one in self._heard.of(PaymentChanged) if one.status == "paid")
        for payment in shop.asked.payments:
            yield Deed(f"payment {payment} was made", paid[payment], is_effect=True)

    def _judged(self, shop: Shop, arrivals: Mapping[str, Json]) -> Iterator[Deed]:
        moves = Counter(message.causation for message, _ in self._heard.of(StageChanged))
        created = Counter(message.causation for message, _ in self._heard.of(ItemCreated))
        for arrival in arrivals.values():
            if arrival["verdict"] == "created":
                yield Deed(f"arrival {arrival['id']} made an item", created[arrival["command_id"]], is_effect=True)
            if arrival["verdict"] == "moved":
                what = f"arrival {arrival['id']} moved item {arrival['item_id']}"
                yield Deed(what, moves[arrival["command_id"]], is_effect=True)
            yield Deed(
                f"arrival {arrival['id']} ({arrival['trigger_type']}) was judged", arrival["verdict"] != "pending"
            )
        for call in shop.asked.calls:
            verdict = arrivals[call]["verdict"] if call in arrivals else "unknown"
            yield Deed(f"call {call} was judged ({verdict})", verdict in ("moved", "behind", "same"))


def command_of(mail: Json) -> str:
    """The command that a mail answers, by its Message-ID."""
    return str(mail["message_id"]).strip("<>").partition(".")[0]


def _read_mark(text: str) -> tuple[str, str]:
    found = MARK.match(text)
    assert found, f"a text that no rule of the shop wrote: {text!r}"
    return found[1], found[2]


def _outcomes(item: UUID, view: Json) -> Iterator[Outcome]:
    for stage in view.get("stages", []):
        for entry in stage["entries"]:
            for rule in entry["rules"]:
                yield Outcome(
                    item=item,
                    seq=entry["entry_seq"],
                    rule=rule["name"],
                    state=rule["state"],
                    reason=rule["reason"],
                    run=UUID(rule["run_id"]),
                    command=rule["command_id"],
                )


def _made_by(results: Iterable[Message]) -> Iterator[tuple[str, str]]:
    """What commands made, by id."""
    for result in results:
        if isinstance(result.data, CommandDone):
            outputs = result.data.outputs
            notifications = outputs.get("notification_ids")
            made = [outputs.get("task_id"), outputs.get("document_id")]
            made += list(notifications.values()) if isinstance(notifications, dict) else []
            yield from ((str(id), str(result.data.command_id)) for id in made if id)
