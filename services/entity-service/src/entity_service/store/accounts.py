"""Accounts at providers, and what is to be asked of them."""

from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from contracts.kit.rows import insert
from entity_service.domain.accounts import Account, AccountKind, Request


def _account(row: asyncpg.Record) -> Account:
    return Account.model_validate(dict(row))


async def page(tx: Connection, tenant: UUID, kind: AccountKind, after: str, limit: int) -> list[Account]:
    """At most `limit` by code, those behind `after`; archived ones too."""
    rows = await tx.fetch(
        "SELECT * FROM accounts WHERE tenant_id = $1 AND kind = $2 AND code > $3 ORDER BY code LIMIT $4",
        tenant,
        kind,
        after,
        limit,
    )
    return [_account(row) for row in rows]


async def find(tx: Connection, tenant: UUID, kind: AccountKind, code: str) -> Account | None:
    row = await tx.fetchrow(
        "SELECT * FROM accounts WHERE tenant_id = $1 AND kind = $2 AND code = $3", tenant, kind, code
    )
    return _account(row) if row else None


async def first(tx: Connection, tenant: UUID, kind: AccountKind) -> Account | None:
    """The first one by code that is in use, and can be asked."""
    row = await tx.fetchrow(
        """SELECT * FROM accounts WHERE tenant_id = $1 AND kind = $2 AND NOT archived AND provider IS NOT NULL
           ORDER BY code LIMIT 1""",
        tenant,
        kind,
    )
    return _account(row) if row else None


async def save(tx: Connection, account: Account, token_hash: bytes) -> tuple[Account, bool]:
    """Creates or replaces, and says whether it was created; one that is replaced keeps its token."""
    (row,) = await tx.fetch(
        """INSERT INTO accounts (tenant_id, kind, code, name, provider, archived, secret, token)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
           ON CONFLICT (tenant_id, kind, code) DO UPDATE SET name = excluded.name, provider = excluded.provider,
               archived = excluded.archived, secret = excluded.secret
           RETURNING *, xmax = 0 AS created""",
        account.tenant_id,
        account.kind,
        account.code,
        account.name,
        account.provider,
        account.archived,
        account.secret,
        account.token,
    )
    values = dict(row)
    created: bool = values.pop("created")
    if created:
        await insert(tx, "account_tokens", {"token_hash": token_hash, "tenant_id": account.tenant_id})
    return Account.model_validate(values), created


async def tenant_of(tx: Connection, token_hash: bytes) -> UUID | None:
    """Whose account a provider calls about. `tx` is one of the delivery role."""
    tenant: UUID | None = await tx.fetchval("SELECT tenant_id FROM account_tokens WHERE token_hash = $1", token_hash)
    return tenant


async def of_token(tx: Connection, tenant: UUID, kind: AccountKind, token: str) -> Account | None:
    row = await tx.fetchrow(
        "SELECT * FROM accounts WHERE tenant_id = $1 AND kind = $2 AND token = $3", tenant, kind, token
    )
    return _account(row) if row else None


async def add_request(tx: Connection, request: Request) -> None:
    row = {"tenant_id": request.tenant, "id": request.id, "action": request.action, "subject_id": request.subject_id}
    await insert(tx, "provider_requests", row)


async def find_request(tx: Connection, tenant: UUID, id: UUID) -> Request | None:
    row = await tx.fetchrow(
        "SELECT tenant_id, id, action, subject_id FROM provider_requests WHERE tenant_id = $1 AND id = $2", tenant, id
    )
    return Request(*row) if row else None


async def delete_request(tx: Connection, request: Request) -> None:
    await tx.execute("DELETE FROM provider_requests WHERE tenant_id = $1 AND id = $2", request.tenant, request.id)
