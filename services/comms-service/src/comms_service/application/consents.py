"""The one way a consent is recorded: by address, the latest statement counts, and an event tells those who mirror it.

Statements are ordered by when they were made. A person who makes one here knows what is recorded, so theirs counts as
made after that, also when a clock that is ahead dated what is recorded.
"""

from typing import Any
from uuid import UUID

from comms_service.domain.consents import Consent
from comms_service.messages import consent_changed
from comms_service.store.consents import ConsentStore
from contracts.envelope import Envelope
from contracts.kit.clock import Clock
from contracts.kit.database import Connection
from contracts.kit.outbox import Outbox
from contracts.topics import COMMS_EVENTS


class Consents:
    """Records who wants no messages."""

    def __init__(self, store: ConsentStore, outbox: Outbox, clock: Clock) -> None:
        self._store = store
        self._outbox = outbox
        self._clock = clock

    async def put(self, tx: Connection, tenant: UUID, stated: Consent) -> Consent:
        """The new record of what a person states here and now."""
        record = await self._store.put(tx, tenant, stated)
        await self._publish(tx, tenant, record)
        return record

    async def record(self, tx: Connection, tenant: UUID, stated: Consent, cause: Envelope[Any]) -> None:
        """Records what was stated elsewhere, unless what is recorded of the address was stated as late or later."""
        record = await self._store.put_later(tx, tenant, stated)
        if record is not None:
            await self._publish(tx, tenant, record, cause)

    async def _publish(self, tx: Connection, tenant: UUID, record: Consent, cause: Envelope[Any] | None = None) -> None:
        await self._outbox.put(tx, COMMS_EVENTS, consent_changed(tenant, record, self._clock(), cause))
