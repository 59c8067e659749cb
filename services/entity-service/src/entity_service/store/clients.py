"""Contacts and companies."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import asyncpg

from contracts.addresses import consent_key
from contracts.contexts import CompanyContext, ContactContext, Email, Phone
from contracts.kit.database import Connection
from entity_service.domain.people import full_name
from entity_service.store.consents import OF_CONTACT


def contact_of(row: asyncpg.Record) -> ContactContext:
    return ContactContext.model_validate(
        {**_addresses(row), **dict(row), "name": full_name(row["first_name"], row["last_name"])}
    )


def company_of(row: asyncpg.Record) -> CompanyContext:
    return CompanyContext.model_validate({**_addresses(row), **dict(row)})


def _addresses(row: asyncpg.Record) -> dict[str, Any]:
    return {
        "phone": row["phones"][0]["number"] if row["phones"] else None,
        "email": row["emails"][0]["address"] if row["emails"] else None,
    }


async def contact(tx: Connection, tenant: UUID, id: UUID) -> ContactContext | None:
    row = await tx.fetchrow(
        f"SELECT c.*, {OF_CONTACT} FROM contacts c WHERE tenant_id = $1 AND id = $2 FOR UPDATE",  # noqa: S608
        tenant,
        id,
    )
    return contact_of(row) if row else None


async def company(tx: Connection, tenant: UUID, id: UUID) -> CompanyContext | None:
    row = await tx.fetchrow("SELECT * FROM companies WHERE tenant_id = $1 AND id = $2 FOR UPDATE", tenant, id)
    return company_of(row) if row else None


async def put_contact(tx: Connection, tenant: UUID, contact: ContactContext) -> None:
    await tx.execute(
        """INSERT INTO contacts (tenant_id, id, first_name, last_name, phones, emails, consent_keys, time_zone)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (tenant_id, id) DO UPDATE
           SET first_name = $3, last_name = $4, phones = $5, emails = $6, consent_keys = $7, time_zone = $8""",
        tenant,
        contact.id,
        contact.first_name,
        contact.last_name,
        _dumped(contact.phones),
        _dumped(contact.emails),
        [consent_key(address) for address in contact.addresses],
        contact.time_zone,
    )


async def put_company(tx: Connection, tenant: UUID, company: CompanyContext) -> None:
    await tx.execute(
        """INSERT INTO companies (tenant_id, id, title, phones, emails, address, tax_number)
           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, id) DO UPDATE
           SET title = $3, phones = $4, emails = $5, address = $6, tax_number = $7""",
        tenant,
        company.id,
        company.title,
        _dumped(company.phones),
        _dumped(company.emails),
        company.address,
        company.tax_number,
    )


def _dumped(addresses: Sequence[Phone | Email]) -> list[dict[str, Any]]:
    return [address.model_dump() for address in addresses]


async def lock_addresses(tx: Connection, tenant: UUID, addresses: Sequence[str]) -> None:
    """Until the transaction ends nobody else finds or creates a contact by these addresses."""
    await tx.execute(
        """SELECT pg_advisory_xact_lock(key) FROM (
               SELECT hashtextextended($1 || address, 0) AS key FROM unnest($2::text[]) AS address ORDER BY key)""",
        str(tenant),
        addresses,
    )


async def contacts_by_address(
    tx: Connection, tenant: UUID, *, phone: str | None = None, email: str | None = None
) -> list[UUID]:
    """Who has the phone number or the e-mail address; who has the number comes first, oldest first."""
    rows = await tx.fetch(
        """SELECT id FROM contacts WHERE tenant_id = $1 AND (phones @> $2 OR emails @> $3)
           ORDER BY phones @> $2 DESC, id LIMIT 100""",
        tenant,
        _having("number", phone),
        _having("address", email),
    )
    return [row["id"] for row in rows]


def _having(name: str, value: str | None) -> list[dict[str, str]] | None:
    return [{name: value}] if value else None


@dataclass(frozen=True, slots=True, kw_only=True)
class Filter:
    """What a list is narrowed to; `before` is the id after which the page begins, newest first."""

    phone: str | None = None
    email: str | None = None
    before: UUID | None = None


async def contacts(tx: Connection, tenant: UUID, wanted: Filter, limit: int) -> list[ContactContext]:
    """At most `limit`, newest first; with an address only those who have it."""
    rows = await tx.fetch(_LIST.format(more=f", {OF_CONTACT}", table="contacts"), *_list_values(tenant, wanted, limit))
    return [contact_of(row) for row in rows]


async def companies(tx: Connection, tenant: UUID, wanted: Filter, limit: int) -> list[CompanyContext]:
    """At most `limit`, newest first; with an address only those that have it."""
    rows = await tx.fetch(_LIST.format(more="", table="companies"), *_list_values(tenant, wanted, limit))
    return [company_of(row) for row in rows]


_LIST = """SELECT c.*{more} FROM {table} c WHERE tenant_id = $1 AND ($2::jsonb IS NULL OR phones @> $2)
    AND ($3::jsonb IS NULL OR emails @> $3) AND ($4::uuid IS NULL OR id < $4) ORDER BY id DESC LIMIT $5"""


def _list_values(tenant: UUID, wanted: Filter, limit: int) -> tuple[Any, ...]:
    return tenant, _having("number", wanted.phone), _having("address", wanted.email), wanted.before, limit
