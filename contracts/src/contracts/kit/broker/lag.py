"""How far a consumer is behind, by topic, from what the client knows, without a request to the broker.

While a consumer waits for a server, the client stops fetching, so the figure is a lower bound.
"""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer, ConsumerRecord, TopicPartition

from contracts.kit import telemetry


class Lag:
    """Counts the records between the last handled and the newest one."""

    def __init__(self, topics: Sequence[str]) -> None:
        self._topics = topics
        self._next: dict[TopicPartition, int] = {}

    def polled(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        """Notes records that were polled, in the order of their offsets."""
        for record in records:
            self._next.setdefault(TopicPartition(record.topic, record.partition), record.offset)

    def handled(self, records: Sequence[ConsumerRecord[Any, Any]]) -> None:
        """Notes records that are handled."""
        for record in records:
            self._next[TopicPartition(record.topic, record.partition)] = record.offset + 1

    def measure(self, consumer: AIOKafkaConsumer) -> None:
        """Sets `consumer_lag` for the partitions that this member has."""
        behind: dict[str, int] = defaultdict(int)
        assigned = consumer.assignment()
        self._next = {place: offset for place, offset in self._next.items() if place in assigned}
        for place, offset in self._next.items():
            behind[place.topic] += max((consumer.highwater(place) or 0) - offset, 0)
        for topic in self._topics:
            telemetry.CONSUMER_LAG.labels(topic).set(behind[topic])
