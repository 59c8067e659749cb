"""Where comms-service is put together."""

from collections.abc import Mapping

from fastapi import FastAPI

from comms_service.api import channels, consents, internal, messages, notifications, receipts, sender_domains
from comms_service.application.consents import Consents
from comms_service.application.sender_domains import SenderDomains
from comms_service.application.statuses import Statuses
from comms_service.gateways import Provider
from comms_service.gateways.dns import DnsGateway
from comms_service.gateways.files import FileGateway
from comms_service.gateways.mail import MailGateway, SmtpServer
from comms_service.gateways.sms import RECEIPTS, SmsGateway
from comms_service.handlers import DELIVER, Handlers, subscription
from comms_service.jobs import Jobs
from comms_service.quotas import QUOTAS
from comms_service.settings import Settings
from comms_service.store.channels import ChannelStore
from comms_service.store.consents import ConsentStore
from comms_service.store.messages import MessageStore
from comms_service.store.notifications import NotificationStore
from comms_service.store.sender_domains import SenderDomainStore
from contracts import topics
from contracts.kit.auth import ServiceToken
from contracts.kit.client import TracedClient
from contracts.kit.commands import Commands
from contracts.kit.limits import RateLimit
from contracts.kit.service import Service
from contracts.kit.worker import Job
from contracts.messages.comms import ChannelKind

TIMEOUT_S = 15.0


def build_app(settings: Settings) -> FastAPI:
    service = Service("comms-service", settings, quotas=QUOTAS)
    database, clock = service.database, service.clock
    message_store, channel_store, notification_store = MessageStore(), ChannelStore(), NotificationStore()
    statuses = Statuses(message_store, service.outbox, clock)
    domain_store = SenderDomainStore()
    domains = SenderDomains(database, domain_store, DnsGateway(settings.dns_server), clock)
    consent_store = ConsentStore()
    recorder = Consents(consent_store, service.outbox, clock)
    commands = Commands(service=service.name, results=topics.COMMS_RESULTS, outbox=service.outbox, clock=clock)
    handlers = Handlers(
        messages=message_store,
        channels=channel_store,
        notifications=notification_store,
        statuses=statuses,
        consents=recorder,
        clock=clock,
    )
    jobs = Jobs(
        database=database,
        messages=message_store,
        consents=consent_store,
        domains=domain_store,
        statuses=statuses,
        commands=commands,
        providers=_providers(service, settings),
        clock=clock,
    )
    service.consume(subscription(commands, handlers))
    for work in DELIVER.values():
        service.work({work: Job(jobs.deliver, jobs.give_up, attempts=settings.delivery_attempts)})

    secret = settings.sms_receipt_secret.get_secret_value()
    routers = [
        channels.router(database, channel_store, domain_store),
        sender_domains.router(database, domain_store, domains),
        sender_domains.internal_router(database, domain_store, domains),
        internal.router(database, channel_store),
        consents.router(database, consent_store, recorder, clock),
        messages.router(database, message_store),
        notifications.router(database, notification_store, clock),
        receipts.router(
            receipts.Receipts(database, message_store, statuses, secret),
            RateLimit(settings.receipts_per_second, settings.receipts_per_second * 2),
        ),
    ]
    return service.app("comms-service", routers, {RECEIPTS: receipts.MAX_BODY})


def _providers(service: Service, settings: Settings) -> Mapping[ChannelKind, Provider]:
    """The outside world, by the kind of channel that leads there."""
    doc_client = TracedClient("doc-service", timeout=TIMEOUT_S)
    sms_client = TracedClient("sms-provider", timeout=TIMEOUT_S)
    service.on_stop(doc_client.aclose)
    service.on_stop(sms_client.aclose)
    files = FileGateway(doc_client, settings.doc_service_url, ServiceToken(settings.service_tokens_dir, "doc-service"))
    return {
        "email": MailGateway(SmtpServer.parse(settings.smtp_url.get_secret_value()), files),
        "sms": SmsGateway(
            sms_client, settings.sms_url, settings.sms_token.get_secret_value(), settings.public_comms_url
        ),
    }
