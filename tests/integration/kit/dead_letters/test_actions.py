"""What operators do, by HTTP and by `stack dlq`, and what the audit says of it."""

import asyncio
import json
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from typer.testing import CliRunner

from contracts.envelope import Record
from contracts.kit.clock import utc_now
from integration.kit.dead_letters.client import DeadLetterClient, Json, make_client
from integration.kit.harness import Harness, note
from local_stack import dlq
from local_stack.addresses import Addresses
from local_stack.dead_letter_client import DeadLetterClient as StackClient
from local_stack.ports import HOST, free_port
from support.malformed_records import UNREADABLE, strew
from support.serving import serving_service
from support.waiting import eventually

pytestmark = pytest.mark.usefixtures("topics")


async def test_a_filter_or_all_can_be_discarded_with_a_reason_and_the_audit_says_who_and_why(
    client: DeadLetterClient,
) -> None:
    await client.publish(note("poison"), note("poison"), Record.of(note("old", time=utc_now() - timedelta(days=40))))
    await client.dead(3)
    chosen: Json = {"filter": {"reason": "failed", "topic": client.harness.events.name}}
    assert (await client.post("discards", **chosen)).status_code == 422  # no reason
    one = (await client.post("discards", **chosen, reason="asked by the client")).json()
    client.defect.mend()
    two = (await client.post("replays", filter={}, per_second=1000, reason="an old one")).json()
    await eventually(lambda: _is_written(client.harness, "old"))
    discarded = await client.letters(state="discarded")
    refused = await client.post("replays", ids=[discarded[0]["id"]])
    assert (refused.status_code, "is discarded since action" in refused.json()["detail"]) == (409, True)
    audit = (await client.get("/dead-letter-actions"))["items"]
    assert [(line["id"], line["kind"], line["operator"], line["reason"], line["letters"]) for line in audit] == [
        (two["id"], "replay", "olga", "an old one", 1),
        (one["id"], "discard", "olga", "asked by the client", 2),
    ]
    assert audit[1]["selection"] == chosen
    assert {letter["action_id"] for letter in discarded} == {one["id"]}


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
async def test_a_choice_that_makes_no_sense_is_refused(client: DeadLetterClient, body: Json) -> None:
    answer = await client.post("replays", **body)
    assert (answer.status_code, bool(answer.json()["errors"])) == (422, True)


async def test_what_cannot_be_read_at_all_can_be_discarded_but_not_replayed(client: DeadLetterClient) -> None:
    await strew(client.harness.settings.kafka_bootstrap, client.harness.events.name, 2, UNREADABLE, (b"k", b"?", []))
    by_reason = {letter["reason"]: letter for letter in await client.dead(2)}
    unreadable = by_reason["unreadable"]
    refused = await client.post("replays", ids=[unreadable["id"]])
    assert (refused.status_code, refused.json()["detail"]) == (
        409,
        f"dead letter {unreadable['id']} can only be discarded: the bytes at {client.harness.events.name}, "
        "partition 2, offset 0 are no record that can be read",
    )
    assert (await client.replay())["letters"] == 1
    assert (await client.post("discards", filter={}, reason="noise")).json()["letters"] == 2


async def test_a_parked_outbox_row_is_listed_and_can_be_released(client: DeadLetterClient) -> None:
    async with client.service.database.delivery() as tx:
        for value, reason in ((b"first", "Huge"), (b"second", None)):
            await tx.execute(
                """INSERT INTO outbox (shard, lane, topic, key, value, headers, parked_reason)
                   VALUES (0, 0, $1, 'k', $2, '[]', $3)""",
                client.harness.results.name,
                value,
                reason,
            )
    (row,) = (await client.get("/parked-outbox-rows"))["items"]
    assert (row["key"], row["reason"], row["size"], row["behind"]) == ("k", "Huge", 5, 1)
    assert await client.harness.records(client.harness.results) == []
    async with client.http() as http:
        path = f"/parked-outbox-rows/{row['id']}/release"
        assert (await http.post(path, json={"reason": "limit raised"})).status_code == 201
        assert (await http.post(path, json={"reason": "limit raised"})).status_code == 404
    await eventually(lambda: _is_published(client.harness, b"first", b"second"))
    (line,) = (await client.get("/dead-letter-actions"))["items"]
    assert (line["kind"], line["selection"], line["reason"]) == ("release", {"outbox": row["id"]}, "limit raised")


class ProbeAddresses(Addresses):
    """Where every service is the probe, but for one that is away."""

    def url(self, name: str) -> str:
        return f"http://{HOST}:{free_port() if name == 'away' else self.port_base}"


async def test_stack_dlq_lists_shows_replays_and_discards(
    harness: Harness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = make_client(harness, tmp_path)
    token, here = client.credentials.platform_token("olga"), ProbeAddresses(client.service.settings.internal_port)
    monkeypatch.setattr(StackClient, "of", lambda *_: StackClient(here, token, ["probe"]))

    async def stack_dlq(*words: str) -> tuple[int, str]:
        result = await asyncio.to_thread(CliRunner().invoke, dlq.app, words)
        return result.exit_code, result.output

    async with serving_service(client.app, client.service.settings):
        await client.publish(note("poison"), Record(b"k", b"\x1b[2J", (("ce_type", b"\x1b[2J"),)))
        letters = await client.dead(2)
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
        code, output = await stack_dlq("discard", noise, "--reason", "noise")
        assert (code, output.partition(" (")[0]) == (0, "probe: 1 discarded")
        client.defect.mend()
        code, output = await stack_dlq("replay", "--all", "--rate", "100", "--reason", "mended")
        assert (code, output.partition(" (")[0]) == (0, "probe: 1 handled")
        assert await stack_dlq("replay", "--all") == (0, "no open dead letter matches\n")
        code, audit = await stack_dlq("actions")
        assert (code, "olga" in audit, "mended" in audit, "noise" in audit) == (0, True, True, True)
        assert await stack_dlq("list") == (0, "none\n")
        monkeypatch.setattr(StackClient, "of", lambda *_: StackClient(here, token, ["away", "probe"]))
        code, output = await stack_dlq("list", "--state", "any")
        assert (code, poison in output, "away does not answer" in output) == (1, True, True)
    assert await harness.notes() == ["poison"]


async def _is_written(harness: Harness, *texts: str) -> bool:
    return await harness.notes() == list(texts)


async def _is_published(harness: Harness, *values: bytes) -> bool:
    return [record.value for record in await harness.records(harness.results)] == list(values)
