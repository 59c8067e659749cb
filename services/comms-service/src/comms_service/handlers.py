"""Handles the commands of `crm.comms.commands.v1`."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

from comms_service.application.consents import Consents
from comms_service.application.statuses import Statuses
from comms_service.domain.addresses import address_of
from comms_service.domain.channels import Channel
from comms_service.domain.consents import Consent
from comms_service.domain.errors import UnusableError
from comms_service.domain.messages import Message, check_message, plan_message
from comms_service.domain.notifications import Notification, check_notification, notification_id
from comms_service.domain.sms_text import parts
from comms_service.quotas import MESSAGES_PER_RECIPIENT, SMS_PARTS
from comms_service.store.channels import ChannelStore
from comms_service.store.messages import MessageStore
from comms_service.store.notifications import NotificationStore
from contracts import topics
from contracts.addresses import consent_key
from contracts.catalogue import MESSAGES
from contracts.envelope import Body, Envelope
from contracts.kit import telemetry, worker
from contracts.kit.broker import Subscription
from contracts.kit.clock import Clock
from contracts.kit.commands import CommandHandler, Commands
from contracts.kit.database import Connection
from contracts.kit.errors import RefusalError
from contracts.kit.quotas import check, refusal
from contracts.messages.comms import ChannelKind, Notify, RecordConsent, SendMessage
from contracts.messages.results import CANCELLED, CommandDone

DAY = timedelta(hours=24)
DELIVER: Mapping[ChannelKind, str] = {"email": "deliver_email", "sms": "deliver_sms"}
"""The kind of work per kind of message: each has workers of its own, so that one provider's outage delays no other."""


class Handlers:
    """One method per command."""

    def __init__(
        self,
        *,
        messages: MessageStore,
        channels: ChannelStore,
        notifications: NotificationStore,
        statuses: Statuses,
        consents: Consents,
        clock: Clock,
    ) -> None:
        self._consents = consents
        self._messages = messages
        self._channels = channels
        self._notifications = notifications
        self._statuses = statuses
        self._clock = clock

    async def send_message(self, command: Envelope[SendMessage], tx: Connection) -> None:
        """Records the message; a worker sends it, unless the address is opted out by then."""
        send, address = usable(command.data)
        message = plan_message(command.with_data(send), await self._channel(command, tx), address, self._clock())
        sent = await self._messages.count_to(tx, message.tenant, address, message.created_at - DAY)
        await check(tx, message.tenant, MESSAGES_PER_RECIPIENT, used=sent)
        if message.kind == "sms":
            await _refuse_long(tx, message)
        await self._messages.add(tx, replace(message, traceparent=telemetry.traceparent()))
        kind = DELIVER[message.kind]
        await worker.enqueue(tx, id=message.id, tenant=message.tenant, kind=kind, run_at=message.created_at)

    async def _channel(self, command: Envelope[SendMessage], tx: Connection) -> Channel:
        kind, code = command.data.kind, command.data.channel
        if code is None:
            channel = await self._channels.default(tx, command.tenant, kind)
            problem = f"there is no default channel of kind {kind}: PUT /v1/channels/{{code}} with default true"
        else:
            channel = await self._channels.find(tx, command.tenant, code)
            problem = f"there is no {kind} channel {code!r}: PUT /v1/channels/{{code}}, or name another one"
        if channel is None or channel.kind != kind:
            raise RefusalError(problem)
        if channel.archived:
            raise RefusalError(f"the channel {channel.code!r} is archived: name another one")
        return channel

    async def record_consent(self, command: Envelope[RecordConsent], tx: Connection) -> CommandDone:
        """Records it for each address, in the order of the addresses, so that no two commands wait for each other."""
        data = command.data
        for address in sorted({consent_key(address) for address in data.addresses}):
            stated = Consent(
                address=address,
                opted_out=data.opted_out,
                source=data.source,
                updated_by=data.by,
                updated_at=data.at,
            )
            await self._consents.record(tx, command.tenant, stated, command)
        return CommandDone(command_id=command.command_id)

    async def notify(self, command: Envelope[Notify], tx: Connection) -> CommandDone:
        """One inbox entry for each recipient."""
        try:
            check_notification(command.data)
        except UnusableError as error:
            raise RefusalError(str(error)) from error
        entries = [self._notification(command, employee) for employee in dict.fromkeys(command.data.recipients)]
        await self._notifications.add(tx, command.tenant, entries)
        ids = {str(entry.employee_id): str(entry.id) for entry in entries}
        return CommandDone(command_id=command.command_id, outputs={"notification_ids": dict(ids)})

    def _notification(self, command: Envelope[Notify], employee: UUID) -> Notification:
        return Notification(
            id=notification_id(command.tenant, command.command_id, employee),
            employee_id=employee,
            item_id=command.data.item_id,
            title=command.data.title,
            text=command.data.text,
            sender=command.data.sender,
            created_at=self._clock(),
            read_at=None,
        )

    async def cancel(self, tenant: UUID, command_id: UUID, tx: Connection) -> bool:
        """Cancels a message, but only when no attempt can have reached a provider.

        Otherwise the message is marked: if the attempt under way turns out to have reached nobody, the worker cancels.
        """
        message = await self._messages.lock_of_command(tx, tenant, command_id)
        if message is None or message.status != "queued":
            return False
        if await self._messages.may_be_out(tx, message) or not await worker.cancel(tx, tenant, message.id):
            await self._messages.ask_cancel(tx, message.id)
            return False
        return await self._statuses.step(tx, message, "cancelled", CANCELLED)


async def _refuse_long(tx: Connection, message: Message) -> None:
    count = parts(message.text)
    if reason := await refusal(tx, message.tenant, SMS_PARTS, adding=count, used=0):
        raise RefusalError(f"the SMS has {count} parts: shorten it ({reason})")


def usable(send: SendMessage) -> tuple[SendMessage, str]:
    """The message and its normalised address. Raises `RefusalError` with what is wrong with it."""
    try:
        return check_message(send), address_of(send)
    except UnusableError as error:
        raise RefusalError(str(error)) from error


def subscription(commands: Commands, handlers: Handlers) -> Subscription:
    """Each command of the topic goes to its method."""
    routes: dict[type[Body], CommandHandler] = {
        SendMessage: handlers.send_message,
        Notify: handlers.notify,
        RecordConsent: handlers.record_consent,
    }
    expected = MESSAGES[topics.COMMS_COMMANDS]
    return commands.subscription(topics.COMMS_COMMANDS, routes, expected=expected, cancel=handlers.cancel)
