"""Channels of a tenant's messages."""

from uuid import UUID

from comms_service.domain.channels import Channel
from contracts.kit.database import Connection
from contracts.messages.comms import ChannelKind

_CHANNEL = 'code, kind, name, sender_address, sender_name, is_default AS "default", archived'


class ChannelStore:
    """Table `channels`."""

    async def put(self, tx: Connection, tenant: UUID, channel: Channel) -> bool:
        """Creates or replaces; false when the code belongs to a channel of another kind: roll back then.

        A new default takes the flag from the old one; the tenant's channels are locked, since two may try at once.
        """
        await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"channels:{tenant}")
        if channel.default:
            await self._clear_default(tx, tenant, channel.kind)
        stored = await tx.fetchval(
            """INSERT INTO channels (tenant_id, code, kind, name, sender_address, sender_name, is_default, archived)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
               ON CONFLICT (tenant_id, code) DO UPDATE SET name = $4, sender_address = $5, sender_name = $6,
                   is_default = $7, archived = $8, updated_at = now()
               WHERE channels.kind = $3 RETURNING true""",
            tenant,
            channel.code,
            channel.kind,
            channel.name,
            channel.sender_address,
            channel.sender_name,
            channel.default,
            channel.archived,
        )
        return bool(stored)

    async def _clear_default(self, tx: Connection, tenant: UUID, kind: ChannelKind) -> None:
        await tx.execute(
            "UPDATE channels SET is_default = false WHERE tenant_id = $1 AND kind = $2 AND is_default", tenant, kind
        )

    async def find(self, tx: Connection, tenant: UUID, code: str) -> Channel | None:
        row = await tx.fetchrow(f"SELECT {_CHANNEL} FROM channels WHERE tenant_id = $1 AND code = $2", tenant, code)  # noqa: S608
        return Channel.model_validate(dict(row)) if row else None

    async def default(self, tx: Connection, tenant: UUID, kind: ChannelKind) -> Channel | None:
        row = await tx.fetchrow(
            f"SELECT {_CHANNEL} FROM channels WHERE tenant_id = $1 AND kind = $2 AND is_default",  # noqa: S608
            tenant,
            kind,
        )
        return Channel.model_validate(dict(row)) if row else None

    async def page(self, tx: Connection, tenant: UUID, after: str, limit: int) -> list[Channel]:
        """At most `limit` by code, those behind `after`; archived ones too."""
        rows = await tx.fetch(
            f"SELECT {_CHANNEL} FROM channels WHERE tenant_id = $1 AND code > $2 ORDER BY code LIMIT $3",  # noqa: S608
            tenant,
            after,
            limit,
        )
        return [Channel.model_validate(dict(row)) for row in rows]

    async def in_use(self, tx: Connection, tenant: UUID) -> list[Channel]:
        """Those that are not archived, by code."""
        rows = await tx.fetch(
            f"SELECT {_CHANNEL} FROM channels WHERE tenant_id = $1 AND NOT archived ORDER BY code",  # noqa: S608
            tenant,
        )
        return [Channel.model_validate(dict(row)) for row in rows]

    async def count(self, tx: Connection, tenant: UUID) -> int:
        """Archived ones too."""
        count: int = await tx.fetchval("SELECT count(*) FROM channels WHERE tenant_id = $1", tenant)
        return count
