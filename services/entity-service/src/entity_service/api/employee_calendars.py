"""`/v1/employees/{code}/calendar`: what an employee has planned, and what is booked for them."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import BaseModel

from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.service import Service
from entity_service import store
from entity_service.api.employees import find_employee
from entity_service.api.inputs import During
from entity_service.domain.employee_calendars import CalendarEvent, events_of
from entity_service.domain.errors import InvalidError
from entity_service.domain.resources import Span

MOST = 5_000
"""Events of one answer."""


class EmployeeCalendar(BaseModel):
    """The events of a time, in order; without cancelled ones."""

    events: tuple[CalendarEvent, ...]


def router(service: Service) -> APIRouter:
    """Everybody may read."""
    routes = APIRouter(prefix="/v1/employees/{code}/calendar", tags=["employees"])

    @routes.get("")
    async def get_employee_calendar(code: str, time: During, caller: Caller = require(Role.VIEWER)) -> EmployeeCalendar:
        """What the employee is responsible for or invited to, and what is booked for them, from a moment to another."""
        async with service.database.transaction(caller.tenant) as tx:
            employee = await find_employee(tx, caller, code)
            events = await events_during(tx, caller.tenant, employee.id, time)
        return EmployeeCalendar(events=tuple(one for one in events if one.status != "cancelled"))

    return routes


async def events_during(tx: Connection, tenant: UUID, employee: UUID, time: Span) -> list[CalendarEvent]:
    """By time; cancelled ones too. Raises `InvalidError` when there are too many."""
    planned = await store.planned_activities.in_calendar(tx, tenant, employee, time, MOST + 1)
    wanted = store.resources.Filter(employee=employee, during=time)
    booked = await store.resources.search(tx, tenant, wanted, MOST + 1)
    if len(planned) + len(booked) > MOST:
        raise InvalidError(("to", f"there are more than {MOST} events: ask for a shorter time"))
    return events_of(planned, booked)
