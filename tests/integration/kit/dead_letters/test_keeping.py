"""Dead letters on real servers: kept with all their bytes, found again, erased in time."""

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from aiokafka import ConsumerRecord

from contracts.envelope import Record
from contracts.kit.clock import utc_now
from contracts.kit.dead_letter.store import letters as letter_store
from contracts.kit.dead_letter.writer import erase_settled
from integration.kit.dead_letters.client import DeadLetterClient, open_client
from integration.kit.harness import OTHER_TENANT, TENANT, Harness, NoteWritten, note
from support.malformed_records import UNREADABLE, envelope, malformed_records, strew

pytestmark = pytest.mark.usefixtures("topics")


async def test_any_bytes_are_kept_whole_and_the_consumer_goes_on(client: DeadLetterClient) -> None:
    records = malformed_records(TENANT, NoteWritten.TYPE)
    kafka, topic = client.harness.settings.kafka_bootstrap, client.harness.events.name
    await strew(kafka, topic, 0, *records.values())
    await client.publish(note("after"))
    await client.committed(len(records) + 1)
    assert await client.harness.notes() == ["after"]
    kept = {letter["offset"]: letter["id"] for letter in await client.letters()}
    async with client.service.database.delivery() as tx:
        letters = [await letter_store.get(tx, UUID(kept[n])) for n in range(len(records))]
    shown = [letter and (letter.key, letter.value, [(n.decode(), v) for n, v in letter.headers]) for letter in letters]
    assert shown == [(key, value, headers) for key, value, headers in records.values()]


async def test_a_dead_letter_is_listed_without_its_bytes_and_shown_with_them(client: DeadLetterClient) -> None:
    raw = (b"\xff", b'{"text": 5}', envelope(TENANT, ce_type=NoteWritten.TYPE.encode(), odd=b"\xfe", none=None))
    await strew(client.harness.settings.kafka_bootstrap, client.harness.events.name, 2, raw)
    (listed,) = await client.dead(1)
    shown = await client.get(f"/dead-letters/{listed['id']}")
    assert {**listed, "put_aside_at": "", "id": ""} == {
        "id": "",
        "tenant": str(TENANT),
        "topic": client.harness.events.name,
        "partition": 2,
        "offset": 0,
        "source": "somebody",
        "message_id": "00000000-0000-7000-8000-0000000000f1",
        "type": "test.note.written.v1",
        "size": listed["size"],
        "complete": True,
        "reason": "invalid",
        "detail": "text: expected a text, not a number",
        "replays": 0,
        "replay_of": None,
        "put_aside_at": "",
        "state": "open",
        "action_id": None,
        "settled_at": None,
        "erased_at": None,
    }
    assert shown.items() >= listed.items()
    assert shown["key"] == {"text": None, "base64": "/w=="}
    assert shown["value"] == {"text": '{"text": 5}', "base64": None}
    headers = {header["name"]["text"]: header["value"] for header in shown["headers"]}
    assert headers["odd"] == {"text": None, "base64": "/g=="}
    assert headers["none"] == {"text": None, "base64": None}
    assert headers["ce_type"] == {"text": "test.note.written.v1", "base64": None}


async def test_dead_letters_are_found_by_topic_type_reason_state_and_time_in_pages(
    client: DeadLetterClient,
) -> None:
    await client.publish(note("poison"), Record(b"k", b"?", ()), note("poison", item="2"))
    letters = await client.dead(3)
    times = [letter["put_aside_at"] for letter in letters]
    assert times == sorted(times, reverse=True)
    assert len(await client.letters(reason="failed")) == 2
    assert len(await client.letters(reason="undecodable", topic=client.harness.events.name)) == 1
    assert len(await client.letters(type="test.note.written.v1", state="open")) == 2
    assert await client.letters(topic="another") == await client.letters(state="discarded") == []
    assert [one["id"] for one in await client.letters(since=times[1])] == [one["id"] for one in letters[:2]]
    assert [one["id"] for one in await client.letters(until=times[1])] == [letters[2]["id"]]
    first = await client.get("/dead-letters", limit=2)
    second = await client.get("/dead-letters", cursor=first["next_cursor"])
    assert first["items"] + second["items"] == letters
    assert second["next_cursor"] is None


async def test_dead_letters_of_one_tenant_or_of_none_are_found_and_chosen(client: DeadLetterClient) -> None:
    await client.publish(note("poison"), note("poison", tenant=OTHER_TENANT), Record(b"k", b"?", ()))
    ids = {letter["tenant"]: letter["id"] for letter in await client.dead(3)}
    for tenant in (str(TENANT), str(OTHER_TENANT), None):
        assert [one["id"] for one in await client.letters(tenant=tenant or "none")] == [ids[tenant]]
    for tenant in (str(OTHER_TENANT), "none"):
        discarded = await client.post("discards", filter={"tenant": tenant}, reason="noise")
        assert discarded.json()["letters"] == 1
    assert [one["id"] for one in await client.letters(state="open")] == [ids[str(TENANT)]]


async def test_dead_letters_are_the_platforms_alone(client: DeadLetterClient) -> None:
    await client.publish(note("poison"))
    (letter,) = await client.dead(1)
    of_people = {"authorization": f"Bearer {client.credentials.token(['admin'], TENANT, 'kim')}"}
    choice = {"ids": [letter["id"]], "reason": "mine"}
    async with client.http() as http:
        for path in ("/dead-letters", f"/dead-letters/{letter['id']}", "/dead-letter-actions"):
            assert (await http.get(path, headers=of_people)).status_code == 403
        for what in ("replays", "discards"):
            assert (await http.post(f"/dead-letters/{what}", json=choice, headers=of_people)).status_code == 403
        public = await http.get("http://probe/v1/dead-letters", headers=of_people)
    assert public.status_code == 404
    assert [one["state"] for one in await client.letters()] == ["open"]


@pytest.mark.invariant(1)
async def test_a_record_that_cannot_be_read_costs_no_message_of_another_partition(
    harness: Harness, tmp_path: Path
) -> None:
    texts = [str(n) for n in range(60)]
    for partition in (1, 2):
        await strew(harness.settings.kafka_bootstrap, harness.events.name, partition, UNREADABLE)
    await harness.publish(harness.events, *(note(text, item=text) for text in texts))
    async with open_client(harness, tmp_path / "credentials") as client:
        await client.committed(62)
        assert len(await client.letters()) == 2
    assert sorted(await harness.notes()) == sorted(texts)


@pytest.mark.invariant(10)
async def test_two_consumers_that_put_aside_what_is_too_large_at_one_moment_do_not_wait_for_ever(
    client: DeadLetterClient,
) -> None:
    letters, topic = client.service._dead_letters, client.harness.events.name

    def record(offset: int, size: int) -> ConsumerRecord[Any, Any]:
        return ConsumerRecord(topic, 0, offset, 0, 0, b"k", b"x" * size, None, 1, size, ())

    async with asyncio.timeout(60):
        await asyncio.gather(
            *(letters.put(record(n, 2_000_000 if n % 2 else 10), "undecodable", "?") for n in range(20))
        )
    assert len(await client.harness.dead(client.harness.events)) == 20


async def test_the_bytes_of_what_is_settled_are_erased_in_time_and_the_audit_stays(client: DeadLetterClient) -> None:
    await client.publish(note("poison"), note("poison", item="2"))
    settled, still_open = (letter["id"] for letter in await client.dead(2))
    await client.post("discards", ids=[settled], reason="noise")
    await erase_settled(client.service.database, utc_now() + timedelta(days=31))
    erased = await client.get(f"/dead-letters/{settled}")
    assert (erased["value"], erased["headers"], erased["complete"]) == ({"text": None, "base64": None}, [], False)
    assert (erased["state"], erased["reason"], erased["erased_at"] is not None) == ("discarded", "failed", True)
    assert (await client.get(f"/dead-letters/{still_open}"))["value"]["text"] == '{"text":"poison"}'
