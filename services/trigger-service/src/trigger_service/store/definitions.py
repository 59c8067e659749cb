"""Triggers, forms and payment providers, and the public addresses that lead to them."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from trigger_service.domain.definitions import Form, FormSpec, Provider, Trigger, TriggerSpec

Kind = Literal["form", "payment_provider", "trigger"]


@dataclass(frozen=True, slots=True)
class Address:
    """Where a token leads."""

    tenant: UUID
    code: str


async def address(tx: Connection, kind: Kind, token_hash: bytes) -> Address | None:
    row = await tx.fetchrow(
        "SELECT owner_tenant, code FROM public_addresses WHERE token_hash = $1 AND kind = $2", token_hash, kind
    )
    return Address(*row) if row else None


async def put_address(tx: Connection, kind: Kind, tenant: UUID, code: str, token_hash: bytes) -> None:
    """Gives `code` this address; a former one leads nowhere from now on."""
    await tx.execute(
        """INSERT INTO public_addresses (token_hash, kind, owner_tenant, code) VALUES ($1, $2, $3, $4)
           ON CONFLICT (owner_tenant, kind, code) DO UPDATE SET token_hash = excluded.token_hash""",
        token_hash,
        kind,
        tenant,
        code,
    )


async def put_trigger(tx: Connection, tenant: UUID, trigger: Trigger, now: datetime) -> bool:
    """Creates or replaces; says whether it was created."""
    created = await tx.fetchval(
        """INSERT INTO triggers (tenant_id, code, type, archived, spec, change_as, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (tenant_id, code) DO UPDATE SET type = excluded.type, archived = excluded.archived,
               spec = excluded.spec, change_as = excluded.change_as, updated_at = excluded.updated_at
           RETURNING xmax = 0""",
        tenant,
        trigger.code,
        trigger.spec.type,
        trigger.spec.archived,
        trigger.spec.model_dump(mode="json", by_alias=True),
        trigger.change_as,
        now,
    )
    return bool(created)


async def trigger(tx: Connection, tenant: UUID, code: str) -> Trigger | None:
    row = await tx.fetchrow("SELECT * FROM triggers WHERE tenant_id = $1 AND code = $2", tenant, code)
    return _trigger(row) if row else None


async def triggers(tx: Connection, tenant: UUID) -> list[Trigger]:
    rows = await tx.fetch("SELECT * FROM triggers WHERE tenant_id = $1 ORDER BY code", tenant)
    return [_trigger(row) for row in rows]


async def triggers_of_type(tx: Connection, tenant: UUID, type_: str) -> list[Trigger]:
    """Those that are not archived, by code."""
    rows = await tx.fetch(
        "SELECT * FROM triggers WHERE tenant_id = $1 AND type = $2 AND NOT archived ORDER BY code", tenant, type_
    )
    return [_trigger(row) for row in rows]


def _trigger(row: asyncpg.Record) -> Trigger:
    spec = TriggerSpec.model_validate(row["spec"])
    return Trigger(code=row["code"], spec=spec, change_as=row["change_as"])


async def put_form(tx: Connection, tenant: UUID, form: Form, now: datetime) -> tuple[Form, bool]:
    """Creates or replaces, and says whether it was created; a form that is replaced keeps its token."""
    row = await _returned(
        tx,
        """INSERT INTO forms (tenant_id, code, token, spec, responsible_id, item_fields, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (tenant_id, code) DO UPDATE SET spec = excluded.spec, responsible_id = excluded.responsible_id,
               item_fields = excluded.item_fields, updated_at = excluded.updated_at
           RETURNING token, xmax = 0 AS created""",
        tenant,
        form.code,
        form.token,
        form.spec.model_dump(mode="json"),
        form.responsible_id,
        [field.model_dump(mode="json") for field in form.item_fields],
        now,
    )
    return form.model_copy(update={"token": row["token"]}), row["created"]


async def _returned(tx: Connection, sql: str, *values: Any) -> asyncpg.Record:
    """The row of a statement that always returns one."""
    row = await tx.fetchrow(sql, *values)
    if row is None:
        raise LookupError("an upsert returned nothing")
    return row


async def form(tx: Connection, tenant: UUID, code: str) -> Form | None:
    row = await tx.fetchrow("SELECT * FROM forms WHERE tenant_id = $1 AND code = $2", tenant, code)
    return _form(row) if row else None


async def forms(tx: Connection, tenant: UUID) -> list[Form]:
    rows = await tx.fetch("SELECT * FROM forms WHERE tenant_id = $1 ORDER BY code", tenant)
    return [_form(row) for row in rows]


def _form(row: asyncpg.Record) -> Form:
    spec = FormSpec.model_validate(row["spec"])
    return Form.model_validate({**dict(row), "spec": spec})


async def put_provider(tx: Connection, tenant: UUID, provider: Provider, now: datetime) -> tuple[Provider, bool]:
    """Creates or replaces, and says whether it was created; a provider that is replaced keeps its token."""
    row = await _returned(
        tx,
        """INSERT INTO payment_providers (tenant_id, code, token, name, secret, archived, updated_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7)
           ON CONFLICT (tenant_id, code) DO UPDATE SET name = excluded.name, secret = excluded.secret,
               archived = excluded.archived, updated_at = excluded.updated_at
           RETURNING token, xmax = 0 AS created""",
        tenant,
        provider.code,
        provider.token,
        provider.name,
        provider.sealed,
        provider.archived,
        now,
    )
    return provider.model_copy(update={"token": row["token"]}), row["created"]


async def provider(tx: Connection, tenant: UUID, code: str) -> Provider | None:
    row = await tx.fetchrow("SELECT * FROM payment_providers WHERE tenant_id = $1 AND code = $2", tenant, code)
    return _provider(row) if row else None


async def providers(tx: Connection, tenant: UUID) -> list[Provider]:
    rows = await tx.fetch("SELECT * FROM payment_providers WHERE tenant_id = $1 ORDER BY code", tenant)
    return [_provider(row) for row in rows]


def _provider(row: asyncpg.Record) -> Provider:
    return Provider(
        code=row["code"],
        token=row["token"],
        name=row["name"],
        sealed=row["secret"],
        archived=row["archived"],
    )


async def count_triggers(tx: Connection, tenant: UUID) -> int:
    """Archived ones too."""
    count: int = await tx.fetchval("SELECT count(*) FROM triggers WHERE tenant_id = $1", tenant)
    return count


async def count_forms(tx: Connection, tenant: UUID) -> int:
    """Archived ones too."""
    count: int = await tx.fetchval("SELECT count(*) FROM forms WHERE tenant_id = $1", tenant)
    return count


async def count_providers(tx: Connection, tenant: UUID) -> int:
    """Archived ones too."""
    count: int = await tx.fetchval("SELECT count(*) FROM payment_providers WHERE tenant_id = $1", tenant)
    return count
