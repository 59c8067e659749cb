"""Contacts."""

from collections.abc import Sequence
from uuid import UUID

import asyncpg

from contracts.addresses import consent_key
from contracts.contexts import ContactContext
from contracts.kit.database import Connection
from contracts.kit.rows import put
from entity_service.domain.names import full_name
from entity_service.store.addresses import AddressFilter, columns_of, first_ones, having
from entity_service.store.consents import OF_CONTACT
from entity_service.store.my_companies import dumped


def contact_of(row: asyncpg.Record) -> ContactContext:
    name = full_name(row["first_name"], row["last_name"])
    return ContactContext.model_validate({**first_ones(row), **dict(row), "name": name})


async def find(tx: Connection, tenant: UUID, id: UUID) -> ContactContext | None:
    """The contact, which nobody else changes until the transaction ends."""
    row = await tx.fetchrow(
        f"SELECT c.*, {OF_CONTACT} FROM contacts c WHERE tenant_id = $1 AND id = $2 FOR UPDATE",  # noqa: S608
        tenant,
        id,
    )
    return contact_of(row) if row else None


async def save(tx: Connection, tenant: UUID, contact: ContactContext) -> None:
    """Creates or replaces; the last statement about messages stays."""
    row = {
        "tenant_id": tenant,
        "id": contact.id,
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        **columns_of(contact),
        "consent_keys": [consent_key(address) for address in contact.addresses],
        "time_zone": contact.time_zone,
        "requisites": dumped(contact.requisites),
    }
    await put(tx, "contacts", row, key=("tenant_id", "id"))


async def delete(tx: Connection, tenant: UUID, id: UUID) -> None:
    """Deletes a contact whom no item has any more, out of planned activities too."""
    await tx.execute(
        """UPDATE planned_activities SET contact_ids = array_remove(contact_ids, $2)
           WHERE tenant_id = $1 AND $2 = ANY (contact_ids)""",
        tenant,
        id,
    )
    await tx.execute("DELETE FROM contacts WHERE tenant_id = $1 AND id = $2", tenant, id)


async def lock_addresses(tx: Connection, tenant: UUID, addresses: Sequence[str]) -> None:
    """Until the transaction ends nobody else finds or creates a contact by these addresses."""
    await tx.execute(
        """SELECT pg_advisory_xact_lock(key) FROM (
               SELECT hashtextextended($1 || address, 0) AS key FROM unnest($2::text[]) AS address ORDER BY key)""",
        str(tenant),
        addresses,
    )


async def by_address(tx: Connection, tenant: UUID, *, phone: str | None = None, email: str | None = None) -> list[UUID]:
    """Those who have the phone number or the e-mail address; those with the number come first, oldest first."""
    rows = await tx.fetch(
        """SELECT id FROM contacts WHERE tenant_id = $1 AND (phones @> $2 OR emails @> $3)
           ORDER BY phones @> $2 DESC, id LIMIT 100""",
        tenant,
        having("number", phone),
        having("address", email),
    )
    return [row["id"] for row in rows]


async def search(
    tx: Connection, tenant: UUID, wanted: AddressFilter, before: UUID | None, limit: int
) -> list[ContactContext]:
    """At most `limit`, newest first; with an address only those who have it."""
    rows = await tx.fetch(
        f"""SELECT c.*, {OF_CONTACT} FROM contacts c WHERE tenant_id = $1 AND ($2::jsonb IS NULL OR phones @> $2)
            AND ($3::jsonb IS NULL OR emails @> $3) AND ($4::uuid IS NULL OR id < $4) ORDER BY id DESC LIMIT $5""",  # noqa: S608
        tenant,
        *wanted.values(),
        before,
        limit,
    )
    return [contact_of(row) for row in rows]
