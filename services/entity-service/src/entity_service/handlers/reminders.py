"""What rule-engine answers to waits: the moment of a reminder is here, or it does not wait for it."""

from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from contracts import topics
from contracts.envelope import Body, Envelope
from contracts.kit.broker import Subscription, each
from contracts.kit.database import Connection
from contracts.messages.results import CommandDone, CommandFailed, CommandRefused
from entity_service.application.reminders import Reminders
from entity_service.messages import SERVICE

logger = structlog.get_logger(__name__)


class Handlers:
    """One method per kind of result."""

    def __init__(self, reminders: Reminders) -> None:
        self._reminders = reminders

    async def on_done(self, message: Envelope[CommandDone], tx: Connection) -> None:
        await self._reminders.due(tx, message.tenant, message.data.command_id)

    async def on_not_done(self, message: Envelope[CommandRefused | CommandFailed], tx: Connection) -> None:
        """What was cancelled here is not wanted any more, and so is no error."""
        result = message.data
        if await self._reminders.not_due(tx, message.tenant, result.command_id):
            logger.error("a reminder will not come", command_id=result.command_id, reason=result.reason)


def subscription(handlers: Handlers) -> Subscription:
    """The results of this service's own commands to the engine."""
    routes: dict[type[Body], Callable[[Envelope[Any], Connection], Awaitable[None]]] = {
        CommandDone: handlers.on_done,
        CommandRefused: handlers.on_not_done,
        CommandFailed: handlers.on_not_done,
    }
    return Subscription(
        topics=(topics.RULE_RESULTS,),
        bodies=tuple(routes),
        handle=each(routes),
        wanted=lambda message: message.issuer == SERVICE,
    )
