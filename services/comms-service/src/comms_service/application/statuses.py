"""The one way a message's status changes: forwards only, with history and event, in the caller's transaction."""

from datetime import datetime

import structlog
from prometheus_client import Counter

from comms_service.domain.messages import Message, is_further
from comms_service.messages import status_changed
from comms_service.store.messages import MessageStore
from contracts.kit.clock import Clock
from contracts.kit.database import Connection, after_commit
from contracts.kit.outbox import Outbox
from contracts.messages.comms import MessageStatus
from contracts.topics import COMMS_EVENTS

logger = structlog.get_logger(__name__)

MESSAGE_STATUSES = Counter("message_statuses_total", "Messages that came to a status", ["kind", "status"])


class Statuses:
    """Moves messages on. The caller holds the message's row."""

    def __init__(self, store: MessageStore, outbox: Outbox, clock: Clock) -> None:
        self._store = store
        self._outbox = outbox
        self._clock = clock

    async def step(
        self,
        tx: Connection,
        message: Message,
        status: MessageStatus,
        reason: str | None = None,
        at: datetime | None = None,
    ) -> bool:
        """False, and nothing done, when the message is as far already."""
        if not is_further(status, message.status):
            return False
        now = self._clock()
        await self._store.set_status(tx, message, status, reason, at or now)
        await self._outbox.put(tx, COMMS_EVENTS, status_changed(message, status, reason, at or now, now))
        after_commit(lambda: _report(message, status))
        return True


def _report(message: Message, status: MessageStatus) -> None:
    MESSAGE_STATUSES.labels(message.kind, status).inc()
    logger.info("message changed", message_id=message.id, kind=message.kind, status=status)
