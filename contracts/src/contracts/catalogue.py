"""Which message travels on which topic: the one list that schemas, AsyncAPI documents and consumers are made from."""

from collections.abc import Mapping

from contracts import topics
from contracts.envelope import Body
from contracts.messages import comms, doc, entity_commands, entity_events, results, rule_events, trigger_events
from contracts.topics import Topic

MESSAGES: Mapping[Topic, tuple[type[Body], ...]] = {
    topics.ENTITY_EVENTS: (
        entity_events.ItemCreated,
        entity_events.StageChanged,
        entity_events.FieldsChanged,
        entity_events.ItemDeleted,
        entity_events.PaymentChanged,
    ),
    topics.ENTITY_COMMANDS: (
        entity_commands.MoveItem,
        entity_commands.UpdateItem,
        entity_commands.CreateItem,
        entity_commands.CreateFollowUp,
        entity_commands.CopyItem,
        entity_commands.CreateTask,
        entity_commands.AddTimelineEntry,
        entity_commands.RecordPayment,
        results.CancelCommand,
    ),
    topics.ENTITY_RESULTS: results.RESULTS,
    topics.RULE_EVENTS: (rule_events.RunChanged,),
    topics.TRIGGER_EVENTS: (trigger_events.ArrivalJudged,),
    topics.DOC_COMMANDS: (doc.CreateDocument, results.CancelCommand),
    topics.DOC_RESULTS: results.RESULTS,
    topics.DOC_EVENTS: (doc.DocumentCreated, doc.DocumentViewed),
    topics.COMMS_COMMANDS: (comms.SendMessage, comms.Notify, comms.RecordConsent, results.CancelCommand),
    topics.COMMS_RESULTS: results.RESULTS,
    topics.COMMS_EVENTS: (comms.MessageStatusChanged, comms.ConsentChanged),
}

TYPES: Mapping[str, type[Body]] = {body.TYPE: body for bodies in MESSAGES.values() for body in bodies}
"""Every message class by its wire name."""

_PER_OWNER = (*results.RESULTS, results.CancelCommand)

TOPIC_OF: Mapping[type[Body], Topic] = {
    body: topic for topic, bodies in MESSAGES.items() for body in bodies if body not in _PER_OWNER
}
"""The topic a message is published on. Results and `CancelCommand` go to their owner's own topic instead."""

COMMANDERS: Mapping[Topic, tuple[str, ...]] = {
    topics.ENTITY_COMMANDS: ("rule-engine", "trigger-service"),
    topics.DOC_COMMANDS: ("rule-engine",),
    topics.COMMS_COMMANDS: ("rule-engine", "entity-service"),
}
"""Which services send commands to an owner. Any service may; everything else is published by a topic's owner alone."""


def publishers(topic: Topic) -> tuple[str, ...]:
    """The services that write a topic."""
    return COMMANDERS.get(topic, (topic.owner,))
