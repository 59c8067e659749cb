"""Replays share the time: each keeps its rate, whichever replica replays."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import pytest

from contracts.kit.clock import new_id, utc_now
from contracts.kit.database import Database
from contracts.kit.dead_letter.action import OperatorAction
from contracts.kit.dead_letter.letter import Selection
from contracts.kit.dead_letter.store import actions, letters
from integration.kit.dead_letters.client import letter_of, open_client
from integration.kit.harness import TENANT, Harness, note
from support.malformed_records import envelope

pytestmark = pytest.mark.usefixtures("topics")


@pytest.fixture
async def database(harness: Harness) -> AsyncIterator[Database]:
    opened = harness.service().database
    await opened.open()
    yield opened
    await opened.close()


def replay_at(now: datetime, per_second: float) -> OperatorAction:
    return OperatorAction(
        id=new_id(), kind="replay", operator="olga", started_at=now, reason="", selection={}, per_second=per_second
    )


async def test_a_replay_keeps_its_rate_whoever_replays_and_goes_in_the_order_of_the_topic(
    harness: Harness, database: Database
) -> None:
    now = utc_now()
    replay = replay_at(now, per_second=4)
    async with database.delivery() as tx:
        for offset in (1, 0):
            await letters.add(tx, letter_of(harness.events, b"k", b"{}", envelope(TENANT), offset=offset))
        await letters.mark(tx, Selection(), replay.id)
        await actions.add(tx, replay)
    turns = []
    for ms in (0, 100, 249, 250, 251, 500):
        async with database.delivery() as tx:
            turn = await actions.next_turn(tx, now + timedelta(milliseconds=ms), 60)
            turns.append(turn.letter.offset if turn.letter else round(turn.pause_s, 3))
            if turn.letter:
                await letters.settle(tx, turn.letter.id, "handled", now)
    assert turns == [0, 0.15, 0.001, 1, 0.249, 0]
    async with database.delivery() as tx:
        finished = await actions.get(tx, replay.id)
    assert finished is not None
    assert finished.finished_at == now + timedelta(milliseconds=500)


async def test_a_short_replay_does_not_wait_for_the_end_of_a_long_one(harness: Harness, database: Database) -> None:
    now = utc_now()
    async with database.delivery() as tx:
        for offsets, started_at in (((0, 1, 2), now), ((3,), now + timedelta(milliseconds=1))):
            replay = replay_at(started_at, per_second=1000)
            for offset in offsets:
                await letters.add(tx, letter_of(harness.events, b"k", b"{}", envelope(TENANT), offset=offset))
            await letters.mark(tx, Selection(), replay.id)
            await actions.add(tx, replay)
    replayed = []
    for ms in range(1000, 1005):
        async with database.delivery() as tx:
            turn = await actions.next_turn(tx, now + timedelta(milliseconds=ms), 60)
            if turn.letter:
                await letters.settle(tx, turn.letter.id, "handled", now)
                replayed.append(turn.letter.offset)
    assert replayed == [0, 3, 1, 2]


async def test_two_replicas_share_a_replay(harness: Harness, tmp_path: Path) -> None:
    texts = [f"poison {n}" for n in range(30)]
    async with open_client(harness, tmp_path / "a") as client, open_client(harness, tmp_path / "a") as other:
        for one in (client, other):
            one.defect.poison = frozenset(texts)
        await client.publish(*(note(text, item=text) for text in texts))
        await client.dead(30)
        for one in (client, other):
            one.defect.mend()
        assert (await client.replay())["states"] == {"handled": 30}
    assert sorted(await harness.notes()) == sorted(texts)
