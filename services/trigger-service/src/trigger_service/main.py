"""Where trigger-service is put together."""

from datetime import timedelta

import httpx
from fastapi import FastAPI

from contracts.kit.client import ServiceClient, TracedClient
from contracts.kit.clock import new_id
from contracts.kit.service import Service
from contracts.kit.vault import derived
from contracts.kit.worker import Job
from trigger_service import handlers
from trigger_service.api import (
    arrivals,
    employees,
    forms,
    internal,
    problems,
    public_forms,
    triggers,
    webhooks,
)
from trigger_service.api.form_guard import FormGuard
from trigger_service.gateways.challenge import Challenge
from trigger_service.gateways.entity import EntityService
from trigger_service.gateways.nonces import Nonces
from trigger_service.handlers import Handlers
from trigger_service.intake import make_intake
from trigger_service.intake.limits import SubmissionLimits
from trigger_service.jobs import Housekeeping, Jobs
from trigger_service.messages import SERVICE
from trigger_service.quotas import QUOTAS
from trigger_service.settings import Settings
from trigger_service.triggers.forms import FormSubmitted
from trigger_service.triggers.webhooks import Webhook

PUBLIC_BODY = 64 * 1024
"""Bytes that an unauthorised caller may send."""


def build_app(settings: Settings) -> FastAPI:
    """The application; connects to nothing before it is started."""
    service = Service(SERVICE, settings, quotas=QUOTAS)
    database, clock = service.database, service.clock
    client = ServiceClient("entity-service", settings.entity_service_url, settings.service_tokens_dir)
    entity = EntityService(client)
    limits = SubmissionLimits(derived(settings.secrets_key, "counts of submissions"), settings.form_posts_per_minute)
    intake = make_intake(service.outbox, clock, new_id, limits)
    handling = Handlers(intake, entity, database)
    jobs = Jobs(database, intake, entity)
    service.consume(handlers.events(handling))
    service.consume(handlers.results(handling))
    service.work(
        {
            FormSubmitted.name: Job(jobs.judge_form, jobs.create_anyway),
            Webhook.name: Job(jobs.judge_call, jobs.give_up_call),
        }
    )
    service.background("housekeeping", Housekeeping(database, clock, timedelta(days=settings.submission_days)).run)
    service.on_stop(client.close)
    routers = [
        triggers.router(database, entity, clock),
        forms.router(database, entity, clock),
        arrivals.router(database, intake.arrivals),
        employees.router(database),
        public_forms.router(database, intake.forms, _form_guard(service, settings, limits)),
        webhooks.router(database, intake.webhooks),
        internal.router(database),
    ]
    app = service.app(SERVICE, routers, larger_bodies={"/f/": PUBLIC_BODY, "/hooks/": PUBLIC_BODY})
    problems.install(app)
    return app


def _form_guard(service: Service, settings: Settings, limits: SubmissionLimits) -> FormGuard:
    ages = timedelta(seconds=settings.form_min_seconds), timedelta(hours=settings.form_max_hours)
    nonces = Nonces(settings.secrets_key, *ages)
    return FormGuard(service.database, service.clock, limits, nonces, _challenge(service, settings))


def _challenge(service: Service, settings: Settings) -> Challenge | None:
    if settings.challenge is None or settings.challenge_site_key is None or settings.challenge_secret is None:
        return None
    client = TracedClient(settings.challenge, timeout=httpx.Timeout(5, connect=3))
    service.on_stop(client.aclose)
    where = settings.challenge_verify_url
    return Challenge(client, settings.challenge, settings.challenge_site_key, settings.challenge_secret, where)
