"""Calendars, schedules, and who is at work."""

from datetime import datetime
from uuid import UUID

import asyncpg

from contracts.calendars import Calendar, Schedule
from contracts.kit.database import Connection


async def calendar(tx: Connection, tenant: UUID) -> Calendar:
    """The company's calendar, or the contract's default."""
    kept = await tx.fetchval("SELECT calendar FROM calendars WHERE tenant_id = $1", tenant)
    return Calendar.model_validate(kept or {})


async def put_calendar(tx: Connection, tenant: UUID, calendar: Calendar) -> None:
    await tx.execute(
        """INSERT INTO calendars (tenant_id, calendar) VALUES ($1, $2)
           ON CONFLICT (tenant_id) DO UPDATE SET calendar = $2""",
        tenant,
        calendar.model_dump(mode="json"),
    )


async def schedule(tx: Connection, tenant: UUID, employee: UUID) -> Schedule | None:
    row = await tx.fetchrow(
        """SELECT s.schedule, s.tracked, p.at_work FROM schedules s LEFT JOIN presences p USING (tenant_id, employee_id)
           WHERE s.tenant_id = $1 AND s.employee_id = $2""",
        tenant,
        employee,
    )
    return schedule_of(row) if row else None


def schedule_of(row: asyncpg.Record) -> Schedule:
    """The schedule in a row; `at_work` is null where it is not tracked."""
    at_work = bool(row["at_work"]) if row["tracked"] else None
    return Schedule.model_validate(row["schedule"] | {"at_work": at_work})


async def put_schedule(tx: Connection, tenant: UUID, employee: UUID, schedule: Schedule, *, tracked: bool) -> None:
    await tx.execute(
        """INSERT INTO schedules (tenant_id, employee_id, schedule, tracked) VALUES ($1, $2, $3, $4)
           ON CONFLICT (tenant_id, employee_id) DO UPDATE SET schedule = $3, tracked = $4""",
        tenant,
        employee,
        schedule.model_dump(mode="json", by_alias=True, exclude={"at_work"}),
        tracked,
    )


async def presence(tx: Connection, tenant: UUID, employee: UUID) -> tuple[bool, datetime] | None:
    """Whether the employee is at work, and since when this is so; null before the first clocking-in."""
    row = await tx.fetchrow(
        "SELECT at_work, since FROM presences WHERE tenant_id = $1 AND employee_id = $2", tenant, employee
    )
    return (row["at_work"], row["since"]) if row else None


async def put_presence(tx: Connection, tenant: UUID, employee: UUID, at_work: bool, now: datetime) -> None:
    """Clocks in or out; what is so already keeps its moment."""
    await tx.execute(
        """INSERT INTO presences AS p (tenant_id, employee_id, at_work, since) VALUES ($1, $2, $3, $4)
           ON CONFLICT (tenant_id, employee_id) DO UPDATE SET at_work = $3, since = $4 WHERE p.at_work <> $3""",
        tenant,
        employee,
        at_work,
        now,
    )
