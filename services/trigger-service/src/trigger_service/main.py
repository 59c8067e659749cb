"""Where trigger-service is put together."""

from pathlib import Path

from fastapi import FastAPI

from contracts.kit.client import ServiceClient
from contracts.kit.clock import new_id
from contracts.kit.service import Service, command_line
from contracts.kit.worker import Job
from trigger_service import handlers
from trigger_service.api import arrivals, forms, hooks, intake, internal, providers, triggers
from trigger_service.api.problems import on_invalid_input, on_reused_key, on_unreadable_secret
from trigger_service.desk import Desk
from trigger_service.errors import InvalidInputError, KeyReusedError, VaultError
from trigger_service.gateways.entity import EntityService
from trigger_service.gateways.vault import Vault
from trigger_service.handlers import Handlers
from trigger_service.jobs import Housekeeping, Jobs
from trigger_service.messages import SERVICE
from trigger_service.quotas import QUOTAS
from trigger_service.settings import Settings
from trigger_service.triggers.forms import FormSubmitted
from trigger_service.triggers.webhooks import Webhook

PUBLIC_BODY = 64 * 1024
"""Bytes that a stranger may send."""


def build_app(settings: Settings) -> FastAPI:
    """The application; connects to nothing before it is started."""
    service = Service(SERVICE, settings, quotas=QUOTAS)
    database, clock = service.database, service.clock
    client = ServiceClient("entity-service", settings.entity_service_url, settings.service_token_file)
    entity = EntityService(client)
    desk, vault = Desk(service.outbox, clock, new_id), Vault(settings.secrets_key)
    handling = Handlers(desk, entity)
    jobs = Jobs(database, desk, entity)
    service.consume(handlers.events(handling))
    service.consume(handlers.results(handling))
    service.work(
        {
            FormSubmitted.name: Job(jobs.judge_form, jobs.create_anyway),
            Webhook.name: Job(jobs.judge_call, jobs.give_up_call),
        }
    )
    service.background("housekeeping", Housekeeping(database, clock).run)
    service.on_stop(client.close)
    routers = [
        triggers.router(database, entity, clock),
        forms.router(database, entity, clock),
        providers.router(database, clock, vault),
        arrivals.router(database, desk),
        intake.router(database, desk, clock, settings.form_posts_per_minute),
        hooks.router(database, desk, vault),
        internal.router(database),
    ]
    app = service.app(SERVICE, routers, larger_bodies={"/f/": PUBLIC_BODY, "/hooks/": PUBLIC_BODY})
    app.add_exception_handler(InvalidInputError, on_invalid_input)
    app.add_exception_handler(KeyReusedError, on_reused_key)
    app.add_exception_handler(VaultError, on_unreadable_secret)
    return app


def run() -> None:
    command_line(build_app, Settings, Path(__file__).parent / "migrations")
