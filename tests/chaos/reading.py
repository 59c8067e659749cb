"""Gathers the world for the audit: from public APIs, Kafka's topics, and the peers."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from chaos import topics as kafka
from chaos.audit import Deed, Effect, Outcome, World
from chaos.callers import Json
from chaos.expected import Clients, Entry
from chaos.heard import Heard, Message, listen
from chaos.peers import Delivery, once, read_deliveries, redelivered
from chaos.people import CONSENT, TASKS, read_deeds
from chaos.shop import Shop
from chaos.workshop import Workshop
from chaos.workshop_reading import read_workshop
from contracts import topics
from contracts.messages.entity_events import FieldsChanged, ItemCreated, PaymentChanged, StageChanged
from contracts.messages.results import CommandDone

MARK = re.compile(r"(\w+) \[([^\]]+)\]")
"""How every text of the shop's rules begins: the rule, the item's title."""
CARE, CARED = "care", 3
"""The task that the workflow creates in each turn of its loop, and its turns."""


async def read_worlds(
    shops: Sequence[Shop], workshop: Workshop | None, bootstrap: str, neighbour: UUID | None = None
) -> Sequence[World]:
    """The shops' world and the workshop's, who have the stack for themselves, but for one neighbour."""
    aside = workshop.tenant if workshop else None
    all_heard = await listen(bootstrap, [*(shop.tenant for shop in shops), *([aside] if aside else ())])
    tenants = await kafka.tenants_by_id(bootstrap, topics.COMMS_COMMANDS)
    delivered = [(tenants.get(one.command), one) for one in await read_deliveries(shops[0].visitor)]
    at_shops = [one for tenant, one in delivered if tenant is None or tenant not in (aside, neighbour)]
    at_workshop = [one for tenant, one in delivered if tenant and tenant == aside]
    heard = all_heard.of_tenants([shop.tenant for shop in shops])
    reader = Reader(shops, heard, heard.entries())
    world = World(
        rules=shops[0].rules,
        clients=Clients.all_of(shop.clients for shop in shops),
        entries=heard.entries(),
        outcomes=[one async for one in reader.outcomes()],
        effects=[one async for one in reader.effects(at_shops)],
        deeds=[one async for one in reader.deeds()],
        versions=list(heard.versions()),
        said=list(heard.said(lambda data: data.rule)),
        caused=heard.caused(),
        dead_letters=await kafka.dead_letters(bootstrap, neighbour),
        mail_redelivered=redelivered(at_shops),
    )
    if workshop is None:
        return [world]
    return [world, await read_workshop(workshop, all_heard.of_tenants([workshop.tenant]), at_workshop)]


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

    async def effects(self, deliveries: Sequence[Delivery]) -> AsyncIterator[Effect]:
        """At the peers, in the services' lists, in the events of items."""
        for one in once(deliveries):
            yield self._marked(one.where, one.text, one.command)
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
            if _read_mark(one["text"])[0] == CONSENT:
                continue  # of a workflow
            yield self._marked("notifications", one["text"], self._made_by.get(one["id"]))
        async for task in shop.seller.list("entity-service", "/v1/tasks"):
            item, (rule, title) = UUID(task["item_id"]), _read_mark(task["name"])
            if rule in (CARE, *TASKS):
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
            for deed in await self._of_workflows(shop, [one for one in items if one["pipeline"] == "sales"]):
                yield deed

    async def _of_workflows(self, shop: Shop, deals: Sequence[Json]) -> list[Deed]:
        """For every deal as many tasks as the loop has turns, and what answers and another version have led to."""
        tasks = [one async for one in shop.seller.list("entity-service", "/v1/tasks")]
        counted = Counter((one["item_id"], _read_mark(one["name"])[0]) for one in tasks)
        told = [one["text"] async for one in shop.head.list("comms-service", "/v1/notifications")]
        asked = Counter(title for mark, title in map(_read_mark, told) if mark == CONSENT)
        return [
            *(
                Deed(f"tasks of the workflow for item {one['id']}", counted[one["id"], CARE], CARED, is_effect=True)
                for one in deals
            ),
            *(
                Deed(f"somebody was told of what is asked about {one['title']}", asked[one["title"]], is_effect=True)
                for one in deals
            ),
            *await read_deeds(shop, deals, counted),
        ]

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
