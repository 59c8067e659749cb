"""The whole of a service on real servers: outbox to inbox, commands, leased work."""

from uuid import UUID

from contracts.envelope import Envelope
from contracts.kit import worker
from contracts.kit.broker import Subscription, each
from contracts.kit.commands import Commands
from contracts.kit.database import Connection
from contracts.kit.worker import Job, Task
from contracts.messages.results import CommandDone, FinalResult
from integration.kit.harness import (
    TENANT,
    NoteWritten,
    Site,
    WriteNote,
    add_note,
    eventually,
    note,
    order,
    running,
)


async def test_what_is_put_into_the_outbox_is_published_consumed_once_and_handled(site: Site) -> None:
    service = site.service()

    async def on_note_written(message: Envelope[NoteWritten], tx: Connection) -> None:
        await add_note(tx, message.tenant, message.data.text)

    service.consume(
        Subscription(topics=(site.events,), bodies=(NoteWritten,), handle=each({NoteWritten: on_note_written}))
    )
    async with running(service):
        async with service.database.transaction(TENANT) as tx:
            await service.outbox.put(tx, site.events, note("hello"), note("world"))
        await eventually(lambda: _has(site, ["hello", "world"]))
    assert await site.texts() == ["hello", "world"]
    assert await site.committed(site.events) == 2


async def test_a_command_becomes_leased_work_and_its_result(site: Site) -> None:
    service = site.service()
    commands = Commands(service=service.name, results=site.results, outbox=service.outbox, clock=service.clock)

    async def write_note(command: Envelope[WriteNote], tx: Connection) -> FinalResult | None:
        await worker.enqueue(tx, id=command.command_id, tenant=command.tenant, kind="write", run_at=service.clock())
        return None

    async def write(task: Task) -> None:
        async with service.database.transaction(task.tenant) as tx:
            if await task.complete(tx):
                await add_note(tx, task.tenant, "written")
                await commands.finish(tx, CommandDone(command_id=task.id, outputs={"length": 7}))

    async def give_up(_: Task, reason: str) -> None:
        raise AssertionError(reason)

    service.consume(commands.subscription(site.commands, {WriteNote: write_note}))
    service.work({"write": Job(write, give_up)})
    async with running(service):
        sent = order(WriteNote(text="written"))
        await site.publish(site.commands, sent)
        answer = (await eventually(site.answers))[0]
    assert answer.data == CommandDone(command_id=UUID(sent.id), outputs={"length": 7})
    assert (answer.issuer, answer.causation, answer.correlation) == ("test", sent.id, "a-correlation")
    assert await site.notes() == ["written"]


async def _has(site: Site, texts: list[str]) -> bool:
    return await site.notes() == texts
