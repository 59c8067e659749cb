"""Employees' calendars as iCalendar feeds: their secret addresses, and `/calendars/{token}` for those who have one."""

import hashlib
import secrets

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel

from contracts.kit import telemetry
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.http import Problem, not_found
from contracts.kit.limits import RateLimit
from contracts.kit.service import Service
from entity_service import store
from entity_service.api.employee_calendars import events_during
from entity_service.api.employees import find_employee
from entity_service.domain.employees import Employee
from entity_service.domain.icalendar_feeds import AHEAD, PAST, feed
from entity_service.domain.resources import Span


class Feed(BaseModel):
    """Where the calendar is read, below the address of this service. It is not kept: it cannot be asked for again."""

    path: str


def router(service: Service) -> APIRouter:
    """Employees make and revoke the address of their own calendar, admins everybody's."""
    routes = APIRouter(prefix="/v1/employees/{code}/calendar/feed", tags=["employees"])

    @routes.post("", status_code=201)
    async def make_feed(code: str, caller: Caller = require(Role.AGENT)) -> Feed:
        """A new secret address, at which calendar programs read the calendar; the former one is revoked."""
        token = secrets.token_urlsafe(32)
        async with service.database.transaction(caller.tenant) as tx:
            employee = await _own(tx, caller, code)
            now = service.clock()
            await store.calendar_feeds.revoke(tx, caller.tenant, employee.id, now)
            await store.calendar_feeds.add(tx, caller.tenant, employee.id, _hash(token), caller.subject, now)
        return Feed(path=f"/calendars/{token}")

    @routes.delete("", status_code=204)
    async def revoke_feed(code: str, caller: Caller = require(Role.AGENT)) -> None:
        """The address opens nothing any more."""
        async with service.database.transaction(caller.tenant) as tx:
            employee = await _own(tx, caller, code)
            await store.calendar_feeds.revoke(tx, caller.tenant, employee.id, service.clock())

    return routes


def public_router(service: Service) -> APIRouter:
    """The token is all the authority there is."""
    routes, limit = APIRouter(include_in_schema=False), RateLimit(per_second=1, burst=60)

    @routes.get("/calendars/{token}")
    async def read_feed(request: Request, token: str) -> Response:
        limit.take(request)
        key = _hash(token)
        async with service.database.delivery() as tx:
            tenant = await store.calendar_feeds.tenant_of(tx, key)
        if tenant is None:
            raise not_found("calendar")
        telemetry.note(tenant_id=tenant)
        now = service.clock()
        async with service.database.transaction(tenant) as tx:
            employee = await store.calendar_feeds.employee_of(tx, tenant, key)
            if employee is None:
                raise not_found("calendar")
            events = await events_during(tx, tenant, employee.id, Span(now - PAST, now + AHEAD))
        headers = {"Cache-Control": "private, max-age=300", "X-Robots-Tag": "noindex"}
        return Response(feed(employee.name, events), media_type="text/calendar; charset=utf-8", headers=headers)

    return routes


async def _own(tx: Connection, caller: Caller, code: str) -> Employee:
    employee = await find_employee(tx, caller, code)
    if Role.ADMIN not in caller.roles and caller.subject != str(employee.id):
        raise Problem(403, "Forbidden", "only an admin makes or revokes the addresses of others' calendars")
    return employee


def _hash(token: str) -> bytes:
    """SHA-256: the token is random enough that nothing slower is needed."""
    return hashlib.sha256(token.encode()).digest()
