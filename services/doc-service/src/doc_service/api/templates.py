"""`/v1/templates`: authors' templates. Each is tried with a made-up deal before it is kept."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Literal
from uuid import UUID

from fastapi import APIRouter, Query, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, JsonValue, StringConstraints

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import Clock
from contracts.kit.configuration import record
from contracts.kit.database import Connection, Database
from contracts.kit.errors import QueueFullError, RetryLaterError
from contracts.kit.http import Cursor, Limit, Page, Problem, bad_input, decode_cursor, json_response, not_found
from contracts.kit.quotas import check
from contracts.values import Code
from doc_service.domain.documents import template_inputs
from doc_service.domain.errors import DataError, PatternError
from doc_service.domain.numbers import check_pattern, default_pattern
from doc_service.domain.printing import find_locale
from doc_service.domain.sample import sample_document
from doc_service.domain.templates import Template, TemplateHead, TemplateVersion
from doc_service.gateways.typesetter import TemplateError, Typesetter
from doc_service.quotas import TEMPLATES
from doc_service.store import Store

MAX_VERSION = 2**31 - 1
MAX_SOURCE = 200_000
"""Bytes of UTF-8."""


def _short_enough(text: str) -> str:
    if len(text.encode()) > MAX_SOURCE:
        raise ValueError(f"has more than {MAX_SOURCE} bytes")
    return text


def _known_language(text: str) -> str:
    try:
        find_locale(text)
    except DataError as error:
        raise ValueError(str(error)) from error
    return text


def _usable_pattern(text: str) -> str:
    try:
        check_pattern(text)
    except PatternError as error:
        raise ValueError(str(error)) from error
    return text


class TemplateIn(Input):
    """A template as its author writes it.

    `sample` gives values to fields of the tenant's own that the template reads, by path (`item.fields.floor`), for the
    trial at upload; it is not kept.
    """

    name: Annotated[str, StringConstraints(min_length=1, max_length=100)]
    kind: Literal["typst"] = "typst"
    source: Annotated[str, Field(min_length=1), AfterValidator(_short_enough)]
    language: Annotated[str, AfterValidator(_known_language)] | None = None
    """The language documents are printed in; null: that of the tenant."""
    number_pattern: Annotated[str, AfterValidator(_usable_pattern)] | None = None
    """Such as `INV-{year}-{number:4}`; null: made of the code."""
    sample: Annotated[dict[str, JsonValue], Field(max_length=100)] = Field(default_factory=dict)
    publish: bool = False
    archived: bool = False


class TemplateOut(BaseModel):
    """A template version; `published_version` is the one documents are made from, 0 what ships with the service."""

    code: str
    name: str
    kind: Literal["typst"] = "typst"
    version: int
    published_version: int | None
    archived: bool
    language: str | None
    number_pattern: str
    created_at: AwareDatetime | None
    created_by: str | None


class TemplateDetail(TemplateOut):
    source: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TemplateApi:
    database: Database
    store: Store
    builtin: Mapping[str, Template]
    typesetter: Typesetter
    clock: Clock

    async def put(self, caller: Caller, code: str, wanted: TemplateIn) -> TemplateVersion:
        template = _template(code, wanted)
        await self._try(caller.tenant, template, wanted.sample)
        async with self.database.transaction(caller.tenant) as tx:
            head = await self.store.templates.locked(tx, caller.tenant, code)
            if head is None:
                await check(tx, caller.tenant, TEMPLATES)
            latest = await self._version(tx, caller, replace(template, version=head.latest if head else 0))
            before = head.published if head else None
            published = latest if wanted.publish else before
            state = TemplateHead(code=code, latest=latest, published=published, archived=wanted.archived)
            former = await self.store.templates.version(tx, caller.tenant, code, None) if head else None
            await self.store.templates.save(tx, caller.tenant, state)
            saved = await self._own(tx, caller.tenant, code, None)
            await record(tx, caller, "template", code, former, saved)
            return saved

    async def _version(self, tx: Connection, caller: Caller, template: Template) -> int:
        """The number of the version that has this content: the newest one if it has not changed, else a new one."""
        newest = await self.store.templates.version(tx, caller.tenant, template.code, None)
        if newest is not None and newest.template == template:
            return template.version
        new = replace(template, version=template.version + 1)
        await self.store.templates.add_version(tx, caller.tenant, new, self.clock(), caller.subject)
        return new.version

    async def _try(self, tenant: UUID, template: Template, sample: Mapping[str, JsonValue]) -> None:
        """Sets the template with made-up data; raises 422 with the compiler's words, 429 when too many are tried."""
        try:
            document = sample_document(template, sample)
            await self.typesetter.set(tenant, template.source, template_inputs(document), document.created_at)
        except TemplateError as error:
            where = f"source:{error.line}:{error.column}" if error.line else "source"
            advice = "it was tried with a made-up deal; give values of your own fields in `sample`"
            raise bad_input(f"the template does not compile: {error}; {advice}", (where, error.message)) from error
        except (DataError, ValueError, TypeError) as error:
            raise bad_input("the sample has not the shape of a deal", ("sample", str(error))) from error
        except QueueFullError as error:
            detail = f"{error.waiting} templates of this tenant are being tried already; try again when they are done"
            raise Problem(429, "Too many requests", detail, headers={"Retry-After": "10"}) from error
        except RetryLaterError as error:
            raise Problem(503, "Unavailable", str(error), headers={"Retry-After": "10"}) from error

    async def read(self, tenant: UUID, code: str, version: int | None) -> TemplateVersion:
        async with self.database.transaction(tenant) as tx:
            return await self._own(tx, tenant, code, version)

    async def _own(self, tx: Connection, tenant: UUID, code: str, version: int | None) -> TemplateVersion:
        found = await self.store.templates.version(tx, tenant, code, version)
        if found is None and not version and code in self.builtin:
            return _shipped(self.builtin[code])
        if found is None:
            raise not_found(f"template {code!r}" + (f" version {version}" if version else ""))
        return found

    async def list(self, tenant: UUID, after: str, limit: int) -> list[TemplateVersion]:
        """By code; a shipped template is listed where the tenant has none of its own."""
        async with self.database.transaction(tenant) as tx:
            own = await self.store.templates.newest(tx, tenant, after, limit)
            hidden = {code for code in self.builtin if await self.store.templates.version(tx, tenant, code, None)}
        shipped = [_shipped(it) for code, it in self.builtin.items() if code > after and code not in hidden]
        return sorted(own + shipped, key=lambda version: version.template.code)[:limit]


def router(api: TemplateApi) -> APIRouter:
    routes = APIRouter(tags=["templates"])

    @routes.put("/v1/templates/{code}", response_model=TemplateDetail)
    async def put_template(code: Code, wanted: TemplateIn, caller: Caller = require(Role.AUTHOR)) -> Response:
        """Creates the template or a new version of it; `publish` makes documents from it from now on."""
        return json_response(_detail(await api.put(caller, code, wanted)))

    @routes.get("/v1/templates/{code}", response_model=TemplateDetail)
    async def read_template(
        code: Code,
        version: Annotated[int | None, Query(ge=0, le=MAX_VERSION)] = None,
        caller: Caller = require(Role.VIEWER),
    ) -> Response:
        """The newest version, or the one asked for."""
        return json_response(_detail(await api.read(caller.tenant, code, version)))

    @routes.get("/v1/templates", response_model=Page[TemplateOut])
    async def list_templates(
        cursor: Cursor = None,
        limit: Limit = 50,
        caller: Caller = require(Role.VIEWER),
    ) -> Response:
        """All templates by code, in their newest versions, without their sources."""
        (after,) = decode_cursor(cursor, tuple[str]) or ("",)
        found = await api.list(caller.tenant, after, limit + 1)
        return json_response(Page[TemplateOut].of(found, limit, key=lambda one: (one.template.code,), show=_out))

    return routes


def _template(code: str, wanted: TemplateIn) -> Template:
    return Template(
        code=code,
        version=0,
        name=wanted.name,
        language=wanted.language,
        number_pattern=wanted.number_pattern or default_pattern(code),
        source=wanted.source,
    )


def _shipped(template: Template) -> TemplateVersion:
    return TemplateVersion(
        template=template, published=template.version, archived=False, created_at=None, created_by=None
    )


def _out(version: TemplateVersion) -> TemplateOut:
    return TemplateOut(**_fields(version))


def _detail(version: TemplateVersion) -> TemplateDetail:
    return TemplateDetail(**_fields(version), source=version.template.source)


def _fields(version: TemplateVersion) -> dict[str, object]:
    template = version.template
    return {
        "code": template.code,
        "name": template.name,
        "version": template.version,
        "published_version": version.published,
        "archived": version.archived,
        "language": template.language,
        "number_pattern": template.number_pattern,
        "created_at": version.created_at,
        "created_by": version.created_by,
    }
