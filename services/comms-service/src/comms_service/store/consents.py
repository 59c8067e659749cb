"""Consents by address."""

from uuid import UUID

from comms_service.domain.consents import Consent
from contracts.addresses import consent_key
from contracts.kit.database import Connection

_CONSENT = "address, version, opted_out, source, note, updated_by, updated_at"
_PUT = f"""INSERT INTO opt_outs (tenant_id, {_CONSENT}) VALUES ($1, $2, 1, $3, $4, $5, $6, $7)
    ON CONFLICT (tenant_id, address) DO UPDATE SET version = opt_outs.version + 1,
        opted_out = $3, source = $4, note = $5, updated_by = $6,
        updated_at = greatest($7, opt_outs.updated_at + interval '1 microsecond')"""  # noqa: S608


class ConsentStore:
    """Table `opt_outs`."""

    async def put(self, tx: Connection, tenant: UUID, consent: Consent) -> Consent:
        """The record with its next version, dated after what was known."""
        (row,) = await tx.fetch(f"{_PUT} RETURNING {_CONSENT}", *_values(tenant, consent))
        return Consent.model_validate(dict(row))

    async def put_later(self, tx: Connection, tenant: UUID, consent: Consent) -> Consent | None:
        """The same; null, and nothing done, when what is recorded was stated as late or later."""
        row = await tx.fetchrow(
            f"{_PUT} WHERE opt_outs.updated_at < $7 RETURNING {_CONSENT}", *_values(tenant, consent)
        )
        return Consent.model_validate(dict(row)) if row else None

    async def find(self, tx: Connection, tenant: UUID, address: str) -> Consent | None:
        row = await tx.fetchrow(
            f"SELECT {_CONSENT} FROM opt_outs WHERE tenant_id = $1 AND address = $2",  # noqa: S608
            tenant,
            consent_key(address),
        )
        return Consent.model_validate(dict(row)) if row else None


def _values(tenant: UUID, consent: Consent) -> tuple[object, ...]:
    return (
        tenant,
        consent.address,
        consent.opted_out,
        consent.source,
        consent.note,
        consent.updated_by,
        consent.updated_at,
    )
