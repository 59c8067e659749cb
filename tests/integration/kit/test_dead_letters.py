"""Dead letters on real servers: kept with all their bytes, seen by whom they concern, replayed, discarded, audited."""

import asyncio
import json
import random
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest
from aiokafka import ConsumerRecord
from typer.testing import CliRunner

from contracts.envelope import Body, Envelope, Record
from contracts.kit.broker import Subscription, each
from contracts.kit.clock import new_id, utc_now
from contracts.kit.commands import Commands
from contracts.kit.database import Connection
from contracts.kit.dead_letter import store
from contracts.kit.dead_letter.letter import NOBODY, DeadLetter, Order, Scope, Selection
from contracts.kit.dead_letter.writer import erase_settled
from contracts.kit.inbox import keep_days
from contracts.kit.service import Service
from contracts.messages.results import CommandDone, CommandFailed, FinalResult
from contracts.topics import Topic
from integration.kit.dying_probe import DYING, DYING_AGAIN, REPLAYING
from integration.kit.harness import OTHER_TENANT, TENANT, Harness, NoteWritten, WriteNote, add_note, note, order, ports
from local_stack import dlq
from local_stack.addresses import Addresses
from local_stack.credentials import AUDIENCE, ISSUER, Credentials
from local_stack.ports import HOST
from support.malformed_records import UNREADABLE, envelope, malformed_records, strew
from support.processes import Program
from support.serving import ServiceTransport, serving_service
from support.waiting import eventually

type Json = dict[str, Any]


@dataclass
class Defect:
    """A defect of the handler: it fails for the texts in `poison`, until it is mended."""

    poison: frozenset[str] = frozenset({"poison"})

    def mend(self) -> None:
        self.poison = frozenset()

    async def write_down(self, message: Envelope[NoteWritten], tx: Connection) -> None:
        await add_note(tx, message.tenant, message.data.text)
        if message.data.text in self.poison:
            raise ValueError("a defect")


@dataclass(frozen=True)
class DeadLetterClient:
    """A running probe, and people who look after its dead letters."""

    harness: Harness
    service: Service
    app: Any
    credentials: Credentials
    defect: Defect

    def caller(self, role: str = "operator", tenant: UUID = TENANT, sub: str = "olga") -> httpx.AsyncClient:
        platform = role == "platform"
        token = self.credentials.platform_token(sub) if platform else self.credentials.token([role], tenant, sub)
        headers = {"authorization": f"Bearer {token}"}
        transport = ServiceTransport(self.app, self.service.settings)
        return httpx.AsyncClient(transport=transport, base_url="http://probe", headers=headers)

    async def ask(self, path: str, *, role: str = "operator", tenant: UUID = TENANT, **more: Any) -> Any:
        """What an operator, or with the role `platform` the platform, is answered."""
        async with self.caller(role, tenant) as caller:
            answer = await caller.get(path, **more)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def letters(self, **filters: str) -> list[Json]:
        found: list[Json] = (await self.ask("/internal/dead-letters", role="platform", params=filters))["items"]
        return found

    async def dead(self, count: int, **filters: str) -> list[Json]:
        """Waits until there are so many."""

        async def look() -> list[Json]:
            found = await self.letters(**filters)
            return found if len(found) == count else []

        return await eventually(look, f"{count} dead letters")

    async def order(
        self, what: str, role: str = "operator", tenant: UUID = TENANT, headers: Json | None = None, **body: Any
    ) -> httpx.Response:
        """`replays` or `discards`."""
        prefix = "/internal" if role == "platform" else "/v1"
        async with self.caller(role, tenant) as caller:
            return await caller.post(f"{prefix}/dead-letters/{what}", json=body, headers=headers)

    async def replay(self, *ids: str, **body: Any) -> Json:
        """Of the platform; waits until it is finished."""
        choice: Json = {"ids": list(ids)} if ids else {"filter": {}}
        answer = await self.order("replays", role="platform", **{"per_second": 1000, **choice, **body})
        assert answer.status_code == 201, answer.text

        async def look() -> Json:
            found: Json = await self.ask(f"/internal/dead-letter-orders/{answer.json()['id']}", role="platform")
            return found if found["finished_at"] else {}

        return await eventually(look, "the end of the replay")

    async def publish(self, *messages: Envelope[Body] | Record) -> None:
        await self.harness.publish(self.harness.events, *messages)

    async def committed(self, count: int) -> None:
        async def look() -> bool:
            return await self.harness.committed(self.harness.events) == count

        await eventually(look, f"offset {count}")


def make_desk(harness: Harness, folder: Path, *, commands: bool = False) -> DeadLetterClient:
    credentials = Credentials(folder)
    credentials.prepare([])
    service = harness.service(auth_jwks_file=credentials.jwks_file, auth_issuer=ISSUER, auth_audience=AUDIENCE)
    defect = Defect()
    service.consume(
        Subscription(topics=(harness.events,), bodies=(NoteWritten,), handle=each({NoteWritten: defect.write_down}))
    )
    if commands:
        service.consume(handling(harness, service, defect))
    return DeadLetterClient(harness, service, service.app("probe", []), credentials, defect)


@asynccontextmanager
async def open_desk(harness: Harness, folder: Path, *, commands: bool = False) -> AsyncGenerator[DeadLetterClient]:
    desk = make_desk(harness, folder, commands=commands)
    async with desk.app.router.lifespan_context(desk.app):
        yield desk


def handling(harness: Harness, service: Service, defect: Defect) -> Subscription:
    commands = Commands(service=service.name, results=harness.results, outbox=service.outbox, clock=service.clock)

    async def write_note(command: Envelope[WriteNote], tx: Connection) -> FinalResult | None:
        await add_note(tx, command.tenant, command.data.text)
        if command.data.text in defect.poison:
            await tx.execute("SET LOCAL statement_timeout = '20ms'")
            await tx.execute("SELECT pg_sleep(10)")
        return CommandDone(command_id=command.command_id)

    return commands.subscription(harness.commands, {WriteNote: write_note}, expected=(WriteNote,))


@pytest.fixture
async def desk(harness: Harness, tmp_path: Path) -> AsyncGenerator[DeadLetterClient]:
    async with open_desk(harness, tmp_path / "credentials") as opened:
        yield opened


async def test_any_bytes_are_kept_whole_and_the_consumer_goes_on(desk: DeadLetterClient) -> None:
    records = malformed_records(TENANT, NoteWritten.TYPE)
    kafka, topic = desk.harness.settings.kafka_bootstrap, desk.harness.events.name
    await strew(kafka, topic, 0, *records.values())
    await desk.publish(note("after"))
    await desk.committed(len(records) + 1)
    assert await desk.harness.notes() == ["after"]
    kept = {letter["offset"]: letter["id"] for letter in await desk.letters()}
    async with desk.service.database.delivery() as tx:
        letters = [await store.get(tx, Scope(everybody=True), UUID(kept[n])) for n in range(len(records))]
    shown = [letter and (letter.key, letter.value, [(n.decode(), v) for n, v in letter.headers]) for letter in letters]
    assert shown == [(key, value, headers) for key, value, headers in records.values()]


async def test_a_dead_letter_is_listed_without_its_bytes_and_shown_with_them(desk: DeadLetterClient) -> None:
    raw = (b"\xff", b'{"text": 5}', envelope(TENANT, ce_type=NoteWritten.TYPE.encode(), odd=b"\xfe", none=None))
    await strew(desk.harness.settings.kafka_bootstrap, desk.harness.events.name, 3, raw)
    (listed,) = await desk.dead(1)
    shown = await desk.ask(f"/v1/dead-letters/{listed['id']}")
    assert {**listed, "put_aside_at": "", "id": ""} == {
        "id": "",
        "tenant": str(TENANT),
        "topic": desk.harness.events.name,
        "partition": 3,
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
        "order_id": None,
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


async def test_dead_letters_are_found_by_topic_type_reason_state_and_time_page_by_page(desk: DeadLetterClient) -> None:
    await desk.publish(note("poison"), Record(b"k", b"?", ()), note("poison", item="2"))
    letters = await desk.dead(3)
    times = [letter["put_aside_at"] for letter in letters]
    assert times == sorted(times, reverse=True)
    assert len(await desk.letters(reason="failed")) == 2
    assert len(await desk.letters(reason="undecodable", topic=desk.harness.events.name)) == 1
    assert len(await desk.letters(type="test.note.written.v1", state="open")) == 2
    assert await desk.letters(topic="another") == await desk.letters(state="discarded") == []
    assert [one["id"] for one in await desk.letters(since=times[1])] == [one["id"] for one in letters[:2]]
    assert [one["id"] for one in await desk.letters(until=times[1])] == [letters[2]["id"]]
    first = await desk.ask("/internal/dead-letters", role="platform", params={"limit": 2})
    second = await desk.ask("/internal/dead-letters", role="platform", params={"cursor": first["next_cursor"]})
    assert first["items"] + second["items"] == letters
    assert second["next_cursor"] is None


async def test_operators_have_their_tenants_dead_letters_and_the_platform_has_all(desk: DeadLetterClient) -> None:
    await desk.publish(note("poison"), note("poison", tenant=OTHER_TENANT), Record(b"k", b"?", ()))
    by_tenant = {letter["tenant"]: letter["id"] for letter in await desk.dead(3)}
    foreign, nobodys = by_tenant[str(OTHER_TENANT)], by_tenant[None]
    assert [one["id"] for one in (await desk.ask("/v1/dead-letters"))["items"]] == [by_tenant[str(TENANT)]]
    assert [one["id"] for one in await desk.letters(tenant="none")] == [nobodys]
    assert [one["id"] for one in await desk.letters(tenant=str(OTHER_TENANT))] == [foreign]
    for id in (foreign, nobodys, str(uuid4())):
        async with desk.caller() as caller:
            assert (await caller.get(f"/v1/dead-letters/{id}")).status_code == 404
        assert (await desk.order("replays", ids=[id])).status_code == 404
        assert (await desk.order("discards", ids=[id], reason="?")).status_code == 404
    assert (await desk.order("discards", filter={}, reason="mine")).json()["letters"] == 1
    assert len(await desk.letters(state="open")) == 2
    assert (await desk.order("replays", role="author", filter={})).status_code == 403
    async with desk.caller("operator") as caller:
        assert (await caller.get("/internal/dead-letters")).status_code == 403


@pytest.mark.invariant(7)
async def test_once_the_defect_is_mended_a_replay_does_what_the_message_asked_for_once(desk: DeadLetterClient) -> None:
    await desk.publish(note("one"), note("poison"), note("two"))
    await desk.committed(3)
    (letter,) = await desk.dead(1)
    desk.defect.mend()
    ordered = await desk.replay(letter["id"], reason="mended in 1.2")
    assert ordered["states"] == {"handled": 1}
    assert await desk.harness.notes() == ["one", "two", "poison"]
    assert (await desk.letters())[0]["state"] == "handled"
    again = await desk.order("replays", role="platform", ids=[letter["id"]])
    assert (again.status_code, again.json()["detail"]) == (
        409,
        f"dead letter {letter['id']} is handled since order {ordered['id']}; only open ones can be ordered about",
    )
    assert (await desk.order("discards", role="platform", ids=[letter["id"]], reason="late")).status_code == 409
    assert await desk.harness.notes() == ["one", "two", "poison"]
    assert len(await desk.harness.records(desk.harness.events.name)) == 3  # other groups heard nothing of it


async def test_what_is_poisonous_still_becomes_a_dead_letter_that_counts_its_replays(desk: DeadLetterClient) -> None:
    await desk.publish(note("poison"))
    (first,) = await desk.dead(1)
    assert (await desk.replay(first["id"]))["states"] == {"dead_again": 1}
    second, old = await desk.letters()
    assert (await desk.replay())["states"] == {"dead_again": 1}
    third = (await desk.letters())[0]
    assert (old["id"], old["state"]) == (first["id"], "dead_again")
    assert [second["replays"], third["replays"]] == [1, 2]
    assert [second["replay_of"], third["replay_of"]] == [first["id"], second["id"]]
    assert third["detail"] == "this is a defect of the service (ValueError) when it was replayed"
    told = [dict(record.headers).get("dlq-replays") for record in await desk.harness.dead(desk.harness.events)]
    assert told == [None, b"1", b"2"]
    desk.defect.mend()
    await desk.replay(third["id"])
    assert await desk.harness.notes() == ["poison"]


async def test_a_message_that_nobody_wants_any_more_is_passed_over(desk: DeadLetterClient) -> None:
    unheard_of, unread = (b"k", b"{}", envelope(TENANT)), Topic("test.gone.v1", "nobody", ())
    async with desk.service.database.delivery() as tx:
        await store.add(tx, letter_of(desk.harness.events, *unheard_of))
        await store.add(tx, letter_of(unread, *unheard_of))
    assert (await desk.replay())["states"] == {"passed_over": 1, "dead_again": 1}
    assert [letter["reason"] for letter in await desk.letters(state="open")] == ["unread"]


@pytest.mark.invariant(7)
async def test_an_old_message_can_be_replayed_and_is_known_for_ever_after(desk: DeadLetterClient) -> None:
    old = note("old", time=datetime.now(UTC) - timedelta(days=400))
    await desk.publish(old, old, note("new"), old)
    await desk.committed(4)
    await desk.dead(3, reason="outside_inbox")
    assert await desk.harness.notes() == ["new"]
    assert (await desk.replay())["states"] == {"handled": 3}
    assert await desk.harness.notes() == ["new", "old"]


async def test_a_message_of_the_future_stays_dead_until_its_day_has_come(desk: DeadLetterClient) -> None:
    await desk.publish(note("early", time=datetime.now(UTC) + timedelta(days=3)))
    await desk.dead(1)
    assert (await desk.replay())["states"] == {"dead_again": 1}
    assert (await desk.letters())[0]["reason"] == "outside_inbox"


@pytest.mark.invariant(7)
async def test_replaying_dead_letters_in_any_order_changes_no_effect_that_is_there_already(
    desk: DeadLetterClient,
) -> None:
    day_ago = datetime.now(UTC) - timedelta(days=1)
    messages = [note(f"poison {n}", item=str(n % 4), time=day_ago) for n in range(12)]
    desk.defect.poison = frozenset(f"poison {n}" for n in range(12))
    await desk.publish(*messages, *messages)
    letters = await desk.dead(24)
    desk.defect.mend()
    await desk.publish(*messages[:6])
    await desk.committed(30)
    assert sorted(await desk.harness.notes()) == sorted(f"poison {n}" for n in range(6))
    ids = [letter["id"] for letter in letters]
    random.Random(7).shuffle(ids)
    for id in ids:
        await desk.replay(id)
    assert sorted(await desk.harness.notes()) == sorted(f"poison {n}" for n in range(12))


async def test_what_leaves_the_inbox_stays_known_while_it_lies_among_the_dead_letters(
    harness: Harness, tmp_path: Path
) -> None:
    past = datetime.now(UTC) - timedelta(days=6)
    async with open_desk(harness, tmp_path / "credentials") as desk:
        await desk.publish(note("poison", time=past, id=UUID(int=5)))
        await desk.dead(1)
        desk.defect.mend()
        await desk.publish(note("poison", time=past, id=UUID(int=5)))
        await desk.committed(2)
        await keep_days(desk.service.database, 3)
    short = replace(harness, settings=harness.settings.model_copy(update={"inbox_days": 3}))
    async with open_desk(short, tmp_path / "credentials") as desk:
        desk.defect.mend()
        assert (await desk.replay())["states"] == {"handled": 1}
    assert await harness.notes() == ["poison"]


@pytest.mark.invariant(7)
async def test_replaying_the_dead_letter_of_a_command_publishes_its_stored_failure_again(
    harness: Harness, tmp_path: Path
) -> None:
    poison = order(WriteNote(text="poison"))
    garbled = Record.of(order(WriteNote(text="x")))
    garbled = Record(garbled.key, garbled.value, (*garbled.headers, ("ce_time", b"soon")))
    async with open_desk(harness, tmp_path / "credentials", commands=True) as desk:
        await harness.publish(harness.commands, poison, garbled)
        await eventually(lambda: _count(harness.answers, 2))
        await desk.dead(2)
        desk.defect.mend()
        assert (await desk.replay())["states"] == {"handled": 1, "dead_again": 1}
        answers = await eventually(lambda: _count(harness.answers, 4))
    told = [answer.data for answer in answers if answer.causation == poison.id]
    assert (
        told
        == [
            CommandFailed(
                command_id=poison.command_id,
                reason="the command could not be used: it takes the database longer than a statement may take "
                "(QueryCanceledError)",
                retryable=False,
            )
        ]
        * 2
    )
    assert len({answer.id for answer in answers}) == 2
    assert await harness.notes() == []


async def test_a_filter_or_all_can_be_discarded_with_a_reason_and_the_audit_says_who_and_why(
    desk: DeadLetterClient,
) -> None:
    await desk.publish(note("poison"), note("poison"), Record.of(note("old", time=utc_now() - timedelta(days=40))))
    await desk.dead(3)
    chosen: Json = {"filter": {"reason": "failed", "topic": desk.harness.events.name}}
    assert (await desk.order("discards", **chosen)).status_code == 422  # no reason
    one = (await desk.order("discards", **chosen, reason="asked by the client")).json()
    desk.defect.mend()
    two = (await desk.order("replays", filter={}, per_second=1000, reason="an old one")).json()
    await eventually(lambda: _notes(desk.harness, ["old"]))
    discarded = await desk.letters(state="discarded")
    refused = await desk.order("replays", ids=[discarded[0]["id"]])
    assert (refused.status_code, "is discarded since order" in refused.json()["detail"]) == (409, True)
    audit = (await desk.ask("/v1/dead-letter-orders"))["items"]
    assert [(line["id"], line["action"], line["ordered_by"], line["reason"], line["letters"]) for line in audit] == [
        (two["id"], "replay", "olga", "an old one", 1),
        (one["id"], "discard", "olga", "asked by the client", 2),
    ]
    assert audit[1]["selection"] == chosen
    assert {letter["order_id"] for letter in discarded} == {one["id"]}
    assert (await desk.ask("/v1/dead-letter-orders", tenant=OTHER_TENANT))["items"] == []


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"ids": [], "reason": "?"},
        {"ids": [str(UUID(int=1))], "filter": {}, "reason": "?"},
        {"filter": {"tenant": "x"}, "reason": "?"},
        {"filter": {"since": "0001-01-01T00:00:00+14:00"}, "reason": "?"},
        {"filter": {"topic": "a\x00"}, "reason": "?"},
        {"filter": {}, "reason": "\x00"},
        {"filter": {}, "reason": "?", "per_second": 0},
        {"filter": {}, "reason": "?", "per_second": "NaN"},
    ],
)
async def test_an_order_that_makes_no_sense_is_refused(desk: DeadLetterClient, body: Json) -> None:
    answer = await desk.order("replays", **body)
    assert (answer.status_code, bool(answer.json()["errors"])) == (422, True)


async def test_the_same_order_with_the_same_idempotency_key_is_one_order(desk: DeadLetterClient) -> None:
    await desk.publish(note("poison"))
    await desk.dead(1)
    key = {"Idempotency-Key": "k"}
    first = await desk.order("discards", headers=key, filter={}, reason="?")
    second = await desk.order("discards", headers=key, filter={}, reason="?")
    assert first.json() == second.json()
    assert first.json()["letters"] == 1


async def test_what_cannot_be_read_at_all_can_be_discarded_but_not_replayed(desk: DeadLetterClient) -> None:
    await strew(desk.harness.settings.kafka_bootstrap, desk.harness.events.name, 2, UNREADABLE, (b"k", b"?", []))
    by_reason = {letter["reason"]: letter for letter in await desk.dead(2)}
    unreadable = by_reason["unreadable"]
    refused = await desk.order("replays", role="platform", ids=[unreadable["id"]])
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        f"dead letter {unreadable['id']} can only be discarded: the bytes at {desk.harness.events.name}, partition 2, "
        "offset 0 are no record that can be read",
    )
    assert (await desk.replay())["letters"] == 1
    assert (await desk.order("discards", role="platform", filter={}, reason="noise")).json()["letters"] == 2


@pytest.mark.invariant(1)
async def test_a_record_that_cannot_be_read_costs_no_message_of_another_partition(
    harness: Harness, tmp_path: Path
) -> None:
    texts = [str(n) for n in range(60)]
    for partition in (3, 11):
        await strew(harness.settings.kafka_bootstrap, harness.events.name, partition, UNREADABLE)
    await harness.publish(harness.events, *(note(text, item=text) for text in texts))
    async with open_desk(harness, tmp_path / "credentials") as desk:
        await desk.committed(62)
        assert len(await desk.letters()) == 2
    assert sorted(await harness.notes()) == sorted(texts)


async def test_a_replay_keeps_its_rate_whoever_replays_and_goes_in_the_order_of_the_topic(harness: Harness) -> None:
    database, now = harness.service().database, utc_now()
    await database.open()
    ordered = Order(
        id=new_id(),
        tenant=None,
        action="replay",
        ordered_by="olga",
        ordered_at=now,
        reason="",
        selection={},
        per_second=4,
    )
    raw = (b"k", b"{}", envelope(TENANT))
    async with database.delivery() as tx:
        for offset in (1, 0):
            await store.add(tx, letter_of(harness.events, *raw, offset=offset))
        await store.mark(tx, Selection(scope=Scope(everybody=True)), ordered.id)
        await store.add_order(tx, ordered)
    turns = []
    for ms in (0, 100, 249, 250, 251, 500):
        async with database.delivery() as tx:
            turn = await store.next_turn(tx, now + timedelta(milliseconds=ms), 60)
            turns.append(turn.letter.offset if turn.letter else round(turn.pause_s, 3))
            if turn.letter:
                await store.settle(tx, turn.letter.id, "handled", now)
    assert turns == [0, 0.15, 0.001, 1, 0.249, 0]
    async with database.delivery() as tx:
        finished = await store.order_of(tx, Scope(everybody=True), ordered.id)
    await database.close()
    assert finished is not None
    assert finished.finished_at == now + timedelta(milliseconds=500)


async def test_replays_of_many_orders_of_a_tenant_and_of_one_of_another_take_turns(harness: Harness) -> None:
    database, now = harness.service().database, utc_now()
    await database.open()
    async with database.delivery() as tx:
        for offset, tenant in enumerate((TENANT, TENANT, TENANT, OTHER_TENANT)):
            made = letter_of(harness.events, b"k", b"{}", envelope(tenant), offset=offset)
            ordered = Order(
                id=new_id(),
                tenant=tenant,
                action="replay",
                ordered_by="olga",
                ordered_at=now + timedelta(milliseconds=offset),
                reason="",
                selection={},
                per_second=1,
            )
            await store.add(tx, made)
            await store.mark(tx, Selection(scope=Scope(everybody=True), ids=[made.id]), ordered.id)
            await store.add_order(tx, ordered)
    served, in_turns = NOBODY, []
    for _ in range(4):
        async with database.delivery() as tx:
            turn = await store.next_turn(tx, now + timedelta(seconds=1), 60, served)
        served = turn.served
        in_turns.append(turn.letter.offset if turn.letter else None)
    await database.close()
    assert in_turns == [0, 3, 1, 2]


async def test_two_replicas_share_a_replay(harness: Harness, tmp_path: Path) -> None:
    texts = [f"poison {n}" for n in range(30)]
    async with open_desk(harness, tmp_path / "a") as desk, open_desk(harness, tmp_path / "a") as other:
        for one in (desk, other):
            one.defect.poison = frozenset(texts)
        await desk.publish(*(note(text, item=text) for text in texts))
        await desk.dead(30)
        for one in (desk, other):
            one.defect.mend()
        assert (await desk.replay())["states"] == {"handled": 30}
    assert sorted(await harness.notes()) == sorted(texts)


async def test_the_bytes_of_what_is_settled_are_erased_in_time_and_the_audit_stays(desk: DeadLetterClient) -> None:
    await desk.publish(note("poison"), note("poison", item="2"))
    settled, still_open = (letter["id"] for letter in await desk.dead(2))
    await desk.order("discards", ids=[settled], reason="noise")
    await erase_settled(desk.service.database, utc_now() + timedelta(days=31))
    erased = await desk.ask(f"/v1/dead-letters/{settled}")
    assert (erased["value"], erased["headers"], erased["complete"]) == ({"text": None, "base64": None}, [], False)
    assert (erased["state"], erased["reason"], erased["erased_at"] is not None) == ("discarded", "failed", True)
    assert (await desk.ask(f"/v1/dead-letters/{still_open}"))["value"]["text"] == '{"text":"poison"}'


async def test_a_parked_outbox_row_is_listed_and_can_be_released(desk: DeadLetterClient) -> None:
    async with desk.service.database.delivery() as tx:
        for value, reason in ((b"first", "Huge"), (b"second", None)):
            await tx.execute(
                """INSERT INTO outbox (shard, lane, topic, key, value, headers, parked_reason)
                   VALUES (0, 0, $1, 'k', $2, '[]', $3)""",
                desk.harness.results.name,
                value,
                reason,
            )
    (row,) = (await desk.ask("/internal/parked-outbox-rows", role="platform"))["items"]
    assert (row["key"], row["reason"], row["size"], row["behind"]) == ("k", "Huge", 5, 1)
    assert await desk.harness.records(desk.harness.results.name) == []
    async with desk.caller("platform") as platform:
        path = f"/internal/parked-outbox-rows/{row['id']}/release"
        assert (await platform.post(path, json={"reason": "limit raised"})).status_code == 201
        assert (await platform.post(path, json={"reason": "limit raised"})).status_code == 404
    records = await eventually(lambda: _count(lambda: desk.harness.records(desk.harness.results.name), 2))
    assert [record.value for record in records] == [b"first", b"second"]
    (line,) = (await desk.ask("/internal/dead-letter-orders", role="platform"))["items"]
    assert (line["action"], line["selection"], line["reason"]) == ("release", {"outbox": row["id"]}, "limit raised")


class Here(Addresses):
    """Where every service is the probe."""

    def url(self, name: str) -> str:
        return f"http://{HOST}:{self.port_base}"


async def test_stack_dlq_lists_shows_replays_and_discards(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = make_desk(harness, tmp_path)
    token, here = desk.credentials.platform_token("olga"), Here(desk.service.settings.internal_port)
    monkeypatch.setattr(dlq.Desks, "of", lambda *_: dlq.Desks(here, token, ["probe"]))

    async def stack_dlq(*words: str) -> tuple[int, str]:
        result = await asyncio.to_thread(CliRunner().invoke, dlq.app, words)
        return result.exit_code, result.output

    async with serving_service(desk.app, desk.service.settings):
        await desk.publish(note("poison"), Record(b"k", b"\x1b[2J", (("ce_type", b"\x1b[2J"),)))
        letters = await desk.dead(2)
        by_reason = {letter["reason"]: letter["id"] for letter in letters}
        poison, noise = by_reason["failed"], by_reason["undecodable"]
        code, listed = await stack_dlq("list", "--json")
        assert (code, [one["id"] for one in json.loads(listed)]) == (0, [one["id"] for one in letters])
        code, listed = await stack_dlq("list", "--dead", "undecodable")
        assert (code, poison in listed, "\x1b" in listed) == (0, False, False)
        code, shown = await stack_dlq("show", noise)
        assert (code, json.loads(shown)["value"]["text"], "\x1b" in shown) == (0, "\x1b[2J", False)
        assert (await stack_dlq("replay"))[0] == 1
        assert (await stack_dlq("replay", "--all", "--since", "soon"))[0] == 1
        assert (await stack_dlq("discard", str(uuid4()), "--reason", "?"))[0] == 1
        assert (await stack_dlq("discard", "--all"))[0] == 2
        code, told = await stack_dlq("discard", noise, "--reason", "noise")
        assert (code, told.partition(" (")[0]) == (0, "probe: 1 discarded")
        desk.defect.mend()
        code, told = await stack_dlq("replay", "--all", "--rate", "100", "--reason", "mended")
        assert (code, told.partition(" (")[0]) == (0, "probe: 1 handled")
        assert await stack_dlq("replay", "--all") == (0, "no open dead letter is like that\n")
        code, audit = await stack_dlq("orders")
        assert (code, "olga" in audit, "mended" in audit, "noise" in audit) == (0, True, True, True)
        assert await stack_dlq("list") == (0, "none\n")
    assert await harness.notes() == ["poison"]


@dataclass
class Mortal:
    """A probe as a process that can be doomed to kill itself at one point after another."""

    program: Program
    harness: Harness
    folder: Path
    environment: dict[str, str]

    @classmethod
    def of(cls, harness: Harness, folder: Path) -> "Mortal":
        environment = {
            "CRASH_COUNTS": str(folder / "crash_counts"),
            "MENDED": str(folder / "mended"),
            "PROBE": harness.name,
            "PROBE_TOPIC": harness.events.name,
        }
        settings = harness.settings.model_copy(update=ports())
        program = Program("integration.kit.dying_probe", settings, environment)
        return cls(program, harness, folder, environment)

    async def start(self, die_at: str | None = None) -> None:
        (self.folder / "crash_counts").write_text("1" if die_at else "0")
        self.environment["DIE_AT"] = die_at or next(iter(DYING))
        await self.program.start()

    async def die_at_each(self, points: Iterable[str]) -> None:
        """Starts it again and again, and lets it live in the end."""
        for point in points:
            await self.start(point)
            assert await self.program.ends() == -9, point
        await self.start()

    def mend(self) -> None:
        (self.folder / "mended").touch()

    async def put_poison_aside(self) -> None:
        """And ends it."""
        await self.harness.publish(self.harness.events, note("poison"))
        await self.start()
        await self.become(("open", 0))
        await eventually(lambda: _committed(self.harness, 1))
        await self.program.stop()

    async def states(self) -> list[tuple[str, int]]:
        rows = await self.harness.sql("SELECT state, replays FROM dead_letters ORDER BY replays")
        return [(row["state"], row["replays"]) for row in rows]

    async def become(self, *states: tuple[str, int]) -> None:
        async def look() -> bool:
            return await self.states() == list(states)

        await eventually(look, f"{states}")

    async def order_replay(self) -> None:
        """As the interface does."""
        id = new_id()
        await self.harness.sql("UPDATE dead_letters SET state = 'replaying', order_id = $1 WHERE state = 'open'", id)
        await self.harness.sql(
            """INSERT INTO dead_letter_orders (id, action, ordered_by, ordered_at, reason, selection, letters,
                   per_second, next_at) VALUES ($1, 'replay', 'olga', now(), '', '{}', 1, 100, now())""",
            id,
        )

    async def finished(self) -> None:
        async def look() -> bool:
            rows = await self.harness.sql("SELECT FROM dead_letter_orders WHERE finished_at IS NULL")
            return rows == []

        await eventually(look, "the end of the replay")


@pytest.mark.invariant(6)
async def test_killed_at_every_point_of_putting_a_message_aside_there_is_one_dead_letter(
    harness: Harness, tmp_path: Path
) -> None:
    mortal = Mortal.of(harness, tmp_path)
    await harness.publish(harness.events, note("one"), note("poison"), note("two"))
    await mortal.die_at_each(DYING)
    await eventually(lambda: _committed(harness, 3))
    await mortal.program.stop()
    assert sorted(await harness.notes()) == ["one", "two"]
    assert await mortal.states() == [("open", 0)]
    assert len(await harness.dead(harness.events)) >= 1


@pytest.mark.invariant(6)
@pytest.mark.invariant(7)
async def test_killed_at_every_point_of_a_replay_there_is_one_effect(harness: Harness, tmp_path: Path) -> None:
    mortal = Mortal.of(harness, tmp_path)
    await mortal.put_poison_aside()
    mortal.mend()
    await mortal.order_replay()
    await mortal.die_at_each(REPLAYING)
    await mortal.finished()
    await mortal.program.stop()
    assert await harness.notes() == ["poison"]
    assert await mortal.states() == [("handled", 0)]


@pytest.mark.invariant(6)
async def test_killed_at_every_point_while_a_replayed_message_dies_again_there_is_one_new_dead_letter(
    harness: Harness, tmp_path: Path
) -> None:
    mortal = Mortal.of(harness, tmp_path)
    await mortal.put_poison_aside()
    await mortal.order_replay()
    await mortal.die_at_each(DYING_AGAIN)
    await mortal.finished()
    await mortal.program.stop()
    assert await harness.notes() == []
    assert await mortal.states() == [("dead_again", 0), ("open", 1)]


def letter_of(
    topic: Topic, key: bytes | None, value: bytes | None, headers: list[tuple[str, bytes | None]], offset: int = 0
) -> DeadLetter:
    return DeadLetter(
        id=uuid4(),
        tenant=TENANT,
        topic=topic.name,
        partition=0,
        offset=offset,
        key=key,
        value=value,
        headers=[(name.encode(), raw) for name, raw in headers],
        complete=True,
        reason="failed",
        detail="",
        put_aside_at=utc_now(),
    )


async def _count[T](look: Callable[[], Awaitable[list[T]]], count: int) -> list[T]:
    found = await look()
    return found if len(found) == count else []


async def _notes(harness: Harness, texts: list[str]) -> bool:
    return await harness.notes() == texts


async def _committed(harness: Harness, count: int) -> bool:
    return await harness.committed(harness.events) == count


@pytest.mark.invariant(10)
async def test_two_consumers_that_put_aside_what_is_too_large_at_one_moment_do_not_wait_for_ever(
    desk: DeadLetterClient,
) -> None:
    letters, topic = desk.service._dead_letters, desk.harness.events.name

    def record(offset: int, size: int) -> ConsumerRecord[Any, Any]:
        return ConsumerRecord(topic, 0, offset, 0, 0, b"k", b"x" * size, None, 1, size, ())

    async with asyncio.timeout(60):
        await asyncio.gather(
            *(letters.put(record(n, 2_000_000 if n % 2 else 10), "undecodable", "?") for n in range(20))
        )
    assert len(await desk.harness.dead(desk.harness.events)) == 20
