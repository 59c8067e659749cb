"""`/v1/messages`: what was sent to whom, and how it went."""

from typing import Any
from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel

from comms_service.domain.messages import Message
from comms_service.store.messages import MessageFilter, MessageStore
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Database
from contracts.kit.http import Newest, Page
from contracts.kit.routes import Paged, found
from contracts.messages.comms import ChannelKind, MessageStatus
from contracts.values import FileRef


class MessageView(BaseModel):
    """A message in a list; `trace_id` is the trace of what caused it."""

    id: UUID
    command_id: UUID
    item_id: UUID
    contact_id: UUID | None
    kind: ChannelKind
    channel: str
    to_address: str
    to_name: str
    subject: str
    status: MessageStatus
    reason: str | None
    sent_by: str
    trace_id: str | None
    created_at: AwareDatetime


class StatusView(BaseModel):
    status: MessageStatus
    reason: str | None
    at: AwareDatetime


class AttemptView(BaseModel):
    """`outcome` is accepted, rejected, not_taken (surely), in_doubt, or null: under way, or its process was killed."""

    number: int
    at: AwareDatetime
    outcome: str | None
    reason: str | None
    provider_id: str | None


class MessageDetail(MessageView):
    """A message with its words, attempts and history."""

    text: str
    html: str | None
    attachments: tuple[FileRef, ...]
    attempts: list[AttemptView]
    history: list[StatusView]


def router(database: Database, store: MessageStore) -> APIRouter:
    routes = APIRouter(prefix="/v1/messages", tags=["messages"])

    @routes.get("")
    async def list_messages(
        paging: Paged,
        item_id: UUID | None = None,
        status: MessageStatus | None = None,
        caller: Caller = require(Role.VIEWER),
    ) -> Page[MessageView]:
        """Newest first."""
        wanted = MessageFilter(item_id, status)
        async with database.transaction(caller.tenant) as tx:
            messages = await store.page(tx, caller.tenant, wanted, paging.after(Newest), paging.rows)
        return paging.page(messages, lambda one: (one.created_at, one.id), _view)

    @routes.get("/{message_id}")
    async def get_message(message_id: UUID, caller: Caller = require(Role.VIEWER)) -> MessageDetail:
        async with database.transaction(caller.tenant) as tx:
            message = found(await store.find(tx, caller.tenant, message_id), f"message {message_id}")
            attempts = await store.attempts(tx, caller.tenant, message_id)
            history = await store.history(tx, caller.tenant, message_id)
        more = {"attempts": [dict(row) for row in attempts], "history": [dict(row) for row in history]}
        return MessageDetail.model_validate(_values(message) | more)

    return routes


def _view(message: Message) -> MessageView:
    return MessageView.model_validate(_values(message))


def _values(message: Message) -> dict[str, Any]:
    values = {name: getattr(message, name) for name in Message.__slots__}
    parts = (message.traceparent or "").split("-")
    return values | {"trace_id": parts[1] if len(parts) == 4 else None}
