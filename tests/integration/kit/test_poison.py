"""Values that no retry cures: they cost their own message or command at once, and nobody else anything."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

import pytest

from contracts.envelope import Body, Envelope
from contracts.kit import telemetry
from contracts.kit.broker import Subscription
from contracts.kit.client import ServiceRefusalError
from contracts.kit.commands import CommandHandler, Commands
from contracts.kit.database import Connection
from contracts.kit.dead_letter.letter import DeadLetter
from contracts.kit.service import Service
from contracts.messages.results import CommandDone, CommandFailed, FinalResult
from integration.kit.harness import OTHER_TENANT, Harness, NoteWritten, WriteNote, add_note, note, order, running
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("topics")


def nested(depth: int) -> int:
    return nested(depth - 1) if depth else 0


class Owner:
    """Writes notes; some texts make it stumble, each in its way."""

    def __init__(self, harness: Harness) -> None:
        self.service: Service = harness.service()
        self.attempts: list[str] = []
        commands = Commands(
            service=self.service.name, results=harness.results, outbox=self.service.outbox, clock=self.service.clock
        )
        routes: Mapping[type[Body], CommandHandler] = {WriteNote: self.write_note}
        self.service.consume(commands.subscription(harness.commands, routes, expected=(WriteNote,)))

    async def write_note(self, command: Envelope[WriteNote], tx: Connection) -> FinalResult:
        text = command.data.text
        self.attempts.append(text)
        await add_note(tx, command.tenant, text)
        match text:
            case "a defect":
                raise ValueError(f"here is {text}")
            case "deep":
                nested(100_000)
            case "long number":
                await tx.fetchval("SELECT $1::int", 2**40)
            case "contradiction":
                await tx.execute("INSERT INTO commands SELECT * FROM commands")
            case "unstorable output":
                return CommandDone(command_id=command.command_id, outputs={"text": "a\x00b"})
            case "large output":
                return CommandDone(command_id=command.command_id, outputs={"text": "x" * 2_000_000})
            case "race" if self.attempts.count("race") == 1:
                await tx.execute("INSERT INTO commands SELECT * FROM commands")
        return CommandDone(command_id=command.command_id)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("a\x00b", "text: contains a null character"),
        ("a defect", "this is a defect of the service (ValueError)"),
        ("deep", "it is nested too deeply (RecursionError)"),
        ("long number", "it has a value that cannot be stored (DataError)"),
        ("contradiction", "it contradicts what is stored (UniqueViolationError)"),
        ("unstorable output", "it has a value that cannot be stored (UntranslatableCharacterError)"),
        ("large output", "(PayloadTooLargeError)"),
    ],
)
async def test_a_command_that_its_data_makes_fail_is_answered_at_once_and_the_others_are_handled(
    harness: Harness, text: str, reason: str
) -> None:
    owner, poison = Owner(harness), order(WriteNote(text=text))
    before = poisoned()
    await harness.publish(harness.commands, order(WriteNote(text="one")), poison, order(WriteNote(text="two")))
    async with running(owner.service):
        answers = await harness.until_answers(3)
        await harness.publish(harness.commands, poison)
        answers = await harness.until_answers(4)
    assert await harness.notes() == ["one", "two"]
    answers_to_poison = [answer.data for answer in answers if answer.causation == poison.id]
    assert answers_to_poison[0] == answers_to_poison[1]
    assert isinstance(answers_to_poison[0], CommandFailed)
    assert (
        answers_to_poison[0].retryable,
        answers_to_poison[0].reason.startswith("the command cannot be handled: "),
    ) == (False, True)
    assert answers_to_poison[0].reason.endswith(reason)
    assert owner.attempts.count(text) == (2 if text == "contradiction" else 1)
    assert poisoned() == before + 1
    assert await harness.dead(harness.commands) == []


async def test_a_command_that_lost_a_race_is_handled_at_its_second_attempt(harness: Harness) -> None:
    owner = Owner(harness)
    await harness.publish(harness.commands, order(WriteNote(text="one")), order(WriteNote(text="race")))
    async with running(owner.service):
        answers = await harness.until_answers(2)
    assert [type(answer.data) for answer in answers] == [CommandDone, CommandDone]
    assert await harness.notes() == ["one", "race"]


@pytest.mark.invariant(10)
async def test_a_message_that_is_too_slow_for_the_database_is_put_aside_when_the_others_are_done(
    harness: Harness,
) -> None:
    handled: list[str] = []

    async def handle(messages: Sequence[Envelope[Any]], _: None, tx: Connection) -> None:
        await tx.execute("SET LOCAL statement_timeout = '50ms'")
        for message in messages:
            handled.append(message.data.text)
            await add_note(tx, message.tenant, message.data.text)
            if message.data.text == "slow":
                await tx.execute("SELECT pg_sleep(60)")

    service = harness.service()
    service.consume(Subscription(topics=(harness.events,), bodies=(NoteWritten,), handle=handle))
    texts = ["one", "slow", "behind it"]
    await harness.publish(harness.events, *(note(text) for text in texts), *(note(str(n), item="2") for n in range(5)))
    async with running(service):
        letters = await eventually(lambda: _letters(harness))
        await harness.until_committed(8)
    assert [(letter["reason"], letter["detail"]) for letter in letters] == [
        ("failed", "it takes the database longer than a statement may take (QueryCanceledError)")
    ]
    assert sorted(await harness.notes()) == ["0", "1", "2", "3", "4", "behind it", "one"]
    assert handled.count("slow") <= 4  # in the batch, then three times alone


async def test_what_another_service_refuses_to_tell_of_one_tenant_holds_up_no_other(harness: Harness) -> None:
    asked: list[int] = []

    async def prefetch(messages: Sequence[Envelope[Any]]) -> dict[UUID, str]:
        asked.append(len(messages))
        if any(message.tenant == OTHER_TENANT for message in messages):
            raise ServiceRefusalError("entity-service", 404, "GET /internal/schema")
        return {message.tenant: "known" for message in messages}

    async def handle(messages: Sequence[Envelope[Any]], fetched: dict[UUID, str], tx: Connection) -> None:
        for message in messages:
            await add_note(tx, message.tenant, f"{message.data.text} {fetched[message.tenant]}")

    service = harness.service()
    service.consume(Subscription(topics=(harness.events,), bodies=(NoteWritten,), handle=handle, prefetch=prefetch))
    await harness.publish(
        harness.events, note("one"), note("poison", tenant=OTHER_TENANT), *(note(str(n)) for n in range(9))
    )
    async with running(service):
        letters = await eventually(lambda: _letters(harness))
        await harness.until_committed(11)
    assert [(letter["tenant_id"], letter["detail"]) for letter in letters] == [
        (OTHER_TENANT, "entity-service answers 404 to GET /internal/schema (ServiceRefusalError)")
    ]
    assert await harness.notes() == ["one known", *(f"{n} known" for n in range(9))]
    assert await harness.notes(OTHER_TENANT) == []


async def test_a_replay_between_prefetch_and_handling_takes_nothing_from_a_live_message(harness: Harness) -> None:
    """What is fetched for one goes to its handling alone, though both share the handler."""

    class Handler:
        async def prefetch(self, messages: Sequence[Envelope[Any]]) -> dict[str, str]:
            if messages[0].data.text == "live":
                await processor.replay(DeadLetter.of(dead, "failed", "", service.clock()).record, settle)
            return {message.data.text: "fetched" for message in messages}

        async def handle(self, messages: Sequence[Envelope[Any]], fetched: dict[str, str], tx: Connection) -> None:
            for message in messages:
                await add_note(tx, message.tenant, f"{message.data.text}: {fetched.get(message.data.text, 'gone')}")

    async def settle(_: Connection) -> bool:
        return True

    handler, service = Handler(), harness.service()
    service.consume(
        Subscription(topics=(harness.events,), bodies=(NoteWritten,), handle=handler.handle, prefetch=handler.prefetch)
    )
    (processor,) = service._processors
    await harness.publish(harness.events, note("dead"))
    dead = (await harness.records(harness.events))[0]
    async with running(service):
        await harness.until_committed(1)
        dead = dead.__class__(**{**vars(dead), "headers": _another_id(dead.headers)})
        await harness.publish(harness.events, note("live"))
        await harness.until_committed(2)
    assert await harness.notes() == ["dead: fetched", "dead: fetched", "live: fetched"]


def _another_id(headers: Sequence[tuple[str, bytes]]) -> tuple[tuple[str, bytes], ...]:
    return tuple((name, b"another" if name == "ce_id" else value) for name, value in headers)


def poisoned() -> float:
    return float(telemetry.POISON_COMMANDS.labels(WriteNote.TYPE)._value.get())


async def _letters(harness: Harness) -> list[Any]:
    return await harness.sql("SELECT tenant_id, reason, detail FROM dead_letters")
