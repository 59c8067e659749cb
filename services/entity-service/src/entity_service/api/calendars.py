"""Working time: `/v1/calendar`, and of each employee `schedule` and `presence`."""

from datetime import date, datetime
from typing import Annotated, Any

from fastapi import APIRouter
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from contracts.calendars import Calendar, Clock, Schedule, Weekday
from contracts.inputs import Input, Moment
from contracts.kit.auth import Caller, Role, require
from contracts.kit.configuration import record
from contracts.kit.database import Connection
from contracts.kit.http import Problem, not_found
from contracts.kit.service import Service
from contracts.values import Code, Country
from entity_service import store
from entity_service.domain.calendars import check_calendar, check_schedule, check_zone
from entity_service.domain.people import Employee

Zone = Annotated[str, AfterValidator(check_zone)]


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
    """From when until when the employee is away."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    from_: Annotated[Moment, Field(alias="from")]
    until: Moment


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


class CalendarRoutes:
    """Everybody may read; admins write calendar and schedules; who is at work is for everyone himself to say."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def router(self) -> APIRouter:
        router = APIRouter(prefix="/v1", tags=["calendars"])
        add = router.add_api_route
        add("/calendar", self.put_calendar, methods=["PUT"], response_model=Calendar)
        add("/calendar", self.calendar, methods=["GET"], response_model=Calendar)
        add("/employees/{code}/schedule", self.put_schedule, methods=["PUT"], response_model=Schedule)
        add("/employees/{code}/schedule", self.schedule, methods=["GET"], response_model=Schedule)
        add("/employees/{code}/presence", self.put_presence, methods=["PUT"], response_model=Presence)
        add("/employees/{code}/presence", self.presence, methods=["GET"], response_model=Presence)
        return router

    async def put_calendar(self, body: CalendarInput, caller: Caller = require(Role.ADMIN)) -> Calendar:
        """Replaces the company's calendar. Rules that wait already keep their due time."""
        wanted = Calendar.model_validate(body.model_dump())
        check_calendar(wanted)
        async with self._service.database.transaction(caller.tenant) as tx:
            before = await store.calendars.calendar(tx, caller.tenant)
            await store.calendars.put_calendar(tx, caller.tenant, wanted)
            await record(tx, caller, "calendar", None, before, wanted)
        return wanted

    async def calendar(self, caller: Caller = require(Role.VIEWER)) -> Calendar:
        """The company's calendar: Monday to Friday from nine to six until it is set."""
        async with self._service.database.transaction(caller.tenant) as tx:
            return await store.calendars.calendar(tx, caller.tenant)

    async def put_schedule(self, code: Code, body: ScheduleInput, caller: Caller = require(Role.ADMIN)) -> Schedule:
        """Replaces the employee's schedule with its absences."""
        wanted = Schedule.model_validate(body.model_dump(exclude={"tracked"}))
        check_schedule(wanted)
        async with self._service.database.transaction(caller.tenant) as tx:
            employee = await _employee(tx, caller, code)
            before = await store.calendars.schedule(tx, caller.tenant, employee.id)
            await store.calendars.put_schedule(tx, caller.tenant, employee.id, wanted, tracked=body.tracked)
            after = await store.calendars.schedule(tx, caller.tenant, employee.id) or wanted
            await record(tx, caller, "schedule", code, before and _hours(before), _hours(after))
            return after

    async def schedule(self, code: Code, caller: Caller = require(Role.VIEWER)) -> Schedule:
        """The employee's schedule; `at_work` is null where clocking in is not tracked."""
        async with self._service.database.transaction(caller.tenant) as tx:
            employee = await _employee(tx, caller, code)
            return await store.calendars.schedule(tx, caller.tenant, employee.id) or Schedule()

    async def put_presence(self, code: Code, body: PresenceInput, caller: Caller = require(Role.AGENT)) -> Presence:
        """Clocks in or out: oneself, or an admin anybody."""
        async with self._service.database.transaction(caller.tenant) as tx:
            employee = await _employee(tx, caller, code)
            if Role.ADMIN not in caller.roles and caller.subject != str(employee.id):
                raise Problem(403, "Forbidden", "only an admin clocks others in and out")
            await store.calendars.put_presence(tx, caller.tenant, employee.id, body.at_work, self._service.clock())
            return await _presence(tx, caller, employee)

    async def presence(self, code: Code, caller: Caller = require(Role.VIEWER)) -> Presence:
        async with self._service.database.transaction(caller.tenant) as tx:
            return await _presence(tx, caller, await _employee(tx, caller, code))


async def _employee(tx: Connection, caller: Caller, code: str) -> Employee:
    found = await store.people.employee(tx, caller.tenant, code)
    if found is None:
        raise not_found(f"employee {code!r}")
    return found


def _hours(schedule: Schedule) -> dict[str, Any]:
    """What is configured: whether somebody is at work just now is not, but whether that is tracked."""
    return schedule.model_dump(mode="json", exclude={"at_work"}) | {"tracked": schedule.at_work is not None}


async def _presence(tx: Connection, caller: Caller, employee: Employee) -> Presence:
    at_work, since = await store.calendars.presence(tx, caller.tenant, employee.id) or (False, None)
    return Presence(at_work=at_work, since=since)
