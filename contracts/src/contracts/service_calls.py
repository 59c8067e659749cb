"""Which service may ask which other one for what: one table, for routes, tokens and tests.

A service's token names one called service in `aud` and, in `scope`, what it may ask there; it opens nothing else. The
service's audience is `service_audience` of `contracts.kit.internal`.
"""

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ServiceCall:
    """A route below `/internal` that `callers` may ask `service` for, with a token whose `scope` has this one."""

    service: str
    scope: str
    route: str
    callers: frozenset[str]


ENTITY, ENGINE, DOC, COMMS, TRIGGER = "entity-service", "rule-engine", "doc-service", "comms-service", "trigger-service"

CONTEXTS = ServiceCall(ENTITY, "contexts", "POST /internal/contexts", frozenset({ENGINE, TRIGGER}))
SCHEMA = ServiceCall(ENTITY, "schema", "GET /internal/schema/{tenant}", frozenset({ENGINE, TRIGGER}))
ITEMS_IN_STAGE = ServiceCall(ENTITY, "items-in-stage", "GET /internal/items/in-stage", frozenset({ENGINE}))
ITEMS_BY_CONTACT = ServiceCall(ENTITY, "items-by-contact", "GET /internal/items/by-contact", frozenset({TRIGGER}))
LINKED_ITEMS = ServiceCall(ENTITY, "linked-items", "POST /internal/items/linked", frozenset({TRIGGER}))
TRIGGERS = ServiceCall(TRIGGER, "triggers", "GET /internal/triggers/{tenant}", frozenset({ENGINE}))
TEMPLATES = ServiceCall(DOC, "templates", "GET /internal/templates/{tenant}", frozenset({ENGINE}))
FILES = ServiceCall(DOC, "files", "GET /internal/files/{file_id}", frozenset({COMMS}))
CHANNELS = ServiceCall(COMMS, "channels", "GET /internal/channels/{tenant}", frozenset({ENGINE}))

CALLS = (CONTEXTS, SCHEMA, ITEMS_IN_STAGE, ITEMS_BY_CONTACT, LINKED_ITEMS, TRIGGERS, TEMPLATES, FILES, CHANNELS)
"""All there are."""


def scopes(caller: str, service: str) -> tuple[str, ...]:
    """What a caller's token for a service may ask for; empty when it asks that service for nothing."""
    return tuple(call.scope for call in CALLS if call.service == service and caller in call.callers)


def called_by(caller: str) -> Iterator[str]:
    """The services that a caller asks, each once."""
    return iter(dict.fromkeys(call.service for call in CALLS if caller in call.callers))
