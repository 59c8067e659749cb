"""Authors' templates: each is tried with a made-up deal before it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from uuid import UUID

from pydantic import JsonValue

from contracts.kit.auth import Caller
from contracts.kit.clock import Clock
from contracts.kit.configuration import record
from contracts.kit.database import Connection
from contracts.kit.quotas import check
from doc_service.domain.documents import about_glyphs, template_inputs
from doc_service.domain.sample import sample_document
from doc_service.domain.templates import Template, TemplateHead, TemplateVersion
from doc_service.gateways.typesetter import Typesetter
from doc_service.quotas import TEMPLATES
from doc_service.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Templates:
    """`builtin` are the templates that ship with the service, by code."""

    store: Store
    builtin: Mapping[str, Template]
    typesetter: Typesetter
    clock: Clock

    async def try_with_sample(
        self, tenant: UUID, template: Template, sample: Mapping[str, JsonValue]
    ) -> tuple[str, ...]:
        """Sets the template with made-up data, outside of any transaction; the warnings that its document would have.

        Raises `TemplateError`, `QueueFullError` or `RetryLaterError` of the typesetter; for a sample that has not the
        shape of a deal `DataError`, `ValueError` or `TypeError`.
        """
        document = sample_document(template, sample)
        made = await self.typesetter.set(tenant, template.source, template_inputs(document), document.created_at)
        return about_glyphs(made.missing)

    async def put(
        self, tx: Connection, caller: Caller, template: Template, *, publish: bool, archived: bool
    ) -> TemplateVersion:
        """Creates the template, or a new version of it when its content has changed."""
        store, tenant, code = self.store.templates, caller.tenant, template.code
        head = await store.locked(tx, tenant, code)
        if head is None:
            await check(tx, tenant, TEMPLATES)
        before = await store.version(tx, tenant, code, None) if head else None
        latest = await self._version(tx, caller, before, replace(template, version=head.latest if head else 0))
        published = latest if publish else (head.published if head else None)
        await store.save(tx, tenant, TemplateHead(code=code, latest=latest, published=published, archived=archived))
        saved = await store.version(tx, tenant, code, None)
        assert saved is not None  # noqa: S101 - it is saved
        await record(tx, caller, "template", code, before, saved)
        return saved

    async def _version(self, tx: Connection, caller: Caller, newest: TemplateVersion | None, template: Template) -> int:
        """The number of the version that has this content: the newest one if it has not changed, else a new one."""
        if newest is not None and newest.template == template:
            return template.version
        new = replace(template, version=template.version + 1)
        await self.store.templates.add_version(tx, caller.tenant, new, self.clock(), caller.subject)
        return new.version

    async def find(self, tx: Connection, tenant: UUID, code: str, version: int | None) -> TemplateVersion | None:
        """The newest version, or the one asked for; the shipped template where the tenant has none of its own."""
        own = await self.store.templates.version(tx, tenant, code, version)
        if own is None and not version and code in self.builtin:
            return _shipped(self.builtin[code])
        return own

    async def page(self, tx: Connection, tenant: UUID, after: str, limit: int) -> list[TemplateVersion]:
        """By code; a shipped template is listed where the tenant has none of its own."""
        own = await self.store.templates.newest(tx, tenant, after, limit)
        hidden = {code for code in self.builtin if await self.store.templates.version(tx, tenant, code, None)}
        shipped = [_shipped(it) for code, it in self.builtin.items() if code > after and code not in hidden]
        return sorted(own + shipped, key=lambda version: version.template.code)[:limit]


def _shipped(template: Template) -> TemplateVersion:
    return TemplateVersion(
        template=template, published=template.version, archived=False, created_at=None, created_by=None
    )
