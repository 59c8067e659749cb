"""`/v1/templates`: authors' templates. Each is tried with a made-up deal before it is kept."""

from collections.abc import Mapping
from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import AfterValidator, AwareDatetime, BaseModel, Field, JsonValue, StringConstraints

from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Database
from contracts.kit.errors import QueueFullError, RetryLaterError
from contracts.kit.http import Page, Problem, bad_input
from contracts.kit.routes import Paged, found
from contracts.values import Code
from doc_service.application.templates import Templates
from doc_service.domain.errors import DataError, PatternError
from doc_service.domain.numbers import check_pattern, default_pattern
from doc_service.domain.printing import find_locale
from doc_service.domain.templates import Template, TemplateVersion
from doc_service.gateways.typesetter import TemplateError

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


class TemplateSaved(TemplateDetail):
    """`warnings`: what is wrong with the document of the trial though it is printed."""

    warnings: tuple[str, ...]


def router(database: Database, templates: Templates) -> APIRouter:
    """Templates: written by authors, read by everyone of the tenant."""
    routes = APIRouter(prefix="/v1/templates", tags=["templates"])

    @routes.put("/{code}")
    async def put_template(code: Code, body: TemplateIn, caller: Caller = require(Role.AUTHOR)) -> TemplateSaved:
        """Creates the template or a new version of it; `publish` makes documents from it from now on."""
        template = _template(code, body)
        warnings = await _try(templates, caller, template, body.sample)
        async with database.transaction(caller.tenant) as tx:
            saved = await templates.put(tx, caller, template, publish=body.publish, archived=body.archived)
        return TemplateSaved(**dict(_detail(saved)), warnings=warnings)

    @routes.get("/{code}")
    async def get_template(
        code: Code,
        version: Annotated[int | None, Query(ge=0, le=MAX_VERSION)] = None,
        caller: Caller = require(Role.VIEWER),
    ) -> TemplateDetail:
        """The newest version, or the one asked for."""
        what = f"template {code!r}" + (f" version {version}" if version else "")
        async with database.transaction(caller.tenant) as tx:
            return _detail(found(await templates.find(tx, caller.tenant, code, version), what))

    @routes.get("")
    async def list_templates(paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[TemplateOut]:
        """All templates by code, in their newest versions, without their sources."""
        async with database.transaction(caller.tenant) as tx:
            versions = await templates.page(tx, caller.tenant, paging.code, paging.rows)
        return paging.page(versions, lambda one: (one.template.code,), _out)

    return routes


async def _try(
    templates: Templates, caller: Caller, template: Template, sample: Mapping[str, JsonValue]
) -> tuple[str, ...]:
    """The warnings of the trial. Raises 422 with the compiler's words, 429 when too many are tried."""
    try:
        return await templates.try_with_sample(caller.tenant, template, sample)
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


def _template(code: str, wanted: TemplateIn) -> Template:
    return Template(
        code=code,
        version=0,
        name=wanted.name,
        language=wanted.language,
        number_pattern=wanted.number_pattern or default_pattern(code),
        source=wanted.source,
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
