"""Which message travels on which topic: schemas, AsyncAPI documents and consumers follow from it.

A message that is defined in the module of a topic travels on it.
"""

from collections.abc import Mapping
from types import ModuleType

from contracts import topics
from contracts.envelope import Body
from contracts.messages import (
    client_commands,
    comms,
    doc,
    employee_commands,
    entity_commands,
    entity_events,
    link_commands,
    list_commands,
    party_commands,
    payment_commands,
    product_commands,
    results,
    rule_commands,
    rule_events,
    shipment_commands,
    trigger_events,
)
from contracts.topics import Topic


def _bodies(module: ModuleType) -> tuple[type[Body], ...]:
    """The messages that a module defines, in its order; classes that only others inherit have no wire name."""
    classes = (one for one in vars(module).values() if isinstance(one, type) and issubclass(one, Body))
    return tuple(one for one in classes if one.__module__ == module.__name__ and hasattr(one, "TYPE"))


MESSAGES: Mapping[Topic, tuple[type[Body], ...]] = {
    topics.ENTITY_EVENTS: _bodies(entity_events),
    topics.ENTITY_COMMANDS: (
        *_bodies(entity_commands),
        *_bodies(employee_commands),
        *_bodies(link_commands),
        *_bodies(payment_commands),
        *_bodies(shipment_commands),
        *_bodies(party_commands),
        *_bodies(product_commands),
        *_bodies(client_commands),
        *_bodies(list_commands),
        results.CancelCommand,
    ),
    topics.ENTITY_RESULTS: results.RESULTS,
    topics.RULE_EVENTS: _bodies(rule_events),
    topics.RULE_COMMANDS: (*_bodies(rule_commands), results.CancelCommand),
    topics.RULE_RESULTS: results.RESULTS,
    topics.TRIGGER_EVENTS: _bodies(trigger_events),
    topics.DOC_COMMANDS: (doc.CreateDocument, doc.CreateQrCode, results.CancelCommand),
    topics.DOC_RESULTS: results.RESULTS,
    topics.DOC_EVENTS: (doc.DocumentCreated, doc.DocumentViewed, doc.QrScanned),
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
    topics.RULE_COMMANDS: ("rule-engine", "entity-service"),
    topics.DOC_COMMANDS: ("rule-engine",),
    topics.COMMS_COMMANDS: ("rule-engine", "entity-service"),
}
"""Which services send commands to an owner. Any service may; everything else is published by a topic's owner alone."""


def publishers(topic: Topic) -> tuple[str, ...]:
    """The services that write a topic."""
    return COMMANDERS.get(topic, (topic.owner,))
