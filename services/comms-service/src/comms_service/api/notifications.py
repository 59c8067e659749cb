"""`/v1/notifications`: an employee's own inbox."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel

from comms_service.domain.notifications import Notification
from comms_service.store.notifications import NotificationStore
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import Clock
from contracts.kit.database import Database
from contracts.kit.http import Newest, Page, Problem
from contracts.kit.routes import Paged, found


class NotificationView(BaseModel):
    id: UUID
    item_id: UUID | None
    title: str
    text: str
    sender: str | None
    created_at: AwareDatetime
    read_at: AwareDatetime | None


def router(database: Database, store: NotificationStore, clock: Clock) -> APIRouter:
    routes = APIRouter(prefix="/v1/notifications", tags=["notifications"])

    @routes.get("")
    async def list_notifications(
        paging: Paged, unread: bool = False, caller: Caller = require(Role.VIEWER)
    ) -> Page[NotificationView]:
        """Newest first; only the caller's own."""
        employee, before = _employee(caller), paging.after(Newest)
        async with database.transaction(caller.tenant) as tx:
            notifications = await store.inbox(tx, caller.tenant, employee, before, paging.rows, unread=unread)
        return paging.page(notifications, lambda one: (one.created_at, one.id), _view)

    @routes.post("/{notification_id}/read")
    async def read_notification(notification_id: UUID, caller: Caller = require(Role.VIEWER)) -> NotificationView:
        """Marks it as read; doing it again changes nothing."""
        async with database.transaction(caller.tenant) as tx:
            read = await store.mark_read(tx, caller.tenant, _employee(caller), notification_id, clock())
        return _view(found(read, f"notification {notification_id}"))

    return routes


def _employee(caller: Caller) -> UUID:
    try:
        return UUID(caller.subject)
    except ValueError as error:
        raise Problem(403, "Forbidden", "the token's subject is no employee: only employees have an inbox") from error


def _view(notification: Notification) -> NotificationView:
    return NotificationView.model_validate(notification, from_attributes=True)
