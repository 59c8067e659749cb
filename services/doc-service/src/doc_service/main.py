"""Where doc-service is put together."""

import secrets

from fastapi import FastAPI

from contracts import topics
from contracts.kit.clock import new_id
from contracts.kit.commands import Commands
from contracts.kit.service import Service
from contracts.kit.shares import Shares
from contracts.kit.worker import Job
from doc_service.api import documents, files, internal, public, qr_codes, templates
from doc_service.application.links import Links
from doc_service.application.templates import Templates
from doc_service.builtin import load_templates
from doc_service.domain.documents import RENDER
from doc_service.domain.qr_codes import DRAW
from doc_service.gateways.files import FileStore
from doc_service.gateways.typesetter import Typesetter
from doc_service.handlers import Handlers, subscription
from doc_service.jobs import Drawing, Rendering
from doc_service.messages import Events
from doc_service.quotas import QUOTAS
from doc_service.settings import Settings
from doc_service.store import Store

SET_AT_ONCE = 2
TRIALS_WAITING = 8
"""Of one tenant, before the next one is refused; at most five seconds of CPU time each."""


def build_app(settings: Settings) -> FastAPI:
    """The application; connects to nothing before it is started."""
    service = Service("doc-service", settings, quotas=QUOTAS)
    store, builtin = Store(), load_templates()
    content = FileStore(settings.files_url, settings.files_dir)
    events = Events(service.outbox, new_id)
    links = Links(
        store=store,
        base=settings.public_doc_url,
        days=settings.link_days,
        clock=service.clock,
        new_token=new_token,
    )
    commands = Commands(service=service.name, results=topics.DOC_RESULTS, outbox=service.outbox, clock=service.clock)
    handlers = Handlers(store=store, links=links, builtin=builtin, clock=service.clock)
    rendering = Rendering(
        database=service.database,
        store=store,
        builtin=builtin,
        typesetter=Typesetter(Shares("render", SET_AT_ONCE), fonts=settings.fonts_dir),
        files=content,
        links=links,
        events=events,
        commands=commands,
        clock=service.clock,
    )
    drawing = _drawing(service, settings, store, content, commands)
    service.consume(subscription(commands, handlers))
    service.work({RENDER: Job(rendering.run, rendering.give_up), DRAW: Job(drawing.run, drawing.give_up)})
    # Templates under trial have places of their own, so that they do not hold up documents.
    trials = Typesetter(Shares("try_template", SET_AT_ONCE, queue=TRIALS_WAITING), fonts=settings.fonts_dir)
    own_templates = Templates(store=store, builtin=builtin, typesetter=trials, clock=service.clock)
    public_api = public.PublicApi(
        database=service.database, store=store, files=content, events=events, clock=service.clock
    )
    scan_api = qr_codes.ScanApi(
        database=service.database, store=store, files=content, events=events, clock=service.clock
    )
    routers = [
        files.router(service, store, content, new_id),
        templates.router(service.database, own_templates),
        documents.router(service, store, links),
        public.router(public_api),
        qr_codes.router(service.database, store),
        qr_codes.public_router(scan_api),
        internal.router(service.database, store, builtin),
    ]
    return service.app(service.name, routers, larger_bodies=files.BODY_LIMITS)


def _drawing(service: Service, settings: Settings, store: Store, files: FileStore, commands: Commands) -> Drawing:
    return Drawing(
        database=service.database,
        store=store,
        files=files,
        base=settings.public_doc_url,
        commands=commands,
        clock=service.clock,
        new_token=new_token,
    )


def new_token() -> str:
    return secrets.token_urlsafe(32)
