"""Locks of items: who waits for one gets it in the transaction that frees it."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from contracts.kit.clock import Clock
from contracts.kit.commands import Commands
from contracts.kit.database import Connection
from contracts.messages.results import CANCELLED, CommandDone, CommandProgress, CommandRefused
from entity_service import store
from entity_service.domain.errors import ConflictError
from entity_service.domain.items import Item
from entity_service.domain.locks import Lock, granted_next, in_the_way
from entity_service.messages import Actor


class Locks:
    """Each method needs the item locked in the transaction."""

    def __init__(self, commands: Commands, clock: Clock) -> None:
        self._commands = commands
        self._clock = clock

    async def ask(self, tx: Connection, tenant: UUID, asked: Lock) -> Lock | None:
        """The lock as it holds the item; null: it waits, and its command is answered when its turn has come."""
        now = self._clock()
        await store.locks.delete_over(tx, tenant, asked.item_id, now)
        before = in_the_way(await store.locks.of_item(tx, tenant, asked.item_id, now), asked.run_id)
        if before is None:
            asked = asked.granted(now)
        else:
            await self._commands.progress(tx, tenant, CommandProgress(command_id=asked.id, state=f"waits for {before}"))
        await store.locks.add(tx, tenant, asked, now)
        return None if before else asked

    async def free(self, tx: Connection, tenant: UUID, item: UUID, id: UUID) -> bool:
        """Takes back a lock, and answers its command if that still waits; whether there was one."""
        was = await store.locks.delete(tx, tenant, id)
        await self._commands.finish(tx, tenant, CommandRefused(command_id=id, reason=CANCELLED))
        await self.hand_on(tx, tenant, item)
        return was

    async def hand_on(self, tx: Connection, tenant: UUID, item: UUID) -> None:
        """Takes back locks whose time is over; who waits and may hold the item now holds it."""
        now = self._clock()
        await store.locks.delete_over(tx, tenant, item, now)
        for lock in granted_next(await store.locks.of_item(tx, tenant, item, now)):
            held = lock.granted(now)
            await store.locks.grant(tx, tenant, held)
            await self._commands.finish(tx, tenant, CommandDone(command_id=held.id, outputs=outputs_of(held)))

    async def cancel(self, tenant: UUID, id: UUID, tx: Connection) -> bool:
        """A `LockItem` that waits does so no more; also one that waited for an item that was deleted meanwhile."""
        await store.locks.delete(tx, tenant, id)
        return True


async def check_unlocked(tx: Connection, items: Sequence[Item], actor: Actor, now: datetime, own: Item) -> None:
    """Raises `ConflictError` when another run holds one of the items that a rule on `own` changes; all are locked rows.

    People and what comes from outside are not kept out.
    """
    if actor.origin != "rule":
        return
    run = actor.cause.causation if actor.cause else None
    held = await store.locks.holders(tx, own.tenant_id, [one.id for one in items], now)
    for item in items:
        lock = held.get(item.id)
        if lock is not None and run != str(lock.run_id):
            which = "the item" if item.id == own.id else f"the {item.kind} {item.title!r} ({item.id})"
            until = "it can be changed again when that has unlocked it or ended"
            raise ConflictError(f"{which} is locked by {lock}: {until}")


def outputs_of(lock: Lock) -> dict[str, str | None]:
    return {"until": lock.until.isoformat() if lock.until else None}
