"""`@on_item`: what every command about an item needs before its own handler runs, in one place.

The item's row is locked, the guard (`expect_entry_seq`), the lock of a workflow and the causepath are checked, the
actor is built. A handler cannot skip any of it, because it only gets the command together with its locked item.
"""

from collections.abc import Awaitable, Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from pydantic import JsonValue

from contracts.envelope import Body, Envelope
from contracts.kit import telemetry
from contracts.kit.commands import CommandHandler
from contracts.kit.database import Connection
from contracts.kit.errors import RefusalError
from contracts.loops import find_loop
from contracts.messages.entity_commands import EntityCommand, ItemCommand
from contracts.messages.results import CommandDone, CommandRefused, FinalResult
from entity_service import store
from entity_service.application.items import Items
from entity_service.application.locks import check_unlocked
from entity_service.domain.errors import AutomationStoppedError, EntityError, NotFoundError
from entity_service.domain.items import Item
from entity_service.messages import Actor

LEFT = "the item has left the stage"

type Outputs = Mapping[str, JsonValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Action[C: EntityCommand]:
    """A command, and the actor that its records name."""

    command: Envelope[C]
    actor: Actor

    @property
    def data(self) -> C:
        return self.command.data

    @property
    def tenant(self) -> UUID:
        return self.command.tenant


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemAction[C: ItemCommand](Action[C]):
    """A command about an item that is locked and still in the entry that the sender expects."""

    item: Item


@dataclass(frozen=True, slots=True)
class Registered:
    """A method that handles commands of one class; `bind` makes it the handler of an object of its class."""

    command: type[EntityCommand]
    bind: Callable[[Any, Items], CommandHandler]


def on[H, C: EntityCommand](
    command: type[C],
) -> Callable[[Callable[[H, Action[C], Connection], Awaitable[Outputs]]], Registered]:
    """Registers a method for a command that is about no item yet. It returns the command's outputs."""
    if issubclass(command, ItemCommand):
        raise TypeError(f"{command.__name__} is about an item: register its handler with @on_item")

    def register(method: Callable[[H, Action[C], Connection], Awaitable[Outputs]]) -> Registered:
        def bind(owner: H, _: Items) -> CommandHandler:
            async def handle(message: Envelope[C], tx: Connection) -> FinalResult:
                _check_causes(message)
                return _done(message, await method(owner, Action(command=message, actor=_actor(message)), tx))

            return _refusing(handle)

        return Registered(command, bind)

    return register


def on_item[H, C: ItemCommand](
    command: type[C], *, gone: Outputs | None = None, although_locked: bool = False
) -> Callable[[Callable[[H, ItemAction[C], Connection], Awaitable[Outputs | None]]], Registered]:
    """Registers a method for a command about an item. It returns the command's outputs; null: it is answered later.

    An item that does not exist refuses the command, unless `gone` says what is answered instead.
    """

    def register(method: Callable[[H, ItemAction[C], Connection], Awaitable[Outputs | None]]) -> Registered:
        def bind(owner: H, items: Items) -> CommandHandler:
            async def handle(message: Envelope[C], tx: Connection) -> FinalResult | None:
                item = await _lock(tx, message)
                if item is None and gone is not None:
                    return _done(message, gone)
                if item is None:
                    raise NotFoundError(f"item {message.data.item_id}")
                _check_entry(item, message.data.expect_entry_seq)
                action = ItemAction(command=message, actor=_actor(message), item=item)
                if not although_locked:
                    await check_unlocked(tx, [item], action.actor, items.clock(), item)
                try:
                    _check_causes(message)
                    outputs = await method(owner, action, tx)
                    return None if outputs is None else _done(message, outputs)
                except AutomationStoppedError as stopped:
                    return await _stop(tx, items, action, str(stopped))

            return _refusing(handle)

        return Registered(command, bind)

    return register


def handlers_of(owner: object, items: Items) -> dict[type[Body], CommandHandler]:
    """The handlers that the class of `owner` registers, by the class of their command."""
    return {one.command: one.bind(owner, items) for one in _registered(type(owner))}


def _registered(owner: type) -> Iterator[Registered]:
    return (one for one in vars(owner).values() if isinstance(one, Registered))


async def _lock(tx: Connection, message: Envelope[Any]) -> Item | None:
    telemetry.note(item_id=message.data.item_id)
    return await store.items.lock(tx, message.tenant, message.data.item_id)


def _check_entry(item: Item, expected: int | None) -> None:
    if expected is not None and item.entry_seq != expected:
        raise RefusalError(LEFT)


def _check_causes(message: Envelope[Any]) -> None:
    if loop := find_loop(message.causepath):
        raise AutomationStoppedError(loop)


def _actor(message: Envelope[Any]) -> Actor:
    return Actor(by=message.data.actor, origin=message.data.origin, cause=message)


async def _stop(tx: Connection, items: Items, action: ItemAction[Any], reason: str) -> CommandRefused:
    """Refuses with an answer and not with an error, so that the timeline keeps the reason."""
    await items.note(tx, action.item, "automation_stopped", reason, action.actor)
    return CommandRefused(command_id=action.command.command_id, reason=reason)


def _done(message: Envelope[Any], outputs: Outputs) -> CommandDone:
    return CommandDone(command_id=message.command_id, outputs=dict(outputs))


def _refusing(handle: Callable[[Envelope[Any], Connection], Awaitable[FinalResult | None]]) -> CommandHandler:
    """What the domain objects to becomes a refusal."""

    async def refusing(message: Envelope[Any], tx: Connection) -> FinalResult | None:
        try:
            return await handle(message, tx)
        except EntityError as error:
            raise RefusalError(str(error)) from error

    return refusing
