"""Domains that a tenant may send from."""

from datetime import datetime
from uuid import UUID

from comms_service.domain.sender_domains import SenderDomain, covering
from contracts.kit.database import Connection

_DOMAIN = "domain, challenge, added_by, added_at, checked_by, checked_at, proven_at, vouched_by, vouched_at"


class SenderDomainStore:
    """Table `sender_domains`."""

    async def add(
        self, tx: Connection, tenant: UUID, domain: str, challenge: str, by: str, now: datetime
    ) -> SenderDomain:
        """What there is now: another one may have been faster."""
        (row,) = await tx.fetch(
            f"""INSERT INTO sender_domains (tenant_id, domain, challenge, added_by, added_at)
               VALUES ($1, $2, $3, $4, $5) ON CONFLICT (tenant_id, domain) DO UPDATE SET domain = $2
               RETURNING {_DOMAIN}""",  # noqa: S608
            tenant,
            domain,
            challenge,
            by,
            now,
        )
        return SenderDomain(*row)

    async def find(self, tx: Connection, tenant: UUID, domain: str) -> SenderDomain | None:
        row = await tx.fetchrow(
            f"SELECT {_DOMAIN} FROM sender_domains WHERE tenant_id = $1 AND domain = $2",  # noqa: S608
            tenant,
            domain,
        )
        return SenderDomain(*row) if row else None

    async def count(self, tx: Connection, tenant: UUID) -> int:
        count: int = await tx.fetchval("SELECT count(*) FROM sender_domains WHERE tenant_id = $1", tenant)
        return count

    async def covering(self, tx: Connection, tenant: UUID, domain: str) -> list[SenderDomain]:
        """The domain and those above it, as far as the tenant has them, the narrowest first."""
        rows = await tx.fetch(
            f"""SELECT {_DOMAIN} FROM sender_domains WHERE tenant_id = $1 AND domain = ANY ($2)
               ORDER BY length(domain) DESC""",  # noqa: S608
            tenant,
            covering(domain),
        )
        return [SenderDomain(*row) for row in rows]

    async def note_check(
        self, tx: Connection, tenant: UUID, checked: SenderDomain, *, proven: bool, by: str, now: datetime
    ) -> None:
        """What DNS said of a challenge. Nothing happens when there is another one meanwhile."""
        await tx.execute(
            """UPDATE sender_domains SET checked_by = $5, checked_at = $6,
                   proven_at = CASE WHEN $4 THEN coalesce(proven_at, $6) END
               WHERE tenant_id = $1 AND domain = $2 AND challenge = $3""",
            tenant,
            checked.domain,
            checked.challenge,
            proven,
            by,
            now,
        )

    async def vouch(self, tx: Connection, tenant: UUID, domain: str, by: str, at: datetime) -> SenderDomain:
        """Who did so first stays recorded."""
        (row,) = await tx.fetch(
            f"""UPDATE sender_domains SET vouched_by = coalesce(vouched_by, $3), vouched_at = coalesce(vouched_at, $4)
               WHERE tenant_id = $1 AND domain = $2 RETURNING {_DOMAIN}""",  # noqa: S608
            tenant,
            domain,
            by,
            at,
        )
        return SenderDomain(*row)

    async def withdraw(self, tx: Connection, tenant: UUID, domain: str) -> bool:
        """Nobody vouches for it any more; false when it is not there."""
        found = await tx.fetchval(
            """UPDATE sender_domains SET vouched_by = NULL, vouched_at = NULL
               WHERE tenant_id = $1 AND domain = $2 RETURNING true""",
            tenant,
            domain,
        )
        return bool(found)

    async def remove(self, tx: Connection, tenant: UUID, domain: str) -> None:
        await tx.execute("DELETE FROM sender_domains WHERE tenant_id = $1 AND domain = $2", tenant, domain)

    async def page(self, tx: Connection, tenant: UUID, after: str, limit: int) -> list[SenderDomain]:
        """At most `limit` by name, those behind `after`."""
        rows = await tx.fetch(
            f"SELECT {_DOMAIN} FROM sender_domains WHERE tenant_id = $1 AND domain > $2 ORDER BY domain LIMIT $3",  # noqa: S608
            tenant,
            after,
            limit,
        )
        return [SenderDomain(*row) for row in rows]
