"""Documents: what a command and a template make together, and what the template is given to print."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal
from uuid import UUID, uuid5
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import orjson
from pydantic import TypeAdapter, ValidationError

from contracts.contexts import ProductContext
from contracts.envelope import Cause, Envelope
from contracts.issues import issues_of
from contracts.messages.doc import CreateDocument
from contracts.values import FileRef
from doc_service.domain.errors import DataError
from doc_service.domain.files import File, safe_name
from doc_service.domain.payment_codes import payment_code
from doc_service.domain.printing import Printer, find_locale
from doc_service.domain.templates import Template
from doc_service.domain.totals import rounding_of, totals
from doc_service.domain.words import words

Status = Literal["waiting", "ready", "failed", "cancelled"]

RENDER = "render"
"""The kind of work that renders a document; its id is the document's."""

MAX_PARTS, MAX_NAME = 20, 200
"""Of a field's name: parts between dots, characters."""
_INT64 = range(-(2**63), 2**63)
_PRODUCTS = TypeAdapter(tuple[ProductContext, ...])


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A numbered document. `data` is the command's, with its field overrides in place."""

    id: UUID
    tenant: UUID
    item_id: UUID
    template: str
    template_version: int
    title: str
    """The template's name, as the public page shows it."""
    company: str
    """The tenant's own company, as the public page shows it."""
    number: str
    language: str
    time_zone: str
    data: Mapping[str, Any]
    wait_for_pdf: bool
    public_link: bool
    link_days: int | None
    created_at: datetime
    created_by: str
    command_id: UUID
    correlation: str
    root: str
    """The id of the message that the command's chain of causes began with."""
    causepath: tuple[Cause, ...] = ()
    status: Status = "waiting"
    reason: str | None = None
    warnings: tuple[str, ...] = ()
    """What its author should know though it could be printed."""
    file: File | None = None
    views: int = 0
    viewed_at: datetime | None = None

    @property
    def pdf(self) -> FileRef | None:
        """Null until it is rendered."""
        return self.file.ref if self.file else None

    @property
    def file_id(self) -> UUID:
        """The same at every rendering."""
        return uuid5(self.id, "pdf")

    @property
    def file_name(self) -> str:
        return safe_name(f"{self.title} {self.number}.pdf".replace("/", "-"))


def document_id(tenant: UUID, command_id: UUID) -> UUID:
    """The id of the document that a tenant's command makes, however often it comes."""
    return uuid5(command_id, f"{tenant}/document")


def plan_document(command: Envelope[CreateDocument], template: Template, number: str, now: datetime) -> Document:
    """The document a command asks for. Raises `DataError` for what could never be printed."""
    asked = command.data
    data = override(asked.data, asked.fields)
    _check_numbers(data)
    _check_products(data)
    rounding_of(data)
    language = template.language or asked.language
    find_locale(language)
    return Document(
        id=document_id(command.tenant, command.command_id),
        tenant=command.tenant,
        item_id=asked.item_id,
        template=template.code,
        template_version=template.version,
        title=template.name,
        company=_company(data),
        number=number,
        language=language,
        time_zone=asked.time_zone,
        data=data,
        wait_for_pdf=asked.wait_for_pdf,
        public_link=asked.public_link,
        link_days=asked.link_days,
        created_at=now,
        created_by=asked.created_by,
        command_id=command.command_id,
        correlation=command.correlation,
        causepath=command.causepath,
        root=command.root_cause,
    )


def local_day(now: datetime, time_zone: str) -> date:
    """The day it is there. Raises `DataError` for an unknown time zone."""
    try:
        return now.astimezone(ZoneInfo(time_zone)).date()
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise DataError(f"time_zone: there is no time zone {time_zone!r}") from error


def override(data: Mapping[str, Any], fields: Mapping[str, Any]) -> dict[str, Any]:
    """`data` with each field put in its place; a name is a path such as `company.address`.

    Raises `DataError` for a name that leads deeper than any template looks.
    """
    result = dict(data)
    for name, value in fields.items():
        path = name.split(".")
        if len(path) > MAX_PARTS or len(name) > MAX_NAME:
            raise DataError(
                f"fields: the name {name[:40]!r}… has {len(path)} parts and {len(name)} characters; "
                f"at most {MAX_PARTS} parts and {MAX_NAME} characters are allowed"
            )
        _put(result, path, value)
    return result


def _put(place: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Objects on the way are copied, since others hold them too."""
    for name in path[:-1]:
        inner = place.get(name)
        place[name] = dict(inner) if isinstance(inner, Mapping) else {}
        place = place[name]
    place[path[-1]] = value


def _check_numbers(data: Mapping[str, Any]) -> None:
    """JSON has numbers of any length; templates and stores have 64 bits."""
    left: list[tuple[str, Any]] = list(data.items())
    while left:
        place, value = left.pop()
        if isinstance(value, Mapping):
            left += [(f"{place}.{name}", inner) for name, inner in value.items()]
        elif isinstance(value, list | tuple):
            left += [(f"{place}.{number}", inner) for number, inner in enumerate(value)]
        elif isinstance(value, int) and value not in _INT64:
            raise DataError(f"{place[:MAX_NAME]}: the number is too long to be printed (more than 64 bits)")


def _check_products(data: Mapping[str, Any]) -> None:
    try:
        _PRODUCTS.validate_python(data.get("products") or ())
    except ValidationError as error:
        places = "; ".join(f"data.products{where}: {what}" for where, what in issues_of(error)[:3])
        raise DataError(places) from error


def _company(data: Mapping[str, Any]) -> str:
    mine = data.get("my_company")
    return str(mine.get("name") or "") if isinstance(mine, Mapping) else ""


def template_inputs(document: Document) -> dict[str, str]:
    """What the template reads as `sys.inputs`: JSON texts `data` (raw), `printed` and `words`; `language`.

    `printed` has the shape of `data`, but money, dates and the numbers of products are text in the document's language.
    Both have besides `document` (`number`, `title`, `date`) and `totals` (see `domain.totals`). `words` has the money
    of `data` in words, and nothing else (see `domain.words`). `payment_code` is an SVG, or empty (see
    `domain.payment_codes`).
    """
    locale = find_locale(document.language)
    printer = Printer(locale, ZoneInfo(document.time_zone))
    head = {
        "number": document.number,
        "title": document.title,
        "date": local_day(document.created_at, document.time_zone).isoformat(),
    }
    lines = _PRODUCTS.validate_python(document.data.get("products") or ())
    sums = totals(lines, document.data)
    data = dict(document.data) | {"totals": sums, "document": head}
    texts = printer.tree(data) | {"document": head | {"date": printer.text(head["date"])}}
    code = payment_code(data, sums, document.number)
    more = {"words": _json(words(data, locale)), "payment_code": code, "language": printer.language}
    return {"data": _json(data), "printed": _json(texts)} | more


def about_glyphs(missing: str) -> tuple[str, ...]:
    """A warning that names the first characters that are printed as boxes; none when nothing is missing."""
    if not missing:
        return ()
    named = ", ".join(f"{letter} (U+{ord(letter):04X})" for letter in missing)
    return (f"no font has these characters, so boxes are printed in their places: {named}",)


def _json(value: Any) -> str:
    return orjson.dumps(value).decode()
