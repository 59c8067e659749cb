"""Kafka: partitions that keep everything, groups that commit how far they have read, and dead letters beside them."""

import zlib
from collections import defaultdict
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from contracts.envelope import Envelope
from contracts.topics import Topic
from simulation.sim_context import SimContext
from simulation.steps import pause

PARTITIONS = 2

type Message = Envelope[Any]


class Place(NamedTuple):
    """A partition of a topic."""

    topic: str
    partition: int


class Kafka:
    """Logs by place."""

    def __init__(self) -> None:
        self.logs: dict[Place, list[Message]] = defaultdict(list)

    def publish(self, topic: str, message: Message) -> None:
        self.logs[place_of(topic, message.key)].append(message)

    def echo(self, sim_context: SimContext) -> None:
        """A message comes a second time, long after the first: a producer that was cut off tries again."""
        if log := sim_context.one_of(list(self.logs.values())):
            log.append(sim_context.random.choice(log))
            sim_context.say("kafka doubles", log[-1].type, log[-1].id)


def place_of(topic: str, key: str) -> Place:
    """The key decides, so that the messages about one item stay in order."""
    return Place(topic, zlib.crc32(key.encode()) % PARTITIONS)


class Group:
    """A consumer group: how far it has read, what it has put aside, and what its members do with a batch.

    `take` is one transaction. Any member reads any partition from the committed offset on: so members play, too, those
    that were parted from their partitions and do not know it yet.
    """

    def __init__(
        self,
        name: str,
        sim_context: SimContext,
        kafka: Kafka,
        topics: Sequence[Topic],
        take: Callable[[Sequence[Message]], None],
        on_dead: Callable[[Message], None] = lambda _: None,
        *,
        discards: bool = False,
    ) -> None:
        self._name = name
        self._sim_context = sim_context
        self._kafka = kafka
        self._places = [Place(topic.name, number) for topic in topics for number in range(PARTITIONS)]
        self._take = take
        self._on_dead = on_dead
        self._discards = discards
        self._offsets: dict[Place, int] = defaultdict(int)
        self.dead: list[Message] = []

    @property
    def lag(self) -> int:
        return sum(len(self._kafka.logs[place]) - self._offsets[place] for place in self._places) + len(self.dead)

    async def poll(self) -> None:
        """Takes a batch of any cut: poll, transaction, commit, with a pause between each two."""
        behind = [place for place in self._places if self._offsets[place] < len(self._kafka.logs[place])]
        place = self._sim_context.one_of(behind)
        if place is None:
            return
        start = self._offsets[place]
        batch = self._kafka.logs[place][start : start + self._sim_context.random.randint(1, 6)]
        await pause()
        self._sim_context.say(f"{self._name} takes", start, *(message.type for message in batch))
        self._take(self._put_aside(batch))
        await pause()
        self._offsets[place] = start + len(batch)

    def _put_aside(self, batch: list[Message]) -> list[Message]:
        """Now and then a message is poison at first: it becomes a dead letter, the others are taken."""
        if not self._sim_context.bad_luck(0.04):
            return batch
        poison = self._sim_context.random.choice(batch)
        self._sim_context.say(f"{self._name} puts aside", poison.type, poison.id)
        self.dead.append(poison)
        self._on_dead(poison)
        return [message for message in batch if message is not poison]

    async def replay(self) -> None:
        """Gives the group one of its dead letters again, in no order; or drops it, where it will be asked for again."""
        letter = self._sim_context.one_of(self.dead)
        if letter is None:
            return
        if self._discards and self._sim_context.random.random() < 0.8:
            self._sim_context.say(f"{self._name} drops", letter.type, letter.id)
            self.dead.remove(letter)
            return
        self._sim_context.say(f"{self._name} replays", letter.type, letter.id)
        self._take([letter])
        await pause()
        if letter in self.dead:
            self.dead.remove(letter)

    def rewind(self) -> None:
        """Everything comes again."""
        self._sim_context.say(f"{self._name} starts from offset 0")
        self._offsets.clear()
