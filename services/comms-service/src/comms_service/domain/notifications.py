"""Notifications: entries of employees' inboxes."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID, uuid5

from comms_service.domain.errors import UnusableError
from comms_service.domain.texts import check_no_null
from contracts.messages.comms import Notify


@dataclass(frozen=True, slots=True)
class Notification:
    """One entry of an employee's inbox."""

    id: UUID
    employee_id: UUID
    item_id: UUID | None
    title: str
    text: str
    sender: str | None
    created_at: datetime
    read_at: datetime | None


def notification_id(tenant: UUID, command_id: UUID, employee: UUID) -> UUID:
    return uuid5(command_id, f"{tenant}/{employee}")


def check_notification(message: Notify) -> None:
    """Raises `UnusableError` for a notification without recipients or with characters that cannot be stored."""
    if not message.recipients:
        raise UnusableError("the notification has no recipients")
    check_no_null(title=message.title, text=message.text, sender=message.sender or "")
