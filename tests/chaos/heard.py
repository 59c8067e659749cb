"""What was said on the topics that tell of items, rules and commands."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from chaos import topics as kafka
from chaos.audit import Said, Version
from chaos.expected import Entry
from contracts import topics
from contracts.envelope import Envelope
from contracts.messages.entity_events import StageChanged
from contracts.messages.rule_events import RunChanged
from contracts.values import ItemSnapshot

MOST_REVISIONS = 200

type Message = Envelope[Any]


@dataclass(frozen=True, slots=True)
class Heard:
    """All that was said, each message once, in the order of first publication."""

    events: Sequence[Message]
    rules: Sequence[Message]
    results: Sequence[Message]

    def of[B](self, kind: type[B]) -> Iterator[tuple[Message, B]]:
        return ((one, one.data) for one in self.events if isinstance(one.data, kind))

    def of_tenants(self, tenants: Collection[UUID]) -> "Heard":
        """Only what was said of these."""
        events, rules, results = (
            [one for one in messages if one.tenant in tenants] for messages in (self.events, self.rules, self.results)
        )
        return Heard(events, rules, results)

    def entries(self) -> list[Entry]:
        return [_entry(one, data) for one, data in self.of(StageChanged)]

    def versions(self) -> Iterator[Version]:
        for message in self.events:
            item: ItemSnapshot | None = getattr(message.data, "item", None)
            if item is not None:
                entry = message.data.entry_seq if isinstance(message.data, StageChanged) else None
                yield Version(item.id, item.version, entry)

    def said(self, name: Callable[[RunChanged], str]) -> Iterator[Said]:
        """Of rules; `name` is what the audit calls them."""
        for message in self.rules:
            data = message.data
            if isinstance(data, RunChanged) and not data.workflow:
                yield Said(data.item_id, data.run_id, _revision(message.id, data), name(data), data.state)

    def caused(self) -> Mapping[str, int]:
        """Facts by the command that they came of; an invoice that a payment settles is an item of its own."""
        commands = {str(one.data.command_id) for one in self.results}
        caused = [one for one in self.events if one.causation in commands]
        return Counter(f"{one.type} of {one.key} by command {one.causation}" for one in caused)


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


def _revision(id: str, data: RunChanged) -> int:
    """The id of such an event is made from the run's revision."""
    numbers = range(1, MOST_REVISIONS)
    return next(one for one in numbers if str(uuid5(data.run_id, f"{one}/{data.step}")) == id)
