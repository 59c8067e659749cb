"""What a replay does: the effect of the message, once."""

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest

from contracts.envelope import Record
from contracts.kit.dead_letter.store import letters
from contracts.kit.inbox import keep_days
from contracts.messages.results import CommandFailed
from contracts.topics import Topic
from integration.kit.dead_letters.client import DeadLetterClient, letter_of, open_client
from integration.kit.harness import TENANT, Harness, WriteNote, note, order
from support.malformed_records import envelope

pytestmark = pytest.mark.usefixtures("topics")


@pytest.mark.invariant(7)
async def test_once_the_defect_is_mended_a_replay_has_the_effect_of_the_message_once(
    client: DeadLetterClient,
) -> None:
    await client.publish(note("one"), note("poison"), note("two"))
    await client.committed(3)
    (letter,) = await client.dead(1)
    client.defect.mend()
    replay = await client.replay(letter["id"], reason="mended in 1.2")
    assert replay["states"] == {"handled": 1}
    assert await client.harness.notes() == ["one", "two", "poison"]
    assert (await client.letters())[0]["state"] == "handled"
    again = await client.post("replays", ids=[letter["id"]])
    assert (again.status_code, again.json()["detail"]) == (
        409,
        f"dead letter {letter['id']} is handled since action {replay['id']}; "
        "only open ones can be replayed or discarded",
    )
    assert (await client.post("discards", ids=[letter["id"]], reason="late")).status_code == 409
    assert await client.harness.notes() == ["one", "two", "poison"]
    assert len(await client.harness.records(client.harness.events)) == 3  # nothing was published for other groups


async def test_what_is_poisonous_still_becomes_a_dead_letter_that_counts_its_replays(client: DeadLetterClient) -> None:
    await client.publish(note("poison"))
    (first,) = await client.dead(1)
    assert (await client.replay(first["id"]))["states"] == {"dead_again": 1}
    second, old = await client.letters()
    assert (await client.replay())["states"] == {"dead_again": 1}
    third = (await client.letters())[0]
    assert (old["id"], old["state"]) == (first["id"], "dead_again")
    assert [second["replays"], third["replays"]] == [1, 2]
    assert [second["replay_of"], third["replay_of"]] == [first["id"], second["id"]]
    assert third["detail"] == "this is a defect of the service (ValueError) when it was replayed"
    replays = [dict(record.headers).get("dlq-replays") for record in await client.harness.dead(client.harness.events)]
    assert replays == [None, b"1", b"2"]
    client.defect.mend()
    await client.replay(third["id"])
    assert await client.harness.notes() == ["poison"]


async def test_a_message_that_nobody_wants_any_more_is_passed_over(client: DeadLetterClient) -> None:
    unheard_of, unread = (b"k", b"{}", envelope(TENANT)), Topic("test.gone.v1", "nobody", ())
    async with client.service.database.delivery() as tx:
        await letters.add(tx, letter_of(client.harness.events, *unheard_of))
        await letters.add(tx, letter_of(unread, *unheard_of))
    assert (await client.replay())["states"] == {"passed_over": 1, "dead_again": 1}
    assert [letter["reason"] for letter in await client.letters(state="open")] == ["unread"]


@pytest.mark.invariant(7)
async def test_an_old_message_can_be_replayed_and_is_known_for_ever_after(client: DeadLetterClient) -> None:
    old = note("old", time=datetime.now(UTC) - timedelta(days=400))
    await client.publish(old, old, note("new"), old)
    await client.committed(4)
    await client.dead(3, reason="outside_inbox")
    assert await client.harness.notes() == ["new"]
    assert (await client.replay())["states"] == {"handled": 3}
    assert await client.harness.notes() == ["new", "old"]


async def test_a_message_of_the_future_stays_dead_until_its_day_has_come(client: DeadLetterClient) -> None:
    await client.publish(note("early", time=datetime.now(UTC) + timedelta(days=3)))
    await client.dead(1)
    assert (await client.replay())["states"] == {"dead_again": 1}
    assert (await client.letters())[0]["reason"] == "outside_inbox"


@pytest.mark.invariant(7)
async def test_replaying_dead_letters_in_any_order_changes_no_effect_that_is_there_already(
    client: DeadLetterClient,
) -> None:
    day_ago = datetime.now(UTC) - timedelta(days=1)
    messages = [note(f"poison {n}", item=str(n % 4), time=day_ago) for n in range(12)]
    client.defect.poison = frozenset(f"poison {n}" for n in range(12))
    await client.publish(*messages, *messages)
    ids = [letter["id"] for letter in await client.dead(24)]
    client.defect.mend()
    await client.publish(*messages[:6])
    await client.committed(30)
    assert sorted(await client.harness.notes()) == sorted(f"poison {n}" for n in range(6))
    random.Random(7).shuffle(ids)
    for id in ids:
        await client.replay(id)
    assert sorted(await client.harness.notes()) == sorted(f"poison {n}" for n in range(12))


async def test_what_leaves_the_inbox_stays_known_while_it_lies_among_the_dead_letters(
    harness: Harness, tmp_path: Path
) -> None:
    past = datetime.now(UTC) - timedelta(days=6)
    async with open_client(harness, tmp_path / "credentials") as client:
        await client.publish(note("poison", time=past, id=UUID(int=5)))
        await client.dead(1)
        client.defect.mend()
        await client.publish(note("poison", time=past, id=UUID(int=5)))
        await client.committed(2)
        await keep_days(client.service.database, 3)
    short = replace(harness, settings=harness.settings.model_copy(update={"inbox_days": 3}))
    async with open_client(short, tmp_path / "credentials") as client:
        client.defect.mend()
        assert (await client.replay())["states"] == {"handled": 1}
    assert await harness.notes() == ["poison"]


@pytest.mark.invariant(7)
async def test_replaying_the_dead_letter_of_a_command_publishes_its_stored_failure_again(
    harness: Harness, tmp_path: Path
) -> None:
    poison = order(WriteNote(text="poison"))
    garbled = Record.of(order(WriteNote(text="x")))
    garbled = Record(garbled.key, garbled.value, (*garbled.headers, ("ce_time", b"soon")))
    async with open_client(harness, tmp_path / "credentials", commands=True) as client:
        await harness.publish(harness.commands, poison, garbled)
        await harness.until_answers(2)
        await client.dead(2)
        client.defect.mend()
        assert (await client.replay())["states"] == {"handled": 1, "dead_again": 1}
        answers = await harness.until_answers(4)
    failed = CommandFailed(
        command_id=poison.command_id,
        reason="the command could not be used: it takes the database longer than a statement may take "
        "(QueryCanceledError)",
        retryable=False,
    )
    assert [answer.data for answer in answers if answer.causation == poison.id] == [failed, failed]
    assert len({answer.id for answer in answers}) == 2
    assert await harness.notes() == []
