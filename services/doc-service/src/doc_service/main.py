"""Where doc-service is put together."""

import secrets

from fastapi import FastAPI

from contracts import topics
from contracts.catalogue import MESSAGES
from contracts.kit.clock import new_id
from contracts.kit.commands import Commands
from contracts.kit.service import Service
from contracts.kit.shares import Shares
from contracts.kit.worker import Job
from doc_service.api import documents, files, internal, public, templates
from doc_service.application import Links
from doc_service.builtin import load_templates
from doc_service.domain.documents import RENDER
from doc_service.gateways.files import FileStore
from doc_service.gateways.typesetter import Typesetter
from doc_service.handlers import Handlers, routes
from doc_service.jobs import Rendering
from doc_service.messages import Events
from doc_service.quotas import QUOTAS
from doc_service.settings import Settings
from doc_service.store import Store

SET_AT_ONCE = 2
TRIALS_WAITING = 8
"""Of one tenant, before the next one is refused; at most five seconds of CPU time each."""


def build_app(settings: Settings) -> FastAPI:
    service = Service("doc-service", settings, quotas=QUOTAS)
    clock, database, idempotency = service.clock, service.database, service.idempotency
    store, builtin = Store(), load_templates()
    content = FileStore(settings.files_url, settings.files_dir)
    events = Events(service.outbox, new_id)
    links = Links(
        store=store,
        base=settings.public_doc_url,
        days=settings.link_days,
        clock=clock,
        new_token=lambda: secrets.token_urlsafe(32),
    )
    commands = Commands(service=service.name, results=topics.DOC_RESULTS, outbox=service.outbox, clock=clock)
    handlers = Handlers(store=store, links=links, builtin=builtin, clock=clock)
    rendering = Rendering(
        database=database,
        store=store,
        builtin=builtin,
        typesetter=Typesetter(Shares("render", SET_AT_ONCE)),
        files=content,
        links=links,
        events=events,
        commands=commands,
        clock=clock,
    )
    expected = MESSAGES[topics.DOC_COMMANDS]
    service.consume(
        commands.subscription(topics.DOC_COMMANDS, routes(handlers), expected=expected, cancel=handlers.cancel)
    )
    service.work({RENDER: Job(rendering.run, rendering.give_up)})
    file_api = files.FileApi(
        database=database, store=store, files=content, idempotency=idempotency, clock=clock, new_id=new_id
    )
    # Templates under trial have places of their own: they must not hold up documents.
    trials = Typesetter(Shares("try_template", SET_AT_ONCE, queue=TRIALS_WAITING))
    template_api = templates.TemplateApi(
        database=database, store=store, builtin=builtin, typesetter=trials, clock=clock
    )
    document_api = documents.DocumentApi(
        database=database, store=store, links=links, idempotency=idempotency, clock=clock
    )
    public_api = public.PublicApi(database=database, store=store, files=content, events=events, clock=clock)
    routers = [
        files.router(file_api),
        templates.router(template_api),
        documents.router(document_api),
        public.router(public_api),
        internal.router(database, store, builtin),
    ]
    return service.app(service.name, routers, larger_bodies=files.BODY_LIMITS)
