"""The messages of one poll that are left to be handled, in groups, and those to be put aside."""

from collections import Counter, deque
from dataclasses import dataclass, field
from itertools import chain
from typing import Any

from contracts.envelope import Envelope
from contracts.kit.kafka import KafkaRecord

type Read = tuple[KafkaRecord, Envelope[Any]]


@dataclass(slots=True)
class Batch:
    """What is left of a batch of records; each group is one transaction."""

    groups: deque[list[Read]] = field(default_factory=deque)
    dead: deque[tuple[KafkaRecord, str, str]] = field(default_factory=deque)
    unanswered: deque[tuple[KafkaRecord, str, str]] = field(default_factory=deque)
    failures: Counter[int] = field(default_factory=Counter)
    """How often a message has failed alone, by the identity of its record."""

    def halve(self) -> None:
        group = self.groups.popleft()
        half = len(group) // 2
        self.groups.extendleft((group[half:], group[:half]))

    def split(self) -> None:
        """Splits the first group into single messages."""
        self.groups.extendleft([one] for one in reversed(self.groups.popleft()))

    def fail(self) -> int:
        """Counts a failure of the first message, alone in its group."""
        record, _ = self.groups[0][0]
        self.failures[id(record)] += 1
        return self.failures[id(record)]

    def postpone(self) -> None:
        """Moves the first message, and those behind it with the same key, behind the others."""
        key = self.groups[0][0][1].key
        left = list(chain.from_iterable(self.groups))
        others = [[one for one in group if one[1].key != key] for group in self.groups]
        self.groups = deque([group for group in others if group] + [[one] for one in left if one[1].key == key])

    def give_up(self, detail: str) -> None:
        """Puts aside the first message, alone in its group."""
        ((record, _),) = self.groups.popleft()
        self.dead.append((record, "failed", detail))
