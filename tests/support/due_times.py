"""Due times in tests: clocks and calendars, and the moment that a run time gives."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from pydantic import TypeAdapter

from contracts.calendars import Calendar, Schedule
from contracts.contexts import ContactContext, EmployeeContext, TenantSettings
from rule_engine.domain.schedule.due import Times, due, times_of
from rule_engine.domain.schedule.run_time import RunTime
from support.runs import ITEM, snapshot

RUN_TIMES: TypeAdapter[RunTime] = TypeAdapter(RunTime)
ROME, NEW_YORK, HO_CHI_MINH = "Europe/Rome", "America/New_York", "Asia/Ho_Chi_Minh"


def utc(text: str) -> datetime:
    """A moment written with its offset."""
    return datetime.fromisoformat(text).astimezone(UTC)


def times(zone: str = ROME, calendar: Mapping[str, Any] | None = None, **person: Any) -> Times:
    """A company's times; with anything about a person those of a responsible person, who has a schedule then."""
    tenant = TenantSettings(name="A shop", time_zone=zone, calendar=Calendar.model_validate(calendar or {}))
    schedule = Schedule.model_validate(person) if person else None
    sam = EmployeeContext(id=ITEM, name="Sam", first_name="Sam", schedule=schedule)
    return times_of(tenant, sam, ContactContext(id=ITEM, first_name="", last_name="", name="", time_zone=NEW_YORK))


def moment_of(run: dict[str, Any], entered: str, clocks: Times, **fields: Any) -> datetime | None:
    """When a rule with this run time is due; null: now."""
    found = due(RUN_TIMES.validate_python(run), utc(entered), snapshot(**fields), clocks, utc(entered))
    assert not found.missing
    return found.at
