"""The one way a consent is recorded: by address, the latest word counts, and whoever mirrors it is told.

Words are ordered by when they were said. Who says something here knows what is recorded, and counts as speaking after
that, even if it was said by a clock that is ahead.
"""

from typing import Any
from uuid import UUID

from comms_service.domain import OptOut
from comms_service.messages import consent_changed
from comms_service.store.channels import ChannelStore
from contracts.envelope import Envelope
from contracts.kit.clock import Clock
from contracts.kit.database import Connection
from contracts.kit.outbox import Outbox
from contracts.topics import COMMS_EVENTS


class Consents:
    """Records who wants no messages."""

    def __init__(self, store: ChannelStore, outbox: Outbox, clock: Clock) -> None:
        self._store = store
        self._outbox = outbox
        self._clock = clock

    async def say(self, tx: Connection, tenant: UUID, said: OptOut) -> OptOut:
        """The new record of what somebody says now."""
        record = await self._store.put_opt_out(tx, tenant, said)
        await self._tell(tx, tenant, record)
        return record

    async def learn(self, tx: Connection, tenant: UUID, said: OptOut, cause: Envelope[Any]) -> None:
        """Records what was said elsewhere, unless what is known of the address was said as late or later."""
        record = await self._store.put_later_opt_out(tx, tenant, said)
        if record is not None:
            await self._tell(tx, tenant, record, cause)

    async def _tell(self, tx: Connection, tenant: UUID, record: OptOut, cause: Envelope[Any] | None = None) -> None:
        await self._outbox.put(tx, COMMS_EVENTS, consent_changed(tenant, record, self._clock(), cause))
