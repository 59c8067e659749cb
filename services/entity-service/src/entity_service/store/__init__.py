"""Every SQL statement of entity-service, split by noun; each function takes the connection of a transaction."""

from entity_service.store import (
    activities,
    automatic_items,
    calendars,
    clients,
    contexts,
    fields,
    items,
    links,
    payments,
    people,
    pipelines,
    products,
    references,
    tasks,
    tenants,
    timeline,
)

__all__ = [
    "activities",
    "automatic_items",
    "calendars",
    "clients",
    "contexts",
    "fields",
    "items",
    "links",
    "payments",
    "people",
    "pipelines",
    "products",
    "references",
    "tasks",
    "tenants",
    "timeline",
]
