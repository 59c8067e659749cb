"""Tenants' settings."""

from uuid import UUID

import asyncpg

from contracts.calendars import Calendar
from contracts.contexts import TenantFields, TenantSettings
from contracts.kit.database import Connection
from contracts.kit.rows import put


def settings_of(row: asyncpg.Record, name: str = "name") -> TenantSettings:
    """The settings in a row; the contract's defaults where a tenant has none yet."""
    if row[name] is None:
        return TenantSettings(name="")
    return TenantSettings(
        name=row[name],
        time_zone=row["time_zone"],
        language=row["language"],
        currency=row["tenant_currency"],
        tax_rounding=row["tenant_tax_rounding"],
        default_assignee=row["default_assignee"],
        crm_url=row["crm_url"],
        calendar=Calendar.model_validate(row["calendar"] or {}),
    )


async def find(tx: Connection, tenant: UUID) -> TenantSettings | None:
    row = await tx.fetchrow(
        """SELECT name, time_zone, language, currency AS tenant_currency,
               tax_rounding AS tenant_tax_rounding, default_assignee, crm_url, calendar
           FROM tenants LEFT JOIN calendars USING (tenant_id) WHERE tenant_id = $1""",
        tenant,
    )
    return settings_of(row) if row else None


async def settings(tx: Connection, tenant: UUID) -> TenantSettings:
    """The tenant's settings, or the contract's defaults."""
    return await find(tx, tenant) or TenantSettings(name="")


async def save(tx: Connection, tenant: UUID, settings: TenantFields) -> None:
    """Creates or replaces."""
    given = {name: getattr(settings, name) for name in TenantFields.model_fields}
    await put(tx, "tenants", {"tenant_id": tenant, **given}, key=("tenant_id",))


async def definitions(tx: Connection, tenant: UUID) -> int:
    """How many of what `DEFINITIONS` counts there are, archived ones too."""
    count: int = await tx.fetchval(
        """SELECT (SELECT count(*) FROM pipelines WHERE tenant_id = $1)
               + (SELECT count(*) FROM item_types WHERE tenant_id = $1)
               + (SELECT count(*) FROM lists WHERE tenant_id = $1)
               + (SELECT count(*) FROM fields WHERE tenant_id = $1)
               + (SELECT count(*) FROM departments WHERE tenant_id = $1)
               + (SELECT count(*) FROM employees WHERE tenant_id = $1)
               + (SELECT count(*) FROM my_companies WHERE tenant_id = $1)
               + (SELECT count(*) FROM resources WHERE tenant_id = $1)
               + (SELECT count(*) FROM accounts WHERE tenant_id = $1)""",
        tenant,
    )
    return count
