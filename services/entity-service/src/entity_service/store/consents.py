"""The copy of what comms-service knows: who wants no messages, by address. And what was said of whole contacts."""

from datetime import datetime
from uuid import UUID

from contracts.kit.database import Connection
from contracts.messages.comms import ConsentChanged

OF_CONTACT = """(c.stated_opt_out IS TRUE OR EXISTS (
        SELECT FROM consents k WHERE k.tenant_id = c.tenant_id AND k.address = ANY (c.consent_keys) AND k.opted_out
            AND (c.stated_at IS NULL OR k.at > c.stated_at))) AS opted_out,
    CASE WHEN c.stated_opt_out THEN c.stated_at END AS opted_out_at"""
"""Columns beside those of a contact `c`: comms-service has not answered yet to what was said last."""


async def mirror(tx: Connection, tenant: UUID, changed: ConsentChanged) -> bool:
    """False when a newer version is known."""
    stored = await tx.fetchval(
        """INSERT INTO consents (tenant_id, address, version, opted_out, source, by, at)
           VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (tenant_id, address) DO UPDATE
           SET version = $3, opted_out = $4, source = $5, by = $6, at = $7
           WHERE consents.version < $3 RETURNING true""",
        tenant,
        changed.address,
        changed.version,
        changed.opted_out,
        changed.source,
        changed.by,
        changed.at,
    )
    return bool(stored)


async def state(tx: Connection, tenant: UUID, contact: UUID, *, opted_out: bool, now: datetime) -> datetime:
    """When it counts as said: now, or after what is known already, if that was said by a clock that is ahead."""
    at: datetime = await tx.fetchval(
        """UPDATE contacts c SET stated_opt_out = $3, stated_at = greatest($4,
               c.stated_at + interval '1 microsecond',
               (SELECT max(k.at) + interval '1 microsecond' FROM consents k
                WHERE k.tenant_id = c.tenant_id AND k.address = ANY (c.consent_keys)))
           WHERE tenant_id = $1 AND id = $2 RETURNING stated_at""",
        tenant,
        contact,
        opted_out,
        now,
    )
    return at


async def withdraw(tx: Connection, tenant: UUID, address: str, at: datetime) -> None:
    """The owner of an address wants messages again: contacts that opted out before are so by address only."""
    await tx.execute(
        """UPDATE contacts SET stated_opt_out = NULL, stated_at = NULL
           WHERE tenant_id = $1 AND consent_keys @> ARRAY[$2] AND stated_opt_out AND stated_at < $3""",
        tenant,
        address,
        at,
    )


async def of_addresses(tx: Connection, tenant: UUID, addresses: list[str]) -> list[ConsentChanged]:
    rows = await tx.fetch(
        "SELECT * FROM consents WHERE tenant_id = $1 AND address = ANY ($2) ORDER BY address", tenant, addresses
    )
    return [ConsentChanged.model_validate(dict(row)) for row in rows]
