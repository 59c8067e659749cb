"""Where entity-service is put together."""

from fastapi import FastAPI

from contracts import topics
from contracts.catalogue import MESSAGES
from contracts.kit.clock import new_id
from contracts.kit.commands import Commands
from contracts.kit.service import Service
from entity_service.api.calendars import CalendarRoutes
from entity_service.api.clients import ClientRoutes
from entity_service.api.internal import InternalRoutes
from entity_service.api.items import ItemRoutes
from entity_service.api.payments import PaymentRoutes
from entity_service.api.people import PeopleRoutes
from entity_service.api.responses import install_errors
from entity_service.api.settings import SettingsRoutes
from entity_service.api.work import WorkRoutes
from entity_service.application import make_changes
from entity_service.handlers import ConsentMirror, Handlers, consent_results, consents, routes
from entity_service.jobs import Forgetting
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
    expected = MESSAGES[topics.ENTITY_COMMANDS]
    service.consume(commands.subscription(topics.ENTITY_COMMANDS, routes(Handlers(changes)), expected=expected))
    mirror = ConsentMirror()
    service.consume(consents(mirror))
    service.consume(consent_results(mirror))
    service.background("forgetting", Forgetting(service.database).run)
    routers = [
        SettingsRoutes(service).router(),
        PeopleRoutes(service, new_id).router(),
        CalendarRoutes(service).router(),
        ClientRoutes(service, changes, new_id).router(),
        ItemRoutes(service, changes).router(),
        WorkRoutes(service, changes).router(),
        PaymentRoutes(service, changes).router(),
        InternalRoutes(service).router(),
    ]
    app = service.app(SERVICE, routers, larger_bodies={"/v1/items/import": IMPORT_LIMIT})
    install_errors(app)
    return app
