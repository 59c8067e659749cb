"""Where entity-service is put together."""

from fastapi import APIRouter, FastAPI

from contracts import topics
from contracts.kit.clock import new_id
from contracts.kit.commands import Commands
from contracts.kit.service import Service
from entity_service.api import (
    activities,
    bookings,
    calendar_feeds,
    calendars,
    companies,
    contacts,
    departments,
    employee_calendars,
    employees,
    fields,
    internal,
    item_types,
    items,
    links,
    my_companies,
    payments,
    pipelines,
    planned_activities,
    products,
    resources,
    tasks,
    tenants,
    timeline,
)
from entity_service.api.responses import install_errors
from entity_service.application import Changes, make_changes
from entity_service.application.locks import Locks
from entity_service.handlers import commands as item_commands
from entity_service.handlers import consents, reminders
from entity_service.jobs import Forgetting, Unlocking
from entity_service.messages import SERVICE
from entity_service.quotas import QUOTAS
from entity_service.settings import Settings

IMPORT_LIMIT = 10_000_000
"""Bytes of one bulk import."""


def build_app(settings: Settings) -> FastAPI:
    """The whole service; nothing connects before its lifespan begins."""
    service = Service(SERVICE, settings, quotas=QUOTAS)
    changes = make_changes(service.outbox, service.clock, new_id)
    commands = Commands(service=SERVICE, results=topics.ENTITY_RESULTS, outbox=service.outbox, clock=service.clock)
    item_locks = Locks(commands, service.clock)
    service.consume(item_commands.subscription(commands, changes, item_locks))
    service.consume(consents.events())
    service.consume(consents.results())
    service.consume(reminders.subscription(reminders.Handlers(changes.reminders)))
    service.background("forgetting", Forgetting(service.database).run)
    service.background("unlocking", Unlocking(service.database, item_locks, service.clock).run)
    app = service.app(SERVICE, _routers(service, changes), larger_bodies={"/v1/items/import": IMPORT_LIMIT})
    install_errors(app)
    return app


def _routers(service: Service, changes: Changes) -> list[APIRouter]:
    return [
        tenants.router(service),
        my_companies.router(service),
        item_types.router(service),
        pipelines.router(service),
        fields.router(service),
        departments.router(service),
        employees.router(service, new_id),
        calendars.router(service),
        employee_calendars.router(service),
        calendar_feeds.router(service),
        calendar_feeds.public_router(service),
        contacts.router(service, changes, new_id),
        companies.router(service, new_id),
        items.router(service, changes),
        activities.router(service, changes),
        planned_activities.router(service, changes),
        resources.router(service, "room"),
        resources.router(service, "resource"),
        bookings.router(service, changes),
        tasks.router(service, changes),
        products.router(service, changes),
        timeline.router(service),
        links.router(service),
        payments.router(service, changes),
        internal.router(service),
    ]
