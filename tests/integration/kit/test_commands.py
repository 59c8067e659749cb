"""Commands as their owner keeps them: handled once, answered as often as they come, cancelled in time or not."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID, uuid4

import pytest

from contracts.envelope import Body, Cause, Envelope
from contracts.kit import telemetry
from contracts.kit.commands import Cancel, CommandHandler, Commands, never_cancelled
from contracts.kit.database import Connection
from contracts.kit.errors import RefusalError, RoutesError
from contracts.kit.service import Service
from contracts.messages.results import (
    CANCELLED,
    CancelCommand,
    CommandDone,
    CommandProgress,
    CommandRefused,
    FinalResult,
    cancel_id,
    result_id,
)
from integration.kit.harness import OTHER_TENANT, TENANT, Harness, WriteNote, add_note, order, running
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("topics")


class Owner:
    """Obeys `WriteNote`: at once, or, for a text that begins with `later`, when somebody finishes it."""

    def __init__(self, harness: Harness) -> None:
        self.harness = harness
        self.service: Service = harness.service()
        self.commands = Commands(
            service=self.service.name,
            results=harness.results,
            outbox=self.service.outbox,
            clock=self.service.clock,
        )
        self.droppable = True
        self.cancelled: list[UUID] = []
        self._consume({WriteNote: self.write_note}, self.cancel)

    def _consume(self, routes: Mapping[type[Body], CommandHandler], cancel: Cancel) -> None:
        self.service.consume(
            self.commands.subscription(self.harness.commands, routes, expected=(WriteNote,), cancel=cancel)
        )

    async def write_note(self, command: Envelope[WriteNote], tx: Connection) -> FinalResult | None:
        if command.data.text.startswith("later"):
            return None
        await add_note(tx, command.tenant, command.data.text)
        if command.data.text == "forbidden":
            raise RefusalError("nobody may write that")
        return CommandDone(command_id=command.command_id, outputs={"count": 1})

    async def cancel(self, _: UUID, command_id: UUID, __: Connection) -> bool:
        self.cancelled.append(command_id)
        return self.droppable


@pytest.fixture
def owner(harness: Harness) -> Owner:
    return Owner(harness)


async def answers(harness: Harness, count: int) -> list[Envelope[Any]]:
    """The results in order, once there are so many."""

    async def look() -> list[Envelope[Any]]:
        found = await harness.answers()
        return found if len(found) >= count else []

    return await eventually(look)


def conflicts() -> float:
    """How often a command id was found under two tenants so far."""
    samples = [sample for metric in telemetry.COMMAND_ID_CONFLICTS.collect() for sample in metric.samples]
    return sum(sample.value for sample in samples if sample.name.endswith("_total"))


async def handled(harness: Harness, count: int) -> None:
    async def look() -> bool:
        return await harness.committed(harness.commands) == count

    await eventually(look)


def cancel(target: UUID, tenant: UUID = TENANT) -> Envelope[Body]:
    return order(CancelCommand(target=target), id=cancel_id(target), tenant=tenant)


@pytest.mark.invariant(2)
async def test_the_same_command_again_gets_its_stored_result_again_and_does_nothing_else(
    owner: Owner, harness: Harness
) -> None:
    sent = order(WriteNote(text="once"))
    async with running(owner.service):
        await harness.publish(harness.commands, sent, sent)
        await answers(harness, 2)
        await harness.sql("UPDATE commands SET received_at = received_at - interval '3 years'")
        await harness.publish(harness.commands, sent)
        results = await answers(harness, 3)
    assert await harness.notes() == ["once"]
    assert [(answer.id, answer.time, answer.data) for answer in results] == [
        (str(result_id(TENANT, sent.command_id, 0)), results[0].time, results[0].data)
    ] * 3
    assert results[0].data == CommandDone(command_id=sent.command_id, outputs={"count": 1})


async def test_a_result_goes_to_whoever_asked_with_all_that_the_command_carried(owner: Owner, harness: Harness) -> None:
    sent = order(WriteNote(text="once"), causepath=(Cause("a-rule", "an-item"),))
    async with running(owner.service):
        await harness.publish(harness.commands, sent)
        (answer,) = await answers(harness, 1)
    assert (answer.issuer, answer.correlation, answer.causation) == ("test", sent.correlation, sent.id)
    assert (answer.tenant, answer.key, answer.causepath) == (sent.tenant, sent.key, sent.causepath)
    assert answer.source == owner.service.name


async def test_a_refused_command_leaves_no_effect(owner: Owner, harness: Harness) -> None:
    sent = order(WriteNote(text="forbidden"))
    async with running(owner.service):
        await harness.publish(harness.commands, sent, order(WriteNote(text="allowed")))
        results = await answers(harness, 2)
    assert results[0].data == CommandRefused(command_id=sent.command_id, reason="nobody may write that")
    assert await harness.notes() == ["allowed"]


async def test_cancelling_an_unknown_command_refuses_it_and_the_late_original_does_nothing(
    owner: Owner, harness: Harness
) -> None:
    late = order(WriteNote(text="late"))
    async with running(owner.service):
        await harness.publish(harness.commands, cancel(late.command_id))
        await answers(harness, 1)
        await harness.publish(harness.commands, late)
        results = await answers(harness, 2)
    assert [(answer.id, answer.data) for answer in results] == [
        (
            str(result_id(TENANT, late.command_id, 0)),
            CommandRefused(command_id=late.command_id, reason=CANCELLED),
        )
    ] * 2
    assert await harness.notes() == []


async def test_cancelling_an_open_command_drops_its_work(owner: Owner, harness: Harness) -> None:
    sent = order(WriteNote(text="later"))
    async with running(owner.service):
        await harness.publish(harness.commands, sent, cancel(sent.command_id), cancel(sent.command_id))
        results = await answers(harness, 2)
    assert owner.cancelled == [sent.command_id]
    assert [answer.data for answer in results] == [CommandRefused(command_id=sent.command_id, reason=CANCELLED)] * 2


async def test_cancelling_a_command_whose_work_cannot_be_dropped_leaves_it_to_its_own_result(
    owner: Owner, harness: Harness
) -> None:
    owner.droppable = False
    sent = order(WriteNote(text="later"))
    async with running(owner.service):
        await harness.publish(harness.commands, sent, cancel(sent.command_id))
        await handled(harness, 2)
        async with owner.service.database.transaction(TENANT) as tx:
            assert await owner.commands.finish(tx, TENANT, CommandDone(command_id=sent.command_id))
        results = await answers(harness, 1)
    assert [answer.data for answer in results] == [CommandDone(command_id=sent.command_id)]


async def test_cancelling_a_command_that_is_done_tells_its_result_again(owner: Owner, harness: Harness) -> None:
    sent = order(WriteNote(text="done"))
    async with running(owner.service):
        await harness.publish(harness.commands, sent, cancel(sent.command_id))
        results = await answers(harness, 2)
    assert [answer.data for answer in results] == [results[0].data] * 2
    assert isinstance(results[0].data, CommandDone)
    assert owner.cancelled == []


async def test_a_tenant_can_neither_cancel_nor_hear_of_the_commands_of_another(owner: Owner, harness: Harness) -> None:
    open_, done = order(WriteNote(text="later")), order(WriteNote(text="done"))
    alarms = conflicts()
    async with running(owner.service):
        await harness.publish(harness.commands, open_, done)
        await answers(harness, 1)
        assert conflicts() == alarms
        foreign = order(WriteNote(text="mine"), id=done.command_id, tenant=OTHER_TENANT)
        await harness.publish(
            harness.commands, cancel(open_.command_id, OTHER_TENANT), foreign, order(WriteNote(text="last"))
        )
        await handled(harness, 5)
        results = await answers(harness, 4)
    assert owner.cancelled == []
    assert (await harness.notes(), await harness.notes(OTHER_TENANT)) == (["done", "last"], ["mine"])
    assert sorted(answer.tenant for answer in results if answer.causation == done.id) == [TENANT, OTHER_TENANT]
    assert len({answer.id for answer in results}) == 4
    assert conflicts() == alarms + 2
    assert [(answer.tenant, answer.data) for answer in results if answer.causation == open_.id] == [
        (OTHER_TENANT, CommandRefused(command_id=open_.command_id, reason=CANCELLED))
    ]


async def test_a_forged_command_that_comes_first_does_not_swallow_the_real_one(owner: Owner, harness: Harness) -> None:
    real = order(WriteNote(text="real"))
    forged = order(WriteNote(text="forged"), id=real.command_id, tenant=OTHER_TENANT)
    alarms = conflicts()
    async with running(owner.service):
        await harness.publish(harness.commands, forged)
        await answers(harness, 1)
        await harness.publish(harness.commands, real, real)
        results = await answers(harness, 3)
    assert (await harness.notes(), await harness.notes(OTHER_TENANT)) == (["real"], ["forged"])
    assert sorted(answer.tenant for answer in results) == [TENANT, TENANT, OTHER_TENANT]
    assert conflicts() == alarms + 1


async def test_an_owner_that_would_not_handle_the_commands_of_its_topic_does_not_start(
    owner: Owner, harness: Harness
) -> None:
    subscription = owner.commands.subscription
    with pytest.raises(RoutesError, match=r"no handler for \['WriteNote'\]"):
        subscription(harness.commands, {}, expected=(WriteNote, CancelCommand))
    with pytest.raises(RoutesError, match=r"handlers for \['WriteNote'\]"):
        subscription(harness.commands, {WriteNote: handle_nothing}, expected=(CancelCommand,))


async def handle_nothing(_: Envelope[Any], __: Connection) -> None:
    return None


async def test_progress_comes_before_the_final_result_and_none_after_it(owner: Owner, harness: Harness) -> None:
    sent = order(WriteNote(text="later"))
    async with running(owner.service):
        await harness.publish(harness.commands, sent)
        await handled(harness, 1)
        async with owner.service.database.transaction(TENANT) as tx:
            await owner.commands.progress(tx, TENANT, CommandProgress(command_id=sent.command_id, state="waiting"))
            await owner.commands.progress(tx, TENANT, CommandProgress(command_id=sent.command_id, state="asking"))
            assert await owner.commands.finish(tx, TENANT, CommandDone(command_id=sent.command_id))
            assert not await owner.commands.finish(
                tx, TENANT, CommandRefused(command_id=sent.command_id, reason="too late")
            )
            await owner.commands.progress(
                tx, TENANT, CommandProgress(command_id=sent.command_id, state="never published")
            )
        results = await answers(harness, 3)
    assert [answer.id for answer in results] == [str(result_id(TENANT, sent.command_id, n)) for n in range(3)]
    assert [type(answer.data) for answer in results] == [CommandProgress, CommandProgress, CommandDone]


async def test_finishing_a_command_nobody_knows_does_nothing(owner: Owner, harness: Harness) -> None:
    async with running(owner.service), owner.service.database.transaction(TENANT) as tx:
        assert not await owner.commands.finish(tx, TENANT, CommandDone(command_id=uuid4()))
    assert await harness.sql("SELECT FROM outbox") == []


async def test_an_owner_without_recorded_work_never_drops(harness: Harness) -> None:
    assert not await never_cancelled(uuid4(), uuid4(), None)  # type: ignore[arg-type]
