"""Where entity-service is put together."""

from collections.abc import Mapping

from fastapi import APIRouter, FastAPI

from contracts import topics
from contracts.kit.client import TracedClient
from contracts.kit.clock import new_id
from contracts.kit.commands import Commands
from contracts.kit.service import Service
from contracts.kit.vault import Vault
from contracts.kit.worker import Job
from entity_service.api import (
    accounts,
    activities,
    bookings,
    calendar_feeds,
    calendars,
    companies,
    contacts,
    conversions,
    departments,
    employee_calendars,
    employees,
    exceptions,
    fields,
    internal,
    item_types,
    items,
    links,
    lists,
    my_companies,
    payments,
    pipelines,
    planned_activities,
    products,
    provider_hooks,
    resources,
    shipments,
    tasks,
    tenants,
    timeline,
)
from entity_service.api.responses import install_errors
from entity_service.application import Changes, make_changes
from entity_service.application.locks import Locks
from entity_service.domain.accounts import WORK, AccountKind
from entity_service.gateways.providers import Providers
from entity_service.handlers import commands as item_commands
from entity_service.handlers import consents, reminders
from entity_service.jobs import Asking, Forgetting, Unlocking
from entity_service.messages import SERVICE
from entity_service.quotas import QUOTAS
from entity_service.settings import Settings

IMPORT_LIMIT = 10_000_000
"""Bytes of one bulk import."""
TIMEOUT_S = 15.0
ATTEMPTS = 12
"""Of asking a provider, before it is given up: with the doubling pauses between them, about half an hour."""


def build_app(settings: Settings) -> FastAPI:
    """The whole service; nothing connects before its lifespan begins."""
    service = Service(SERVICE, settings, quotas=QUOTAS)
    vault = Vault(settings.secrets_key)
    changes = make_changes(service.outbox, service.clock, new_id, settings.public_entity_url)
    commands = Commands(service=SERVICE, results=topics.ENTITY_RESULTS, outbox=service.outbox, clock=service.clock)
    item_locks = Locks(commands, service.clock)
    service.consume(item_commands.subscription(commands, changes, item_locks))
    service.consume(consents.events())
    service.consume(consents.results())
    service.consume(reminders.subscription(reminders.Handlers(changes.reminders)))
    service.background("forgetting", Forgetting(service.database).run)
    service.background("unlocking", Unlocking(service.database, item_locks, service.clock).run)
    asking = Asking(service.database, changes.provider_requests, _providers(service, settings, vault), commands)
    for kind in WORK.values():
        service.work({kind: Job(asking.run, asking.give_up, attempts=ATTEMPTS)})
    app = service.app(
        SERVICE, _routers(service, settings, changes, vault), larger_bodies={"/v1/items/import": IMPORT_LIMIT}
    )
    install_errors(app)
    return app


def _urls(settings: Settings) -> Mapping[AccountKind, Mapping[str, str]]:
    return {"payment": settings.payment_providers, "carrier": settings.carriers}


def _providers(service: Service, settings: Settings, vault: Vault) -> Providers:
    client = TracedClient("provider", timeout=TIMEOUT_S)
    service.on_stop(client.aclose)
    return Providers(client, _urls(settings), vault, service.clock)


def _accounts_of(settings: Settings, vault: Vault, kind: AccountKind, path: str) -> accounts.AccountsOf:
    known, url = _urls(settings)[kind], settings.public_entity_url
    return accounts.AccountsOf(kind=kind, path=path, providers=known, public_url=url, vault=vault)


def _routers(service: Service, settings: Settings, changes: Changes, vault: Vault) -> list[APIRouter]:
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
        exceptions.router(service, changes),
        items.router(service, changes),
        conversions.router(service, changes),
        activities.router(service, changes),
        planned_activities.router(service, changes),
        resources.router(service, "room"),
        resources.router(service, "resource"),
        bookings.router(service, changes),
        tasks.router(service, changes),
        products.router(service, changes),
        timeline.router(service),
        links.router(service),
        lists.router(service, changes),
        payments.router(service, changes),
        shipments.router(service),
        accounts.router(service, _accounts_of(settings, vault, "payment", "/v1/payment-accounts")),
        accounts.router(service, _accounts_of(settings, vault, "carrier", "/v1/carriers")),
        provider_hooks.router(service, changes, vault),
        internal.router(service),
    ]
