"""Items that a workflow has locked."""

from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4

import pytest

import entity_service
from contracts.envelope import Envelope
from contracts.kit.clock import utc_now
from contracts.kit.commands import Commands
from contracts.kit.database import Database
from contracts.kit.outbox import Outbox
from contracts.messages.entity_commands import ItemCommand, LockItem, UnlockItem
from contracts.messages.link_commands import DeleteLinkedItems, LinkItems, UpdateLinkedItems
from contracts.messages.product_commands import CopyProducts, MoveProducts
from contracts.messages.results import CANCELLED, CommandDone, CommandProgress, CommandRefused
from contracts.topics import ENTITY_RESULTS
from entity_service.application.locks import Locks
from entity_service.domain.locks import LONGEST
from entity_service.jobs import Unlocking
from entity_service.messages import SERVICE
from entity_service.settings import Settings
from integration.entity_service.harness import Harness, Tenant
from integration.entity_service.test_commands import ITEM_COMMANDS, about
from support.messages import cancellation
from support.waiting import eventually

MINE, OTHER = uuid4(), uuid4()


def lock(item: dict[str, Any], run: UUID = MINE, workflow: str = "discount") -> LockItem:
    return LockItem(item_id=UUID(item["id"]), run_id=run, workflow=workflow, actor=f"workflow:{workflow}")


def unlock(item: dict[str, Any], lock_id: UUID) -> UnlockItem:
    return UnlockItem(item_id=UUID(item["id"]), lock_id=lock_id, actor="workflow:discount")


async def locked(shop: Tenant, item: dict[str, Any], run: UUID = MINE) -> UUID:
    """Locks an item; the id of the lock."""
    order = shop.order(lock(item, run), causation=str(run))
    await shop.harness.send(order)
    (answer,) = await shop.results(order.command_id)
    assert isinstance(answer, CommandDone)
    return order.command_id


async def waiting(shop: Tenant, item: dict[str, Any], run: UUID) -> Envelope[Any]:
    """Asks for a lock that another run holds; the command, once it waits."""
    order = shop.order(lock(item, run, "delivery"), causation=str(run))
    await shop.harness.send(order)
    await eventually(lambda: _progress(shop, order))
    return order


async def _progress(shop: Tenant, order: Envelope[Any]) -> list[CommandProgress]:
    heard = shop.harness.kafka_probe.answers(order.command_id)
    return [one.data for one in heard if isinstance(one.data, CommandProgress)]


async def holder(shop: Tenant, item: dict[str, Any]) -> str | None:
    found = (await shop.get(f"/v1/items/{item['id']}"))["lock"]
    return str(found["run_id"]) if found else None


CHANGES = [one for one in ITEM_COMMANDS if one not in (LockItem, UnlockItem)]


@pytest.mark.parametrize("command", CHANGES)
async def test_other_automation_is_refused_by_name_and_the_run_itself_is_not(
    shop: Tenant, command: type[ItemCommand]
) -> None:
    item = await shop.deal()
    await locked(shop, item)

    for causation in (str(OTHER), None):
        reason = await shop.refused(about(item, command), causation=causation)
        assert "locked by workflow 'discount'" in reason
        assert str(MINE) in reason
    answer = await shop.handle(about(item, command), causation=str(MINE))
    assert isinstance(answer, CommandDone) or "locked" not in answer.reason


@pytest.mark.parametrize(
    ("command", "more"),
    [
        (UpdateLinkedItems, {"assignments": [{"field": "title", "value": "Elm"}]}),
        (DeleteLinkedItems, {}),
        (CopyProducts, {}),
        (MoveProducts, {}),
    ],
)
async def test_other_automation_changes_it_from_no_other_item_either(
    shop: Tenant, command: type[ItemCommand], more: dict[str, Any]
) -> None:
    item, free, near = [await shop.deal(title=title) for title in ("Oak", "Ash", "Near")]
    for one in (free, item):
        await shop.done(about(near, LinkItems, other_id=one["id"]))
    row = {"name": "Table", "quantity": "1", "price": 100}
    await shop.put(f"/v1/items/{near['id']}/products", {"rows": [row], "currency": "EUR"})
    await locked(shop, item)
    by_link = {"link": "related", "which": "all", "other_id": None}
    meant = by_link if "which" in command.model_fields else {"link": None, "other_id": item["id"]}
    wanted = about(near, command, **meant, **more)

    reason = await shop.refused(wanted, causation=str(OTHER))
    assert f"the deal 'Oak' ({item['id']}) is locked by workflow 'discount'" in reason
    assert [(await shop.get(f"/v1/items/{one['id']}"))["version"] for one in (free, item)] == [1, 1]
    await shop.done(wanted, causation=str(MINE))


async def test_people_and_what_comes_from_outside_are_not_kept_out(shop: Tenant) -> None:
    item = await shop.deal()
    await locked(shop, item)

    assert (await shop.patch(f"/v1/items/{item['id']}", {"title": "Elm"}))["title"] == "Elm"
    moved = about(item, CHANGES[0], origin="trigger")
    assert (await shop.done(moved))["verdict"] == "moved"


async def test_the_item_says_who_has_locked_it_and_since_when(shop: Tenant) -> None:
    item = await shop.deal()
    id = await locked(shop, item)

    found = (await shop.get(f"/v1/items/{item['id']}"))["lock"]
    assert (found["run_id"], found["workflow"]) == (str(MINE), "discount")
    assert found["since"] < found["until"]

    assert await shop.done(unlock(item, id)) == {"unlocked": True}
    assert await holder(shop, item) is None
    assert await shop.done(unlock(item, id)) == {"unlocked": False}
    await shop.done(about(item, CHANGES[0]), causation=str(OTHER))


async def test_who_waits_holds_it_when_it_is_unlocked_in_the_order_of_asking(shop: Tenant) -> None:
    item, third = await shop.deal(), uuid4()
    first = await locked(shop, item)
    second, last = await waiting(shop, item, OTHER), await waiting(shop, item, third)
    (said,) = await _progress(shop, second)
    assert said.state.startswith("waits for workflow 'discount'")

    await shop.done(unlock(item, first))
    assert isinstance((await shop.results(second.command_id))[0], CommandDone)
    assert await holder(shop, item) == str(OTHER)
    await shop.done(unlock(item, second.command_id))
    assert isinstance((await shop.results(last.command_id))[0], CommandDone)
    assert await holder(shop, item) == str(third)


async def test_a_run_may_lock_it_twice_and_holds_it_until_both_are_taken_back(shop: Tenant) -> None:
    item = await shop.deal()
    first, second = await locked(shop, item), await locked(shop, item)

    await shop.done(unlock(item, first))
    assert await holder(shop, item) == str(MINE)
    await shop.done(unlock(item, second))
    assert await holder(shop, item) is None


async def test_one_that_waits_can_be_cancelled_and_never_holds_it(shop: Tenant) -> None:
    item = await shop.deal()
    first, order = await locked(shop, item), await waiting(shop, item, OTHER)

    await shop.harness.send(cancellation(order.command_id, shop.id, UUID(item["id"])))
    (answer,) = await shop.results(order.command_id)
    assert answer == CommandRefused(command_id=order.command_id, reason=CANCELLED)
    await shop.done(unlock(item, first))
    assert await holder(shop, item) is None


async def test_a_lock_whose_cancellation_comes_too_late_holds(shop: Tenant) -> None:
    item = await shop.deal()
    id = await locked(shop, item)

    await shop.harness.send(cancellation(id, shop.id, UUID(item["id"])))
    assert isinstance((await shop.results(id, 2))[1], CommandDone)
    assert await holder(shop, item) == str(MINE)


@pytest.mark.invariant(2)
async def test_a_repeated_command_neither_locks_twice_nor_again(shop: Tenant) -> None:
    item = await shop.deal()
    order = shop.order(lock(item), causation=str(MINE))
    await shop.harness.send(order, order)
    await shop.results(order.command_id, 2)

    await shop.done(unlock(item, order.command_id))
    await shop.harness.send(order)
    await shop.results(order.command_id, 3)
    assert await holder(shop, item) is None


async def test_a_deleted_item_leaves_nobody_waiting(shop: Tenant) -> None:
    item = await shop.deal()
    id, order = await locked(shop, item), await waiting(shop, item, OTHER)
    await shop.ask("DELETE", f"/v1/items/{item['id']}")

    await shop.harness.send(cancellation(order.command_id, shop.id, UUID(item["id"])))
    assert isinstance((await shop.results(order.command_id))[0], CommandRefused)
    assert await shop.done(unlock(item, id)) == {"unlocked": False}


async def test_a_lock_that_nobody_takes_back_ends_and_the_next_one_holds_it(harness: Harness, shop: Tenant) -> None:
    item = await shop.deal()
    id = await locked(shop, item)
    await harness.service_environment.sql(
        "UPDATE item_locks SET since = since - $2::interval, until = until - $2::interval WHERE id = $1", id, LONGEST
    )
    assert await holder(shop, item) is None
    await shop.done(about(item, CHANGES[0]), causation=str(OTHER))
    await locked(shop, item, OTHER)
    assert await holder(shop, item) == str(OTHER)


async def test_who_waits_for_a_lock_that_ends_so_holds_it_soon(harness: Harness, shop: Tenant) -> None:
    item = await shop.deal()
    id, order = await locked(shop, item), await waiting(shop, item, OTHER)
    await harness.service_environment.sql(
        "UPDATE item_locks SET since = since - $2::interval, until = until - $2::interval WHERE id = $1",
        id,
        LONGEST + timedelta(seconds=1),
    )
    await unlock_in(harness)
    assert isinstance((await shop.results(order.command_id))[0], CommandDone)
    assert await holder(shop, item) == str(OTHER)


async def unlock_in(harness: Harness) -> None:
    """What the service does every minute."""
    database = Database(await harness.service_environment.settle(entity_service, Settings), service="entity-service")
    await database.open()
    commands = Commands(service=SERVICE, results=ENTITY_RESULTS, outbox=Outbox(), clock=utc_now)
    await Unlocking(database, Locks(commands, utc_now), utc_now).once()
    await database.close()
