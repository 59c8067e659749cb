"""The topics, their keys and who reads them. Names and partition counts are part of the contract."""

from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID

PARTITIONS = 12
"""Fixed: the key decides the partition, so another count would break the order of one item's messages."""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic; `groups` are the consumer groups of this project that read it."""

    name: str
    owner: str
    groups: tuple[str, ...]
    partitions: int = PARTITIONS
    retention: timedelta = timedelta(days=7)

    @property
    def retention_ms(self) -> int:
        return int(self.retention.total_seconds() * 1000)


ENTITY_EVENTS = Topic("crm.entity.events.v1", "entity-service", ("rule-engine", "trigger-service"))
ENTITY_COMMANDS = Topic("crm.entity.commands.v1", "entity-service", ("entity-service",))
ENTITY_RESULTS = Topic("crm.entity.results.v1", "entity-service", ("rule-engine", "trigger-service"))
RULE_EVENTS = Topic("crm.rule.events.v1", "rule-engine", ())
RULE_COMMANDS = Topic("crm.rule.commands.v1", "rule-engine", ("rule-engine",))
RULE_RESULTS = Topic("crm.rule.results.v1", "rule-engine", ("rule-engine", "entity-service"))
TRIGGER_EVENTS = Topic("crm.trigger.events.v1", "trigger-service", ())
DOC_COMMANDS = Topic("crm.doc.commands.v1", "doc-service", ("doc-service",))
DOC_RESULTS = Topic("crm.doc.results.v1", "doc-service", ("rule-engine",))
DOC_EVENTS = Topic("crm.doc.events.v1", "doc-service", ("trigger-service",))
COMMS_COMMANDS = Topic("crm.comms.commands.v1", "comms-service", ("comms-service",))
COMMS_RESULTS = Topic("crm.comms.results.v1", "comms-service", ("rule-engine", "entity-service"))
COMMS_EVENTS = Topic("crm.comms.events.v1", "comms-service", ("entity-service",))
EXTERNAL_EVENTS = Topic("crm.external.events.v1", "anyone", ())

TOPICS = (
    ENTITY_EVENTS,
    ENTITY_COMMANDS,
    ENTITY_RESULTS,
    RULE_EVENTS,
    RULE_COMMANDS,
    RULE_RESULTS,
    TRIGGER_EVENTS,
    DOC_COMMANDS,
    DOC_RESULTS,
    DOC_EVENTS,
    COMMS_COMMANDS,
    COMMS_RESULTS,
    COMMS_EVENTS,
    EXTERNAL_EVENTS,
)


def dead_letter_topic(topic: str, group: str) -> str:
    """Where a group puts what it cannot use of a topic."""
    return f"{topic}.{group}.dlq"


DEAD_LETTER_TOPICS = tuple(
    Topic(dead_letter_topic(topic.name, group), group, (), partitions=1, retention=timedelta(days=30))
    for topic in TOPICS
    for group in topic.groups
)


def item_key(tenant: UUID, item: UUID | str) -> str:
    """The Kafka key of everything about one item: keeps its messages in order."""
    return f"{tenant}:{item}"


def item_of(key: str) -> UUID | None:
    """The item that a message with this key is about, if it is about one."""
    parts = key.split(":")
    try:
        return UUID(parts[1]) if len(parts) == 2 else None
    except ValueError:
        return None


def record_key(tenant: UUID, kind: str, record: UUID | str) -> str:
    """The Kafka key of a message that concerns no item, such as `<tenant>:employee:<id>`."""
    return f"{tenant}:{kind}:{record}"
