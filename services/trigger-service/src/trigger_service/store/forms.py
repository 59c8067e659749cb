"""Forms."""

from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from trigger_service.domain.forms import Form, FormSpec


async def save(tx: Connection, tenant: UUID, form: Form, now: datetime) -> tuple[Form, bool]:
    """Creates or replaces, and says whether it was created; a form that is replaced keeps its token."""
    (row,) = await tx.fetch(
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


async def find(tx: Connection, tenant: UUID, code: str) -> Form | None:
    row = await tx.fetchrow("SELECT * FROM forms WHERE tenant_id = $1 AND code = $2", tenant, code)
    return _form(row) if row else None


async def page(tx: Connection, tenant: UUID, after: str, limit: int) -> list[Form]:
    """At most `limit` by code, those behind `after`; archived ones too."""
    rows = await tx.fetch(
        "SELECT * FROM forms WHERE tenant_id = $1 AND code > $2 ORDER BY code LIMIT $3", tenant, after, limit
    )
    return [_form(row) for row in rows]


async def naming(tx: Connection, tenant: UUID, employee: UUID) -> list[Form]:
    """Those that are in use and make the employee responsible for new items."""
    rows = await tx.fetch("SELECT * FROM forms WHERE tenant_id = $1 AND responsible_id = $2", tenant, employee)
    return [form for form in map(_form, rows) if not form.spec.archived]


def _form(row: asyncpg.Record) -> Form:
    spec = FormSpec.model_validate(row["spec"])
    return Form.model_validate({**dict(row), "spec": spec})


async def count(tx: Connection, tenant: UUID) -> int:
    """Archived ones too."""
    count: int = await tx.fetchval("SELECT count(*) FROM forms WHERE tenant_id = $1", tenant)
    return count
