"""Working time: `/v1/calendar`, and of each employee `schedule` and `presence`."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import BaseModel, ConfigDict, Field

from contracts.calendars import Calendar, Clock, Schedule, Weekday, Zone
from contracts.inputs import Input, Moment
from contracts.kit.auth import Caller, Role, require
from contracts.kit.configuration import record
from contracts.kit.database import Connection
from contracts.kit.http import Problem
from contracts.kit.service import Service
from contracts.texts import Line
from contracts.values import Code, Country
from entity_service import store
from entity_service.api.employees import find_employee
from entity_service.domain.calendars import check_calendar, check_schedule
from entity_service.domain.employees import Employee
from entity_service.domain.errors import InvalidError


class HoursInput(Input):
    """From opening to closing; one that closes no later than it opens closes the next day."""

    opens: Clock
    closes: Clock


DayHours = Annotated[tuple[HoursInput, ...], Field(max_length=10)]
Days = Annotated[dict[date, DayHours], Field(max_length=366)]


class CalendarInput(Input):
    """The company's working hours by weekday, the country whose public holidays are free, and dates that are not like
    their weekday: without hours a day off, with hours a working day.
    """

    week: dict[Weekday, DayHours]
    country: Country | None = None
    subdivision: Annotated[str, Field(max_length=10)] | None = None
    days: Days = Field(default_factory=dict)


class AbsenceInput(Input):
    """From when until when the employee is away; `substitute` is the code of the one who answers for them meanwhile."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    from_: Annotated[Moment, Field(alias="from")]
    until: Moment
    reason: Line = ""
    substitute: Code | None = None


class ScheduleInput(Input):
    """An employee's working time; what is not given is as in the company. `tracked`: the employee clocks in and out."""

    time_zone: Zone | None = None
    week: dict[Weekday, DayHours] | None = None
    days: Days = Field(default_factory=dict)
    absences: Annotated[tuple[AbsenceInput, ...], Field(max_length=200)] = ()
    tracked: bool = False


class PresenceInput(Input):
    """Whether the employee is at work."""

    at_work: bool


class Presence(BaseModel):
    """Whether the employee is at work, and since when this is so."""

    at_work: bool
    since: datetime | None


def router(service: Service) -> APIRouter:
    """Everybody may read; admins write calendar and schedules; employees say themselves whether they are at work."""
    routes = APIRouter(prefix="/v1", tags=["calendars"])
    _add_calendar(routes, service)
    _add_schedules(routes, service)
    _add_presences(routes, service)
    return routes


def _add_calendar(routes: APIRouter, service: Service) -> None:
    @routes.put("/calendar")
    async def put_calendar(body: CalendarInput, caller: Caller = require(Role.ADMIN)) -> Calendar:
        """Replaces the company's calendar. Rules that wait already keep their due time."""
        wanted = Calendar.model_validate(body.model_dump())
        check_calendar(wanted)
        async with service.database.transaction(caller.tenant) as tx:
            before = await store.calendars.calendar(tx, caller.tenant)
            await store.calendars.put_calendar(tx, caller.tenant, wanted)
            await record(tx, caller, "calendar", None, before, wanted)
        return wanted

    @routes.get("/calendar")
    async def get_calendar(caller: Caller = require(Role.VIEWER)) -> Calendar:
        """The company's calendar: Monday to Friday from nine to six until it is set."""
        async with service.database.transaction(caller.tenant) as tx:
            return await store.calendars.calendar(tx, caller.tenant)


def _add_schedules(routes: APIRouter, service: Service) -> None:
    @routes.put("/employees/{code}/schedule")
    async def put_schedule(code: Code, body: ScheduleInput, caller: Caller = require(Role.ADMIN)) -> Schedule:
        """Replaces the employee's schedule with its absences."""
        wanted = Schedule.model_validate(body.model_dump(exclude={"tracked"}))
        check_schedule(wanted)
        async with service.database.transaction(caller.tenant) as tx:
            employee = await find_employee(tx, caller, code)
            await _check_substitutes(tx, caller, code, wanted)
            before = await store.calendars.schedule(tx, caller.tenant, employee.id)
            await store.calendars.put_schedule(tx, caller.tenant, employee.id, wanted, tracked=body.tracked)
            after = await store.calendars.schedule(tx, caller.tenant, employee.id) or wanted
            await record(tx, caller, "schedule", code, before and _hours(before), _hours(after))
            return after

    @routes.get("/employees/{code}/schedule")
    async def get_schedule(code: Code, caller: Caller = require(Role.VIEWER)) -> Schedule:
        """The employee's schedule; `at_work` is null where clocking in is not tracked."""
        async with service.database.transaction(caller.tenant) as tx:
            employee = await find_employee(tx, caller, code)
            return await store.calendars.schedule(tx, caller.tenant, employee.id) or Schedule()


def _add_presences(routes: APIRouter, service: Service) -> None:
    @routes.put("/employees/{code}/presence")
    async def put_presence(code: Code, body: PresenceInput, caller: Caller = require(Role.AGENT)) -> Presence:
        """Clocks in or out: oneself, or an admin anybody."""
        async with service.database.transaction(caller.tenant) as tx:
            employee = await find_employee(tx, caller, code)
            if Role.ADMIN not in caller.roles and caller.subject != str(employee.id):
                raise Problem(403, "Forbidden", "only an admin clocks others in and out")
            await store.calendars.put_presence(tx, caller.tenant, employee.id, body.at_work, service.clock())
            return await _presence(tx, caller, employee)

    @routes.get("/employees/{code}/presence")
    async def get_presence(code: Code, caller: Caller = require(Role.VIEWER)) -> Presence:
        async with service.database.transaction(caller.tenant) as tx:
            return await _presence(tx, caller, await find_employee(tx, caller, code))


async def _check_substitutes(tx: Connection, caller: Caller, code: str, schedule: Schedule) -> None:
    """Raises `InvalidError` for one who is the employee, is archived, or does not exist."""
    for place, absence in enumerate(schedule.absences):
        where, named = f"absences[{place}].substitute", absence.substitute
        if named == code:
            raise InvalidError((where, "is somebody else than the employee"))
        substitute = await store.employees.find(tx, caller.tenant, named) if named else None
        if named and (substitute is None or substitute.archived):
            raise InvalidError((where, f"there is no employee {named!r} who could answer for them"))


def _hours(schedule: Schedule) -> dict[str, Any]:
    """What is configured: not whether the employee is at work now, but whether that is tracked."""
    return schedule.model_dump(mode="json", exclude={"at_work"}) | {"tracked": schedule.at_work is not None}


async def _presence(tx: Connection, caller: Caller, employee: Employee) -> Presence:
    at_work, since = await store.calendars.presence(tx, caller.tenant, employee.id) or (False, None)
    return Presence(at_work=at_work, since=since)
