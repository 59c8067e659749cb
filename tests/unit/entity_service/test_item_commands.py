"""Every command about an item goes through `@on_item`, so that no handler can forget lock, guard and loop."""

import pytest

from contracts import topics
from contracts.catalogue import MESSAGES
from contracts.kit.clock import new_id, utc_now
from contracts.kit.commands import Commands
from contracts.kit.outbox import Outbox
from contracts.messages.entity_commands import CreateTask, ItemCommand
from entity_service.application import make_changes
from entity_service.application.locks import Locks
from entity_service.handlers.commands import routes
from entity_service.handlers.on_item import on
from entity_service.messages import SERVICE

ITEM_COMMANDS = {body for body in MESSAGES[topics.ENTITY_COMMANDS] if issubclass(body, ItemCommand)}


def test_every_item_command_of_the_catalogue_has_a_handler_so_registered() -> None:
    changes = make_changes(Outbox(), utc_now, new_id, "http://localhost")
    commands = Commands(service=SERVICE, results=topics.ENTITY_RESULTS, outbox=Outbox(), clock=utc_now)

    assert routes(changes, Locks(commands, utc_now)).keys() >= ITEM_COMMANDS


def test_a_command_about_an_item_cannot_be_registered_without_its_item() -> None:
    with pytest.raises(TypeError, match="CreateTask is about an item: register its handler with @on_item"):
        on(CreateTask)
