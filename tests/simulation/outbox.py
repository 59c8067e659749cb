"""The outbox of a service and the relay that empties it: at least once, first publications in the order of commits."""

from contracts.catalogue import TYPES
from contracts.decoding import decode
from contracts.envelope import Body, Envelope, Record
from contracts.kit.database import Connection
from contracts.kit.outbox import Outbox
from contracts.topics import Topic
from simulation.kafka import Kafka, Message
from simulation.sim_context import SimContext
from simulation.steps import pause


class SimulatedOutbox(Outbox):
    """Rows of (topic, message) in the order of their commits; `history` keeps them all."""

    def __init__(self, sim_context: SimContext, kafka: Kafka) -> None:
        self._sim_context = sim_context
        self._kafka = kafka
        self.rows: list[tuple[str, Message]] = []
        self.history: list[tuple[str, Message]] = []

    async def put(self, tx: Connection, topic: Topic, *envelopes: Envelope[Body]) -> None:
        self.add(topic.name, *envelopes)

    async def put_again(self, tx: Connection, topic: str, record: Record) -> None:
        read = decode(record.headers, record.value)
        self.add(topic, read.with_data(TYPES[read.type].model_validate_json(read.data)))

    def add(self, topic: str, *messages: Message) -> None:
        rows = [(topic, message) for message in messages]
        self.rows += rows
        self.history += rows

    async def relay(self) -> None:
        """Reads rows, publishes them, deletes them; killed before it deletes, another one publishes them again."""
        rows = self.rows[: self._sim_context.random.randint(1, 8)]
        if not rows:
            return
        await pause()
        for topic, message in rows:
            self._kafka.publish(topic, message)
        await pause()
        del self.rows[: len(rows)]
