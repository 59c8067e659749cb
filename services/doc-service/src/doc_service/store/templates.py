"""Tenants' own templates, and the numbers of documents."""

from dataclasses import asdict
from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.kit.database import Connection
from contracts.kit.rows import insert, put
from doc_service.domain.templates import Template, TemplateHead, TemplateVersion
from doc_service.store.rows import pick

_TEMPLATE = """SELECT t.code, t.published, t.archived, v.version, v.name, v.language, v.number_pattern, v.source,
    v.created_at, v.created_by FROM templates t JOIN template_versions v USING (tenant_id, code)"""


class TemplateStore:
    """Tables `templates`, `template_versions`, `number_series`."""

    async def usable(self, tx: Connection, tenant: UUID, code: str) -> Template | None:
        """The published version of a template in use."""
        row = await tx.fetchrow(
            f"{_TEMPLATE} WHERE tenant_id = $1 AND code = $2 AND v.version = t.published AND NOT t.archived",
            tenant,
            code,
        )
        return None if row is None else _template(row)

    async def usable_codes(self, tx: Connection, tenant: UUID) -> list[str]:
        """The codes of the templates in use that have a published version."""
        rows = await tx.fetch(
            "SELECT code FROM templates WHERE tenant_id = $1 AND published IS NOT NULL AND NOT archived", tenant
        )
        return [row["code"] for row in rows]

    async def version(self, tx: Connection, tenant: UUID, code: str, version: int | None) -> TemplateVersion | None:
        """One version of a template; null asks for the newest."""
        row = await tx.fetchrow(
            f"{_TEMPLATE} WHERE tenant_id = $1 AND code = $2 AND v.version = coalesce($3, t.latest)",
            tenant,
            code,
            version,
        )
        return None if row is None else _version(row)

    async def newest(self, tx: Connection, tenant: UUID, after: str, limit: int) -> list[TemplateVersion]:
        """The newest versions of the templates with codes behind `after`."""
        rows = await tx.fetch(
            f"{_TEMPLATE} WHERE tenant_id = $1 AND code > $2 AND v.version = t.latest ORDER BY code LIMIT $3",
            tenant,
            after,
            limit,
        )
        return [_version(row) for row in rows]

    async def locked(self, tx: Connection, tenant: UUID, code: str) -> TemplateHead | None:
        """Keeps others from changing the template, also one that does not exist yet, until the transaction ends."""
        await tx.execute("SELECT pg_advisory_xact_lock(hashtextextended($1, 0))", f"{tenant}/{code}")
        row = await tx.fetchrow(
            "SELECT code, latest, published, archived FROM templates WHERE tenant_id = $1 AND code = $2", tenant, code
        )
        return None if row is None else TemplateHead(**row)

    async def count(self, tx: Connection, tenant: UUID) -> int:
        """Archived ones too."""
        count: int = await tx.fetchval("SELECT count(*) FROM templates WHERE tenant_id = $1", tenant)
        return count

    async def save(self, tx: Connection, tenant: UUID, head: TemplateHead) -> None:
        await put(tx, "templates", {"tenant_id": tenant, **asdict(head)}, key=("tenant_id", "code"))

    async def add_version(self, tx: Connection, tenant: UUID, template: Template, at: datetime, by: str) -> None:
        row = {"tenant_id": tenant, **asdict(template), "created_at": at, "created_by": by}
        await insert(tx, "template_versions", row)

    async def next_count(self, tx: Connection, tenant: UUID, series: str) -> int:
        """The next count of a series; its row stays locked, so an aborted transaction leaves no gap."""
        return int(
            await tx.fetchval(
                """INSERT INTO number_series (tenant_id, series, last) VALUES ($1, $2, 1)
                   ON CONFLICT (tenant_id, series) DO UPDATE SET last = number_series.last + 1 RETURNING last""",
                tenant,
                series,
            )
        )


def _template(row: asyncpg.Record) -> Template:
    return Template(**pick(row, "code version name language number_pattern source"))


def _version(row: asyncpg.Record) -> TemplateVersion:
    return TemplateVersion(template=_template(row), **pick(row, "published archived created_at created_by"))
