"""The public addresses that lead to triggers and forms, by the hash of their token."""

from dataclasses import dataclass
from typing import Literal
from uuid import UUID

from contracts.kit.database import Connection

Kind = Literal["form", "trigger"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a token leads."""

    tenant: UUID
    code: str


async def find(tx: Connection, kind: Kind, token_hash: bytes) -> Address | None:
    row = await tx.fetchrow(
        "SELECT owner_tenant, code FROM public_addresses WHERE token_hash = $1 AND kind = $2", token_hash, kind
    )
    return Address(*row) if row else None


async def save(tx: Connection, kind: Kind, tenant: UUID, code: str, token_hash: bytes) -> None:
    """Gives `code` this address; a former one leads nowhere from now on."""
    await tx.execute(
        """INSERT INTO public_addresses (token_hash, kind, owner_tenant, code) VALUES ($1, $2, $3, $4)
           ON CONFLICT (owner_tenant, kind, code) DO UPDATE SET token_hash = excluded.token_hash""",
        token_hash,
        kind,
        tenant,
        code,
    )
