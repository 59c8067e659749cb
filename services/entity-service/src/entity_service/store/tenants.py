"""Tenants' settings."""

from uuid import UUID

import asyncpg

from contracts.calendars import Calendar
from contracts.contexts import MyCompany, TenantSettings
from contracts.kit.database import Connection


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


async def find(tx: Connection, tenant: UUID) -> tuple[TenantSettings, MyCompany] | None:
    row = await tx.fetchrow(
        """SELECT name, time_zone, language, currency AS tenant_currency,
               tax_rounding AS tenant_tax_rounding, default_assignee, crm_url, my_company, calendar
           FROM tenants LEFT JOIN calendars USING (tenant_id) WHERE tenant_id = $1""",
        tenant,
    )
    return (settings_of(row), MyCompany.model_validate(row["my_company"])) if row else None


async def settings(tx: Connection, tenant: UUID) -> TenantSettings:
    """The tenant's settings, or the contract's defaults."""
    found = await find(tx, tenant)
    return found[0] if found else TenantSettings(name="")


async def put(tx: Connection, tenant: UUID, settings: TenantSettings, my_company: MyCompany) -> None:
    await tx.execute(
        """INSERT INTO tenants (tenant_id, name, time_zone, language, currency, crm_url, my_company,
               tax_rounding, default_assignee) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           ON CONFLICT (tenant_id) DO UPDATE
           SET name = $2, time_zone = $3, language = $4, currency = $5, crm_url = $6, my_company = $7,
               tax_rounding = $8, default_assignee = $9""",
        tenant,
        settings.name,
        settings.time_zone,
        settings.language,
        settings.currency,
        settings.crm_url,
        my_company.model_dump(),
        settings.tax_rounding,
        settings.default_assignee,
    )


async def definitions(tx: Connection, tenant: UUID) -> int:
    """How many pipelines, fields, departments and employees there are, archived ones too."""
    count: int = await tx.fetchval(
        """SELECT (SELECT count(*) FROM pipelines WHERE tenant_id = $1)
               + (SELECT count(*) FROM fields WHERE tenant_id = $1)
               + (SELECT count(*) FROM departments WHERE tenant_id = $1)
               + (SELECT count(*) FROM employees WHERE tenant_id = $1)""",
        tenant,
    )
    return count
