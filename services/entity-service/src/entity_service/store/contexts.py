"""Items with everything around them, for many items of many tenants at once, as much as an answer holds.

The number of statements depends on the parts asked for, never on the number of items: one for the items with tenant,
pipeline and stage, one each for contacts, companies, products, planned activities, responsible persons, supervisors
and members of departments, and four for reassignments and substitutes. Each statement about items ends where it has
read as many bytes as an answer may have, so that no more than that is ever in memory.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import get_args
from uuid import UUID

import asyncpg

from contracts.contexts import (
    MAX_ANSWER,
    MAX_PLANNED_SHOWN,
    CompanyContext,
    ContactContext,
    ContextResponse,
    EmployeeContext,
    ItemRecord,
    ItemRef,
    MyCompany,
    Part,
    PipelineContext,
    PlannedActivityContext,
    ProductContext,
    StageContext,
    TenantRecords,
)
from contracts.kit.database import Connection
from entity_service.domain.items import Item
from entity_service.domain.my_companies import as_printed
from entity_service.domain.names import full_name
from entity_service.domain.packing import Packing
from entity_service.store import candidates, employees
from entity_service.store.calendars import schedule_of
from entity_service.store.companies import company_of
from entity_service.store.consents import OF_CONTACT
from entity_service.store.contacts import contact_of
from entity_service.store.items import item_of
from entity_service.store.my_companies import CHOSEN
from entity_service.store.my_companies import company_of as company_of_own
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
    planned: dict[Key, tuple[PlannedActivityContext, ...]] = field(default_factory=dict)
    responsible: dict[Key, EmployeeContext] = field(default_factory=dict)
    supervisors: dict[Key, EmployeeContext] = field(default_factory=dict)
    reassignments: dict[UUID, Mapping[UUID, UUID | None]] = field(default_factory=dict)
    """By tenant."""
    substitutes: Mapping[UUID, Mapping[UUID, UUID]] = field(default_factory=dict)
    """By tenant."""
    members: dict[UUID, dict[str, tuple[UUID, ...]]] = field(default_factory=dict)
    """By tenant and department."""
    unread: set[Key] = field(default_factory=set)
    """What of all that did not fit."""


async def read(tx: Connection, refs: Sequence[ItemRef], parts: Sequence[Part] | None, now: datetime) -> ContextResponse:
    """The contexts of those items that exist; `parts` none means everything."""
    wanted = frozenset(parts) if parts is not None else frozenset(_ALL)
    rows, unread = await _read_bounded(tx, _ITEMS, [(ref.tenant_id, ref.item_id) for ref in refs])
    items = {(row["tenant_id"], row["id"]): item_of(row) for row in rows}
    around = await _read_around(tx, list(items.values()), wanted, now)
    answer = Packing(now)
    by_key = {(row["tenant_id"], row["id"]): row for row in rows}
    for ref in refs:
        key = (ref.tenant_id, ref.item_id)
        if key in unread:
            answer.leave(ref)
        elif key not in items:
            answer.missing.append(ref)
        else:
            answer.add(
                ref, *_records(by_key[key], items[key], around, wanted), complete=_is_complete(items[key], around)
            )
    return answer.response()


def _is_complete(item: Item, around: _Around) -> bool:
    own = (item.id, item.company_id, item.responsible_id, *item.contact_ids)
    return not around.unread or around.unread.isdisjoint((item.tenant_id, id) for id in own)


_ALL: tuple[Part, ...] = get_args(Part)


_ITEMS = f"""SELECT i.*, t.name AS tenant_name, t.time_zone, t.language, t.currency AS tenant_currency,
        t.tax_rounding AS tenant_tax_rounding, t.default_assignee, t.crm_url, {CHOSEN} AS my_company, k.calendar,
        p.name AS pipeline_name, s.name AS stage_name, s.position, s.outcome, asked.ord
    FROM asked JOIN items i USING (tenant_id, id)
    JOIN pipelines p ON (p.tenant_id, p.code) = (i.tenant_id, i.pipeline)
    JOIN stages s ON (s.tenant_id, s.pipeline, s.code) = (i.tenant_id, i.pipeline, i.stage)
    LEFT JOIN tenants t ON t.tenant_id = i.tenant_id
    LEFT JOIN calendars k ON k.tenant_id = i.tenant_id"""  # noqa: S608

_BOUNDED = """WITH asked AS (
        SELECT * FROM unnest($1::uuid[], $2::uuid[]) WITH ORDINALITY AS a (tenant_id, id, ord)
    ), wanted AS ({statement}), sized AS (
        SELECT w.*, octet_length(w::text) AS bytes, count(*) OVER () AS found,
            sum(octet_length(w::text)) OVER (ORDER BY ord ROWS UNBOUNDED PRECEDING) AS so_far
        FROM wanted w
    )
    SELECT * FROM sized WHERE so_far - bytes < $3 ORDER BY ord"""


async def _read_bounded(tx: Connection, statement: str, keys: Collection[Key]) -> tuple[list[asyncpg.Record], set[Key]]:
    """Rows of what is `asked` for, in that order, up to the bytes of an answer; and the keys that are left."""
    if not keys:
        return [], set()
    tenants, ids = [tenant for tenant, _ in keys], [id for _, id in keys]
    rows = await tx.fetch(_BOUNDED.format(statement=statement), tenants, ids, MAX_ANSWER)
    if not rows or len(rows) == rows[0]["found"]:
        return rows, set()
    come_to = int(rows[-1]["ord"]) - (statement in (_PRODUCTS, _PLANNED))  # of the last item there may be more rows
    return rows, set(list(keys)[come_to:])


async def _read_around(tx: Connection, items: Sequence[Item], wanted: frozenset[Part], now: datetime) -> _Around:
    around = _Around()
    if "contacts" in wanted:
        keys = [(item.tenant_id, id) for item in items for id in item.contact_ids]
        around.contacts = await _by_key(tx, around, _CONTACTS, keys, contact_of)
    if "company" in wanted:
        keys = [(item.tenant_id, item.company_id) for item in items if item.company_id]
        around.companies = await _by_key(tx, around, _RECORDS.format(table="companies"), keys, company_of)
    if "products" in wanted:
        around.products = await _of_items(tx, around, _PRODUCTS, items, product_of)
    if "planned_activities" in wanted:
        around.planned = await _of_items(tx, around, _PLANNED, items, _planned_of)
    responsible = [(item.tenant_id, item.responsible_id) for item in items if item.responsible_id]
    if "responsible" in wanted:
        around.responsible = await _by_key(tx, around, _RESPONSIBLE, responsible, lambda row: _with_schedule(row, now))
    if "supervisor" in wanted:
        around.supervisors = await _by_key(tx, around, _SUPERVISORS, responsible, _employee_of)
    if "reassignments" in wanted:
        tenants = {item.tenant_id for item in items}
        around.substitutes = await employees.substitutes(tx, tenants, now)
        staffs = await employees.staffs(tx, tenants)
        around.reassignments = {tenant: staff.reassignments() for tenant, staff in staffs.items()}
    if "members" in wanted:
        found = await candidates.members(tx, {item.tenant_id for item in items})
        around.members = {tenant: {code: tuple(ids) for code, ids in of.items()} for tenant, of in found.items()}
    return around


async def _by_key[T](
    tx: Connection, around: _Around, statement: str, keys: Iterable[Key], make: Callable[[asyncpg.Record], T]
) -> dict[Key, T]:
    rows, unread = await _read_bounded(tx, statement, dict.fromkeys(keys))
    around.unread |= unread
    return {(row["tenant_id"], row.get("for_id") or row["id"]): make(row) for row in rows}


_RECORDS = "SELECT r.*, asked.ord FROM asked JOIN {table} r USING (tenant_id, id)"

_CONTACTS = f"SELECT c.*, {OF_CONTACT}, asked.ord FROM asked JOIN contacts c USING (tenant_id, id)"  # noqa: S608

_PRODUCTS = """SELECT p.*, asked.ord + p.position / 1000.0 AS ord
    FROM asked JOIN products p ON (p.tenant_id, p.item_id) = (asked.tenant_id, asked.id)"""

_PLANNED = f"""SELECT p.*, asked.ord + p.place / 1000.0 AS ord
    FROM asked CROSS JOIN LATERAL (
        SELECT a.tenant_id, a.item_id, a.id, a.kind, a.name, a.deadline, a.responsible_id, a.stage,
            row_number() OVER (ORDER BY a.deadline NULLS LAST, a.id) AS place
        FROM planned_activities a
        WHERE (a.tenant_id, a.item_id, a.status) = (asked.tenant_id, asked.id, 'open')
        ORDER BY a.deadline NULLS LAST, a.id LIMIT {MAX_PLANNED_SHOWN}) AS p"""  # noqa: S608

_RESPONSIBLE = """SELECT e.*, d.name AS department_name, s.schedule, s.tracked, p.at_work, asked.ord
    FROM asked JOIN employees e USING (tenant_id, id)
    LEFT JOIN departments d ON (d.tenant_id, d.code) = (e.tenant_id, e.department)
    LEFT JOIN schedules s ON (s.tenant_id, s.employee_id) = (e.tenant_id, e.id)
    LEFT JOIN presences p ON (p.tenant_id, p.employee_id) = (e.tenant_id, e.id)"""

# The head of the person's department, or of the nearest one above that has another head than the person.
_SUPERVISORS = """WITH RECURSIVE above AS (
        SELECT e.tenant_id, e.id AS for_id, e.code AS own, d.parent, d.head, 0 AS distance, asked.ord
        FROM asked JOIN employees e USING (tenant_id, id)
        JOIN departments d ON (d.tenant_id, d.code) = (e.tenant_id, e.department)
        UNION ALL
        SELECT a.tenant_id, a.for_id, a.own, d.parent, d.head, a.distance + 1, a.ord
        FROM above a JOIN departments d ON (d.tenant_id, d.code) = (a.tenant_id, a.parent)
        WHERE a.distance < 100
    )
    SELECT DISTINCT ON (a.tenant_id, a.for_id) a.for_id, a.ord, e.*, d.name AS department_name
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


def _planned_of(row: asyncpg.Record) -> PlannedActivityContext:
    return PlannedActivityContext(**{name: row[name] for name in PlannedActivityContext.model_fields})


async def _of_items[T](
    tx: Connection, around: _Around, statement: str, items: Sequence[Item], make: Callable[[asyncpg.Record], T]
) -> dict[Key, tuple[T, ...]]:
    """Rows that belong to items, by item."""
    rows, unread = await _read_bounded(tx, statement, [(item.tenant_id, item.id) for item in items])
    around.unread |= unread
    grouped: dict[Key, list[T]] = defaultdict(list)
    for row in rows:
        grouped[row["tenant_id"], row["item_id"]].append(make(row))
    return {key: tuple(found) for key, found in grouped.items()}


def _records(
    row: asyncpg.Record, item: Item, around: _Around, wanted: frozenset[Part]
) -> tuple[ItemRecord, TenantRecords]:
    """An item, and what it refers to."""
    tenant, employee = item.tenant_id, item.responsible_id
    record = ItemRecord(
        tenant_id=tenant,
        item=item.snapshot(),
        products=around.products.get((tenant, item.id), ()),
        planned_activities=around.planned.get((tenant, item.id), ()),
        stage=_stage_of(row) if "stage" in wanted else None,
        pipeline=PipelineContext(code=item.pipeline, name=row["pipeline_name"]),
    )
    return record, TenantRecords(
        settings=settings_of(row, "tenant_name"),
        my_company=as_printed(company_of_own(row["my_company"])) if row["my_company"] else MyCompany(),
        contacts=_of(around.contacts, tenant, item.contact_ids),
        companies=_of(around.companies, tenant, [item.company_id]),
        responsible=_of(around.responsible, tenant, [employee]),
        supervisors=_of(around.supervisors, tenant, [employee]),
        reassignments=dict(around.reassignments.get(tenant, {})),
        substitutes=dict(around.substitutes.get(tenant, {})),
        members=around.members.get(tenant, {}),
    )


def _of[T](records: Mapping[Key, T], tenant: UUID, ids: Iterable[UUID | None]) -> dict[UUID, T]:
    return {id: records[tenant, id] for id in ids if id is not None and (tenant, id) in records}


def _stage_of(row: asyncpg.Record) -> StageContext:
    return StageContext(code=row["stage"], name=row["stage_name"], position=row["position"], outcome=row["outcome"])
