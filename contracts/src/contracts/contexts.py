"""What entity-service answers on `/internal`: items with everything around them, and a tenant's schema.

`POST /internal/contexts` takes a `ContextRequest` and answers a `ContextResponse`, for many items of many tenants at
once; `contracts.asking` asks until all is answered. `GET /internal/schema/{tenant}` answers a `TenantSchema`,
`GET /internal/items/in-stage` a `StageItems`. Each demands its scope of `contracts.service_calls`.
The names of a context are those that authors write in conditions and texts: `item.title`, `contact.first_name`, ….
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Annotated, Literal
from uuid import UUID

from pydantic import AwareDatetime, Field, SkipValidation

from contracts.calendars import Calendar, Schedule
from contracts.field_values import FieldFields, ListSchema
from contracts.issues import unknown
from contracts.item_types import ItemType, find_type, unknown_type
from contracts.requisites import NO_REQUISITES, Requisites
from contracts.values import (
    Code,
    Currency,
    EmployeeId,
    Fields,
    ItemKind,
    ItemSnapshot,
    Money,
    PlannedKind,
    TaxRounding,
    Value,
)

Part = Literal[
    "contacts",
    "company",
    "products",
    "planned_activities",
    "responsible",
    "supervisor",
    "stage",
    "reassignments",
    "members",
]
"""What a request may leave out. The item itself, `pipeline` and `my_company` always come."""

Outcome = Literal["open", "won", "lost"]


class Phone(Value):
    """A phone number in E.164 form."""

    number: str
    type: Literal["work", "home", "mobile", "other"] = "mobile"


class Email(Value):
    """An e-mail address."""

    address: str
    type: Literal["work", "home", "other"] = "work"


class ContactContext(Value):
    """A person: the client, or somebody of the client's company."""

    id: UUID
    first_name: str
    last_name: str
    name: str
    """Both names, as a person would write them."""
    phones: tuple[Phone, ...] = ()
    emails: tuple[Email, ...] = ()
    phone: str | None = None
    """The first phone number."""
    email: str | None = None
    """The first e-mail address."""
    opted_out: bool = False
    """Whether messages to any of the addresses are unwanted."""
    opted_out_at: AwareDatetime | None = None
    """When the contact as a whole opted out; null: never, or it has opted in since."""
    time_zone: str | None = None
    """Of the IANA database; null: as the company's."""
    requisites: Requisites = NO_REQUISITES

    @property
    def addresses(self) -> tuple[str, ...]:
        return (*(phone.number for phone in self.phones), *(email.address for email in self.emails))


class CompanyContext(Value):
    """The client's company."""

    id: UUID
    title: str
    phones: tuple[Phone, ...] = ()
    emails: tuple[Email, ...] = ()
    phone: str | None = None
    email: str | None = None
    address: str | None = None
    tax_number: str | None = None
    requisites: Requisites = NO_REQUISITES


Percent = Annotated[Decimal, Field(ge=0, le=100)]


class ProductContext(Value):
    """One product row, its amounts in minor units as `contracts.taxes.product_row` computes them.

    Several rows come to what `contracts.taxes.totals` says, which may differ from the sum of their `net` or `total`.
    """

    id: UUID | None = None
    """Null in rows that are written by hand into the data of a document."""
    name: str
    quantity: Decimal
    unit: str
    price: Money
    discount_percent: Percent
    tax_percent: Percent
    tax_included: bool = False
    """Whether `price` has the tax in it; otherwise the tax comes on top."""
    net: Money
    total: Money
    """With the tax."""


MAX_PLANNED_SHOWN = 100


class PlannedActivityContext(Value):
    """Something that is still to be done about the item; `stage` is the one it was planned in."""

    id: UUID
    kind: PlannedKind
    name: str
    deadline: AwareDatetime | None = None
    responsible_id: EmployeeId
    stage: str


class EmployeeContext(Value):
    """An employee of the tenant."""

    id: EmployeeId
    name: str
    first_name: str
    email: str | None = None
    phone: str | None = None
    position: str | None = None
    department: str | None = None
    schedule: Schedule | None = None
    """Comes with the responsible person, with the absences that are not over."""


class StageContext(Value):
    """A stage of a pipeline; `position` counts from 0."""

    code: str
    name: str
    position: int
    outcome: Outcome = "open"


class PipelineContext(Value):
    """A pipeline without its stages."""

    code: str
    name: str


class MyCompany(Value):
    """The tenant's own company, as documents print it: that which others are not said to replace.

    `address` (the legal one), `tax_number`, `bank` and `account` (of the first account) are those of its requisites.
    """

    code: str = ""
    name: str = ""
    address: str = ""
    tax_number: str = ""
    email: str = ""
    phone: str = ""
    bank: str = ""
    account: str = ""
    requisites: Requisites = NO_REQUISITES


class TenantFields(Fields):
    """How a tenant's times, numbers and texts are to be read and printed."""

    name: str
    time_zone: str = "UTC"
    language: str = "en"
    currency: Currency = "EUR"
    tax_rounding: TaxRounding = "per_rate"
    crm_url: str = ""
    """Where people open the CRM in a browser, without a slash at its end; empty when not set."""
    default_assignee: Code | None = None
    """The employee who gets the new work of archived employees without a successor."""


class TenantSettings(TenantFields, Value):
    """The same with the calendar, as other services get it."""

    calendar: Calendar = Calendar()


class ItemContext(Value):
    """An item with everything around it, at one moment."""

    tenant_id: UUID
    tenant: TenantSettings
    item: ItemSnapshot
    contact: ContactContext | None = None
    """The first of `contacts`."""
    contacts: tuple[ContactContext, ...] = ()
    company: CompanyContext | None = None
    products: tuple[ProductContext, ...] = ()
    planned_activities: tuple[PlannedActivityContext, ...] = ()
    """Those that are open, the next one first, those without a deadline last; at most `MAX_PLANNED_SHOWN`."""
    responsible: EmployeeContext | None = None
    supervisor: EmployeeContext | None = None
    """The head of the responsible person's department, up the tree, never the responsible person."""
    stage: StageContext | None = None
    pipeline: PipelineContext
    my_company: MyCompany
    reassignments: SkipValidation[dict[EmployeeId, EmployeeId | None]] = Field(default_factory=dict)
    """Who gets new work in the place of each archived employee; null: nobody."""
    substitutes: SkipValidation[dict[EmployeeId, EmployeeId]] = Field(default_factory=dict)
    """Who answers for each employee who is absent now; comes with `reassignments`."""
    members: SkipValidation[dict[str, tuple[EmployeeId, ...]]] = Field(default_factory=dict)
    """Who belongs to each department, or to one below it, by the code of the department."""
    read_at: AwareDatetime


UNNAMED = frozenset({"tenant_id", "reassignments", "substitutes", "members", "read_at"})
"""What of a context authors cannot name."""


class ItemRef(Value):
    tenant_id: UUID
    item_id: UUID


class ContextRequest(Value):
    """At most 500 items; `parts` none means everything."""

    items: Annotated[tuple[ItemRef, ...], Field(min_length=1, max_length=500)]
    parts: tuple[Part, ...] | None = None


MAX_ANSWER = 2_000_000
"""Bytes of a `ContextResponse`, and so of one item's context."""


class TenantRecords(Value):
    """What items of a tenant refer to, each once; the last three are those of `ItemContext`."""

    settings: TenantSettings
    my_company: MyCompany
    contacts: dict[UUID, ContactContext] = Field(default_factory=dict)
    companies: dict[UUID, CompanyContext] = Field(default_factory=dict)
    responsible: dict[EmployeeId, EmployeeContext] = Field(default_factory=dict)
    supervisors: dict[EmployeeId, EmployeeContext] = Field(default_factory=dict)
    """By the id of the responsible person."""
    reassignments: dict[EmployeeId, EmployeeId | None] = Field(default_factory=dict)
    substitutes: dict[EmployeeId, EmployeeId] = Field(default_factory=dict)
    members: dict[str, tuple[EmployeeId, ...]] = Field(default_factory=dict)


class ItemRecord(Value):
    """An item with what is its own; it names the rest by ids."""

    tenant_id: UUID
    item: ItemSnapshot
    products: tuple[ProductContext, ...] = ()
    planned_activities: tuple[PlannedActivityContext, ...] = ()
    stage: StageContext | None = None
    pipeline: PipelineContext


class ContextResponse(Value):
    """Items in the order they were asked for, as many as `MAX_ANSWER` bytes hold.

    `missing` are the items that do not exist (any more), `too_large` those whose context alone is larger than an answer
    may be, `rest` those to ask for again; at least one item is answered.
    """

    tenants: dict[UUID, TenantRecords]
    items: tuple[ItemRecord, ...]
    missing: tuple[ItemRef, ...] = ()
    too_large: tuple[ItemRef, ...] = ()
    rest: tuple[ItemRef, ...] = ()
    read_at: AwareDatetime

    def contexts(self) -> Iterator[ItemContext]:
        """The items with what they refer to; what several have in common is one object."""
        return (self._context(record, self.tenants[record.tenant_id]) for record in self.items)

    def _context(self, record: ItemRecord, known: TenantRecords) -> ItemContext:
        item = record.item
        contacts = tuple(known.contacts[id] for id in item.contact_ids if id in known.contacts)
        employee = item.responsible_id
        return ItemContext(
            tenant_id=record.tenant_id,
            tenant=known.settings,
            item=item,
            contact=contacts[0] if contacts else None,
            contacts=contacts,
            company=known.companies.get(item.company_id) if item.company_id else None,
            products=record.products,
            planned_activities=record.planned_activities,
            responsible=known.responsible.get(employee) if employee else None,
            supervisor=known.supervisors.get(employee) if employee else None,
            stage=record.stage,
            pipeline=record.pipeline,
            my_company=known.my_company,
            reassignments=known.reassignments,
            substitutes=known.substitutes,
            members=known.members,
            read_at=self.read_at,
        )


class StageItems(Value):
    """Items that are in a stage, by id; `total` is how many there are in all, on the first page only."""

    items: tuple[ItemSnapshot, ...]
    total: int | None = None


class FieldSchema(FieldFields, Value):
    """A custom field of one kind of item."""

    code: str
    kind: ItemKind


class PipelineSchema(Value):
    """A pipeline with its stages in order."""

    code: str
    name: str
    kind: ItemKind
    stages: tuple[StageContext, ...]
    archived: bool = False


class EmployeeRef(Value):
    """An employee by name; `absent_until` says when somebody who is away now comes back, `substitute_id` who answers
    for them until then.
    """

    id: UUID
    code: str
    name: str
    absent_until: AwareDatetime | None = None
    substitute_id: UUID | None = None


class TenantSchema(Value):
    """Everything an author can refer to: item types, pipelines, fields, employees, departments, rooms, resources."""

    tenant_id: UUID
    tenant: TenantSettings
    item_types: tuple[ItemType, ...] = ()
    """The custom ones that are not archived."""
    pipelines: tuple[PipelineSchema, ...] = ()
    fields: tuple[FieldSchema, ...] = ()
    employees: tuple[EmployeeRef, ...] = ()
    departments: tuple[str, ...] = ()
    """Codes of those that are not archived."""
    lists: tuple[ListSchema, ...] = ()
    """Those that are not archived."""
    rooms: tuple[str, ...] = ()
    """Codes, as of departments."""
    resources: tuple[str, ...] = ()
    """Likewise."""
    archived_employees: tuple[EmployeeRef, ...] = ()
    """They can be compared with, but are given no new work."""

    def find_list(self, code: str) -> ListSchema | None:
        return next((one for one in self.lists if one.code == code), None)

    def item_type(self, kind: ItemKind) -> ItemType | None:
        """The type of this code, built in or custom."""
        return find_type(kind, self.item_types)

    def unknown_type(self, kind: ItemKind) -> str:
        """Why a kind that has no type cannot be used, for authors."""
        return unknown_type(kind, self.item_types)

    def not_employed(self, named: str) -> str:
        """Why a code or id that is none of `employees` cannot be used, for authors."""
        if any(named in (one.code, str(one.id)) for one in self.archived_employees):
            return f"employee {named!r} is archived: name another one"
        return unknown("employee", named, [one.code for one in self.employees])
