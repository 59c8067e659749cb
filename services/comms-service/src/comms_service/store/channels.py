"""Channels and opt-outs: what a tenant's authors and agents decide about its messages."""

from uuid import UUID

from comms_service.domain import Channel, OptOut
from contracts.addresses import consent_key
from contracts.kit.database import Connection
from contracts.messages.comms import ChannelKind

_CHANNEL = "code, kind, name, sender_address, sender_name, is_default, archived"
_OPT_OUT = "address, version, opted_out, source, note, updated_by, updated_at"
_PUT_OPT_OUT = f"""INSERT INTO opt_outs (tenant_id, {_OPT_OUT}) VALUES ($1, $2, 1, $3, $4, $5, $6, $7)
    ON CONFLICT (tenant_id, address) DO UPDATE SET version = opt_outs.version + 1,
        opted_out = $3, source = $4, note = $5, updated_by = $6,
        updated_at = greatest($7, opt_outs.updated_at + interval '1 microsecond')"""  # noqa: S608


class ChannelStore:
    """Tables `channels` and `opt_outs`."""

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
        return Channel(*row) if row else None

    async def default(self, tx: Connection, tenant: UUID, kind: ChannelKind) -> Channel | None:
        row = await tx.fetchrow(
            f"SELECT {_CHANNEL} FROM channels WHERE tenant_id = $1 AND kind = $2 AND is_default",  # noqa: S608
            tenant,
            kind,
        )
        return Channel(*row) if row else None

    async def list(self, tx: Connection, tenant: UUID) -> list[Channel]:
        rows = await tx.fetch(f"SELECT {_CHANNEL} FROM channels WHERE tenant_id = $1 ORDER BY code", tenant)  # noqa: S608
        return [Channel(*row) for row in rows]

    async def count(self, tx: Connection, tenant: UUID) -> int:
        """Archived ones too."""
        count: int = await tx.fetchval("SELECT count(*) FROM channels WHERE tenant_id = $1", tenant)
        return count

    async def put_opt_out(self, tx: Connection, tenant: UUID, opt_out: OptOut) -> OptOut:
        """The record with its next version, dated after what was known."""
        (row,) = await tx.fetch(f"{_PUT_OPT_OUT} RETURNING {_OPT_OUT}", *_values(tenant, opt_out))
        return OptOut(*row)

    async def put_later_opt_out(self, tx: Connection, tenant: UUID, opt_out: OptOut) -> OptOut | None:
        """The record with its next version; null, and nothing done, when what is known was said as late or later."""
        row = await tx.fetchrow(
            f"{_PUT_OPT_OUT} WHERE opt_outs.updated_at < $7 RETURNING {_OPT_OUT}", *_values(tenant, opt_out)
        )
        return OptOut(*row) if row else None

    async def opt_out(self, tx: Connection, tenant: UUID, address: str) -> OptOut | None:
        row = await tx.fetchrow(
            f"SELECT {_OPT_OUT} FROM opt_outs WHERE tenant_id = $1 AND address = $2",  # noqa: S608
            tenant,
            consent_key(address),
        )
        return OptOut(*row) if row else None


def _values(tenant: UUID, opt_out: OptOut) -> tuple[object, ...]:
    return (
        tenant,
        opt_out.address,
        opt_out.opted_out,
        opt_out.source,
        opt_out.note,
        opt_out.updated_by,
        opt_out.updated_at,
    )
