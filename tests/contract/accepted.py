"""What clients, visitors and employees give, as the APIs' own models and conversions accept it."""

import string
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, get_args
from uuid import UUID

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy
from pydantic import ValidationError

from contracts.contexts import (
    CompanyContext,
    ContactContext,
    EmployeeContext,
    FieldSchema,
    ItemContext,
    MyCompany,
    PipelineContext,
    ProductContext,
    StageContext,
    TenantSettings,
)
from contracts.field_values import FieldType
from contracts.taxes import product_row
from entity_service.api.companies import CompanyInput
from entity_service.api.contacts import ContactInput
from entity_service.api.employees import EmployeeInput
from entity_service.api.items import ItemInput
from entity_service.api.my_companies import MyCompanyInput
from entity_service.api.products import ProductInput
from entity_service.api.tenants import TenantInput
from entity_service.domain.companies import company_of
from entity_service.domain.contacts import contact_of
from entity_service.domain.errors import InvalidError
from entity_service.domain.items import Item, Place, References, new_item
from entity_service.domain.my_companies import as_printed
from entity_service.domain.names import full_name
from entity_service.domain.products import sum_of

ID, CONTACT, COMPANY, SELLER, HEAD, PRODUCT = (
    UUID(f"00000000-0000-7000-8000-00000000000{number}") for number in range(1, 7)
)
NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
PLACE = Place("sales", "new")
OPTIONS = ("oak", "ash")
KINDS: tuple[FieldType, ...] = get_args(FieldType)
FIELDS = tuple(
    FieldSchema(
        code=f"{kind}{number}",
        name=kind,
        kind="deal",
        type=kind,
        multiple=bool(number),
        options=OPTIONS if kind == "list" else (),
    )
    for kind in KINDS
    for number in (0, 1)
)
REFERENCES = References(
    tenant=ID,
    pipelines={},
    fields={(field.kind, field.code): field for field in FIELDS},
    employees=frozenset({SELLER, HEAD}),
    contacts=frozenset({CONTACT}),
    companies=frozenset({COMPANY}),
)

words = st.one_of(
    st.text(max_size=300),
    st.text(alphabet='aüu\u0308 \t\n\r\u00a0\u2028\x85\x96\x1b\u200d<>,"@{%', max_size=20),
    st.sampled_from(["x" * 500, "x" * 501, "Anna", "24.12.2026", "2026-12-24", "9007199254740993", "1e300", "4"]),
)
addresses = st.one_of(st.emails(), st.sampled_from(["jürgen.x@client.example", "İ@bücher.example", "a@b"]))
values: SearchStrategy[Any] = st.one_of(words, st.integers(), st.floats(), st.booleans(), addresses)
long_texts = st.one_of(words, st.sampled_from(["n" * 10_000, "п" * 10_000, "a\n" * 5_000]))
currencies = st.sampled_from(["EUR", "JPY", "XXX", "ABC"])
money = st.fixed_dictionaries({"amount": st.integers(-(10**15), 10**15), "currency": currencies})
numbers = st.one_of(
    st.sampled_from(["+49301234567", "+447700900123", "00393471234567"]),
    st.from_regex(r"\+[1-9][0-9 ()-]{4,15}", fullmatch=True),
)
files = st.fixed_dictionaries(
    {
        "file_id": st.uuids().map(str),
        "name": words,
        "sha256": st.text(alphabet="0123456789abcdef", min_size=64, max_size=64),
        "media_type": st.one_of(st.sampled_from(["application/pdf", "text/plain", "multipart/mixed"]), words),
    }
)
of_type: Mapping[FieldType, SearchStrategy[Any]] = {
    "text": long_texts,
    "number": st.one_of(st.integers(-(10**15), 10**15), st.floats(allow_nan=False, allow_infinity=False)),
    "money": money,
    "boolean": st.booleans(),
    "date": st.dates().map(str),
    "datetime": st.datetimes(timezones=st.timezones()).map(str),
    "list": st.sampled_from(OPTIONS),
    "user": st.sampled_from([str(SELLER), str(HEAD)]),
    "file": files,
}
"""What people mean to give a field of a type; `values` is what they give all the same."""


def taken[T](take: Callable[[Mapping[str, Any]], T], needed: Mapping[str, Any], given: Mapping[str, Any]) -> T:
    """What comes of `needed` and of those given values that are accepted, each tried in turn."""
    accepted, made = dict(needed), take(needed)
    for name, value in given.items():
        try:
            made = take(accepted | {name: value})
        except (ValidationError, InvalidError):
            continue
        accepted[name] = value
    return made


def _made(take: Callable[[Mapping[str, Any]], Any], needed: Mapping[str, Any], **given: Any) -> SearchStrategy[Any]:
    return st.fixed_dictionaries({}, optional=given).map(lambda drawn: taken(take, needed, drawn))


def _named(name: str, many: SearchStrategy[Any]) -> SearchStrategy[Any]:
    return st.lists(st.fixed_dictionaries({name: many}), min_size=1, max_size=2)


def _to_contact(body: Mapping[str, Any]) -> ContactContext:
    return contact_of(CONTACT, {"first_name": "", "last_name": ""} | ContactInput.model_validate(body).values())


def _to_company(body: Mapping[str, Any]) -> CompanyContext:
    return company_of(COMPANY, CompanyInput.model_validate(body).values())


def _to_product(body: Mapping[str, Any]) -> ProductContext:
    return product_row(ProductInput.model_validate(body).row("EUR"), PRODUCT)


def _can_be_put(rows: Sequence[ProductContext]) -> bool:
    try:
        sum_of(rows, "per_row")
        sum_of(rows, "per_rate")
    except InvalidError:
        return False
    return True


def _to_employee(body: Mapping[str, Any]) -> EmployeeContext:
    given = EmployeeInput.model_validate(body)
    name = full_name(given.first_name, given.last_name)
    return EmployeeContext(id=SELLER, name=name, first_name=given.first_name, position=given.position)


def _to_tenant(body: Mapping[str, Any]) -> tuple[TenantSettings, MyCompany]:
    plain = {name: value for name, value in body.items() if name != "my_company"}
    mine = MyCompanyInput.model_validate({"name": "Shop"} | body.get("my_company", {}))
    return TenantSettings(**TenantInput.model_validate(plain).model_dump()), as_printed(mine.company("mine"))


def _to_item(body: Mapping[str, Any]) -> Item:
    fields = {name: value for name, value in body.items() if name in {field.code for field in FIELDS}}
    plain = {name: value for name, value in body.items() if name not in fields}
    wanted = ItemInput.model_validate(plain | {"kind": "deal", "fields": fields})
    return new_item(wanted, PLACE, REFERENCES, id=ID, now=NOW)


reached = {"phones": [{"number": "+49301234567"}], "emails": [{"address": "client@example.org"}]}
contacts = _made(
    _to_contact,
    reached,
    first_name=words,
    last_name=words,
    phones=_named("number", numbers),
    emails=_named("address", addresses),
)
requisites = st.fixed_dictionaries(
    {
        "organisation": st.fixed_dictionaries(
            {
                "full_name": words,
                "tax_number": words,
                "addresses": st.fixed_dictionaries({"legal": st.fixed_dictionaries({"street": words, "city": words})}),
            }
        )
    }
)
companies = _made(
    _to_company, {"title": "Bell"}, title=words, address=long_texts, tax_number=words, requisites=requisites
)
products = st.lists(
    _made(
        _to_product,
        {"name": "Table", "price": 1},
        name=words,
        quantity=st.decimals("0.000001", "1e9", places=6).map(str),
        unit=words,
        price=st.integers(0, 10**15),
        discount_percent=st.decimals(0, 100, places=4).map(str),
        tax_percent=st.decimals(0, 100, places=4).map(str),
    ),
    max_size=3,
).filter(_can_be_put)
employees = _made(_to_employee, {"first_name": "Sam"}, first_name=words, last_name=words, position=words)
languages = st.one_of(st.sampled_from(["de", "pt-BR", "ar", "zh"]), st.text(string.ascii_lowercase, max_size=3))
tenants = _made(
    _to_tenant,
    {"name": "Shop"},
    name=words,
    language=st.one_of(languages, languages.map(lambda one: f"{one}-QQ")),
    time_zone=st.timezone_keys(),
    currency=currencies,
    my_company=st.fixed_dictionaries({"name": words, "requisites": requisites}),
)


PEOPLE = {"contact_ids": [str(CONTACT)], "company_id": str(COMPANY), "responsible_id": str(SELLER)}


def item_with(given: Mapping[str, Any]) -> Item:
    """With those of the values, by name and by code of a field, that are accepted."""
    return taken(_to_item, {"title": "Oak table", **PEOPLE}, given)


def tenant_with(given: Mapping[str, Any]) -> tuple[TenantSettings, MyCompany]:
    return taken(_to_tenant, {"name": "Shop"}, given)


@st.composite
def items(draw: DrawFn) -> Item:
    """One with all of what belongs to every item, and some of the fields."""
    chosen = draw(st.lists(st.sampled_from(FIELDS), max_size=6, unique=True))
    given = {"source": draw(words), "amount": draw(money), "title": draw(words)}
    for field in chosen:
        one = st.one_of(of_type[field.type], values)
        given[field.code] = draw(st.lists(one, max_size=3) if field.multiple else one)
    return item_with(given)


@st.composite
def contexts(draw: DrawFn) -> ItemContext:
    """An item with everything around it."""
    return around(
        draw(items()),
        draw(tenants),
        contact=draw(contacts),
        company=draw(companies),
        products=tuple(draw(products)),
        responsible=draw(employees),
        supervisor=draw(employees),
    )


def around(item: Item, tenant: tuple[TenantSettings, MyCompany], **parts: Any) -> ItemContext:
    """The context of an item as entity-service answers with it: over JSON. `parts` replace what is around it."""
    named: dict[str, Any] = {
        "contact": _to_contact(reached | {"first_name": "Ada"}),
        "company": _to_company({"title": "Bell"}),
        "responsible": _to_employee({"first_name": "Sam"}),
        "supervisor": _to_employee({"first_name": "Kim"}),
    }
    named |= parts
    context = ItemContext(
        tenant_id=ID,
        tenant=tenant[0],
        item=item.snapshot(),
        contacts=(named["contact"],),
        stage=StageContext(code="new", name="New", position=0),
        pipeline=PipelineContext(code="sales", name="Sales"),
        my_company=tenant[1],
        read_at=NOW,
        **named,
    )
    return ItemContext.model_validate_json(context.model_dump_json())
