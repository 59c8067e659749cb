"""Items with everything around them, for many items of many tenants at once.

The number of statements depends on the parts asked for, never on the number of items: one for the items with tenant,
pipeline and stage, and one each for contacts, companies, products, responsible persons and supervisors.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.contexts import (
    CompanyContext,
    ContactContext,
    EmployeeContext,
    ItemContext,
    ItemRef,
    MyCompany,
    Part,
    PipelineContext,
    ProductContext,
    StageContext,
)
from contracts.kit.database import Connection
from entity_service.domain.items import Item
from entity_service.domain.people import full_name
from entity_service.store.calendars import schedule_of
from entity_service.store.clients import company_of, contact_of
from entity_service.store.items import item_of
from entity_service.store.products import product_of
from entity_service.store.tenants import settings_of

type Key = tuple[UUID, UUID]
"""Tenant and id."""


@dataclass(slots=True)
class _Around:
    """What was read around the items."""

    contacts: dict[Key, ContactContext] = field(default_factory=dict)
    companies: dict[Key, CompanyContext] = field(default_factory=dict)
    products: dict[Key, tuple[ProductContext, ...]] = field(default_factory=dict)
    people: dict[Key, EmployeeContext] = field(default_factory=dict)
    supervisors: dict[Key, EmployeeContext] = field(default_factory=dict)


async def read(
    tx: Connection, refs: Sequence[ItemRef], parts: Sequence[Part] | None, now: datetime
) -> list[ItemContext]:
    """The contexts of those items that exist; `parts` none means everything."""
    wanted = frozenset(parts) if parts is not None else frozenset(_ALL)
    rows = await _items(tx, refs)
    items = [item_of(row) for row in rows]
    around = await _read_around(tx, items, wanted, now)
    return [_assemble(row, item, around, wanted, now) for row, item in zip(rows, items, strict=True)]


_ALL: tuple[Part, ...] = ("contacts", "company", "products", "responsible", "supervisor", "stage")


async def _items(tx: Connection, refs: Sequence[ItemRef]) -> list[asyncpg.Record]:
    return await tx.fetch(
        """SELECT i.*, t.name AS tenant_name, t.time_zone, t.language, t.currency AS tenant_currency,
               t.crm_url, t.my_company, k.calendar,
               p.name AS pipeline_name, s.name AS stage_name, s.position, s.outcome
           FROM unnest($1::uuid[], $2::uuid[]) AS asked (tenant_id, id)
           JOIN items i USING (tenant_id, id)
           JOIN pipelines p ON (p.tenant_id, p.code) = (i.tenant_id, i.pipeline)
           JOIN stages s ON (s.tenant_id, s.pipeline, s.code) = (i.tenant_id, i.pipeline, i.stage)
           LEFT JOIN tenants t ON t.tenant_id = i.tenant_id
           LEFT JOIN calendars k ON k.tenant_id = i.tenant_id""",
        [ref.tenant_id for ref in refs],
        [ref.item_id for ref in refs],
    )


async def _read_around(tx: Connection, items: Sequence[Item], wanted: frozenset[Part], now: datetime) -> _Around:
    around = _Around()
    if "contacts" in wanted:
        keys = {(item.tenant_id, id) for item in items for id in item.contact_ids}
        around.contacts = await _by_key(tx, _RECORDS.format(table="contacts"), keys, contact_of)
    if "company" in wanted:
        keys = {(item.tenant_id, item.company_id) for item in items if item.company_id}
        around.companies = await _by_key(tx, _RECORDS.format(table="companies"), keys, company_of)
    if "products" in wanted:
        around.products = await _products(tx, items)
    people = {(item.tenant_id, item.responsible_id) for item in items if item.responsible_id}
    if "responsible" in wanted:
        around.people = await _by_key(tx, _RESPONSIBLE, people, lambda row: _with_schedule(row, now))
    if "supervisor" in wanted:
        around.supervisors = await _by_key(tx, _SUPERVISORS, people, _employee_of)
    return around


async def _by_key[T](
    tx: Connection, statement: str, keys: set[Key], make: Callable[[asyncpg.Record], T]
) -> dict[Key, T]:
    if not keys:
        return {}
    rows = await tx.fetch(statement, [tenant for tenant, _ in keys], [id for _, id in keys])
    return {(row["tenant_id"], row.get("for_id") or row["id"]): make(row) for row in rows}


_RECORDS = (
    "SELECT r.* FROM unnest($1::uuid[], $2::uuid[]) AS asked (tenant_id, id) JOIN {table} r USING (tenant_id, id)"
)

_RESPONSIBLE = """SELECT e.*, d.name AS department_name, s.schedule, s.tracked, p.at_work
    FROM unnest($1::uuid[], $2::uuid[]) AS asked (tenant_id, id) JOIN employees e USING (tenant_id, id)
    LEFT JOIN departments d ON (d.tenant_id, d.code) = (e.tenant_id, e.department)
    LEFT JOIN schedules s ON (s.tenant_id, s.employee_id) = (e.tenant_id, e.id)
    LEFT JOIN presences p ON (p.tenant_id, p.employee_id) = (e.tenant_id, e.id)"""

# The head of the person's department, or of the nearest one above that has another head than himself.
_SUPERVISORS = """WITH RECURSIVE above AS (
        SELECT e.tenant_id, e.id AS for_id, e.code AS own, d.parent, d.head, 0 AS distance
        FROM unnest($1::uuid[], $2::uuid[]) AS asked (tenant_id, id) JOIN employees e USING (tenant_id, id)
        JOIN departments d ON (d.tenant_id, d.code) = (e.tenant_id, e.department)
        UNION ALL
        SELECT a.tenant_id, a.for_id, a.own, d.parent, d.head, a.distance + 1
        FROM above a JOIN departments d ON (d.tenant_id, d.code) = (a.tenant_id, a.parent)
        WHERE a.distance < 100
    )
    SELECT DISTINCT ON (a.tenant_id, a.for_id) a.for_id, e.*, d.name AS department_name
    FROM above a JOIN employees e ON (e.tenant_id, e.code) = (a.tenant_id, a.head)
    LEFT JOIN departments d ON (d.tenant_id, d.code) = (e.tenant_id, e.department)
    WHERE a.head <> a.own AND NOT e.archived
    ORDER BY a.tenant_id, a.for_id, a.distance"""


def _employee_of(row: asyncpg.Record) -> EmployeeContext:
    return EmployeeContext(
        id=row["id"],
        name=full_name(row["first_name"], row["last_name"]),
        first_name=row["first_name"],
        email=row["email"],
        phone=row["phone"],
        position=row["position"],
        department=row["department_name"],
    )


def _with_schedule(row: asyncpg.Record, now: datetime) -> EmployeeContext:
    """The employee with the absences that are not over."""
    employee = _employee_of(row)
    if row["schedule"] is None:
        return employee
    schedule = schedule_of(row)
    to_come = tuple(absence for absence in schedule.absences if absence.until > now)
    return employee.model_copy(update={"schedule": schedule.model_copy(update={"absences": to_come})})


async def _products(tx: Connection, items: Sequence[Item]) -> dict[Key, tuple[ProductContext, ...]]:
    rows = await tx.fetch(
        """SELECT p.* FROM unnest($1::uuid[], $2::uuid[]) AS asked (tenant_id, item_id)
           JOIN products p USING (tenant_id, item_id) ORDER BY p.position""",
        [item.tenant_id for item in items],
        [item.id for item in items],
    )
    grouped: dict[Key, list[ProductContext]] = defaultdict(list)
    for row in rows:
        grouped[row["tenant_id"], row["item_id"]].append(product_of(row))
    return {key: tuple(found) for key, found in grouped.items()}


def _assemble(row: asyncpg.Record, item: Item, around: _Around, wanted: frozenset[Part], now: datetime) -> ItemContext:
    tenant = item.tenant_id
    contacts = tuple(found for id in item.contact_ids if (found := around.contacts.get((tenant, id))))
    return ItemContext(
        tenant_id=tenant,
        tenant=settings_of(row, "tenant_name"),
        item=item.snapshot(),
        contact=contacts[0] if contacts else None,
        contacts=contacts,
        company=around.companies.get((tenant, item.company_id)) if item.company_id else None,
        products=around.products.get((tenant, item.id), ()),
        responsible=around.people.get((tenant, item.responsible_id)) if item.responsible_id else None,
        supervisor=around.supervisors.get((tenant, item.responsible_id)) if item.responsible_id else None,
        stage=_stage_of(row) if "stage" in wanted else None,
        pipeline=PipelineContext(code=item.pipeline, name=row["pipeline_name"]),
        my_company=MyCompany.model_validate(row["my_company"] or {}),
        read_at=now,
    )


def _stage_of(row: asyncpg.Record) -> StageContext:
    return StageContext(code=row["stage"], name=row["stage_name"], position=row["position"], outcome=row["outcome"])
