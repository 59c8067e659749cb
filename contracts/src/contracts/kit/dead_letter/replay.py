"""Replays dead letters to the group they died in, one after another, at the rate that the operator gave.

A letter is settled in the transaction of its effect, so a kill at any point leaves it either settled or to be replayed.
"""

import asyncio
from collections.abc import Sequence
from contextlib import suppress

import structlog

from contracts.kit import telemetry
from contracts.kit.broker import OUTAGES, Processor
from contracts.kit.clock import Clock
from contracts.kit.database import Database
from contracts.kit.dead_letter.letter import DeadLetter
from contracts.kit.dead_letter.store import actions, letters
from contracts.kit.dead_letter.writer import DeadLetters

logger = structlog.get_logger(__name__)

POLL_S = 1.0


class Replayer:
    """Any number of replicas may run one; they take turns."""

    def __init__(
        self, database: Database, dead_letters: DeadLetters, processors: Sequence[Processor], clock: Clock
    ) -> None:
        self._database = database
        self._dead_letters = dead_letters
        self._processors = processors
        self._clock = clock
        self._woken = asyncio.Event()

    def wake(self) -> None:
        """Says that there is something new to replay."""
        self._woken.set()

    async def run(self) -> None:
        """Replays until cancelled. While a server of ours is away, the same letter is tried again."""
        while True:
            self._woken.clear()
            try:
                pause_s = await self._take_turn()
            except OUTAGES as error:
                logger.warning("replay waits for a server", error=type(error).__name__)
                pause_s = POLL_S
            except Exception:
                logger.exception("replay cannot go on")
                pause_s = POLL_S
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), pause_s)

    async def _take_turn(self) -> float:
        """Replays the letter whose turn it is, if there is one; returns the seconds until the next turn."""
        async with self._database.delivery() as tx:
            turn = await actions.next_turn(tx, self._clock(), POLL_S)
        if turn.letter is not None:
            await self._replay(turn.letter)
        return turn.pause_s

    async def _replay(self, letter: DeadLetter) -> None:
        processor = next((one for one in self._processors if one.subscription.reads(letter.topic)), None)
        if processor is None:
            await self._keep_again(letter, "unread", "this service does not read the topic any more")
            return
        now = self._clock()
        still = await processor.replay(letter.record, lambda tx: letters.settle(tx, letter.id, "handled", now))
        if still is None:
            async with self._database.delivery() as tx:
                await letters.settle(tx, letter.id, "passed_over", now)
        else:
            await self._put_aside(letter, *still)

    async def _put_aside(self, letter: DeadLetter, reason: str, detail: str) -> None:
        """As the first time: copied to the topic, then kept."""
        await self._dead_letters.put(letter.record, reason, detail, letter.replays + 1)
        telemetry.DEAD_LETTERS.labels(letter.topic, reason).inc()
        await self._keep_again(letter, reason, detail)

    async def _keep_again(self, letter: DeadLetter, reason: str, detail: str) -> None:
        async with self._database.delivery() as tx:
            await letters.die_again(tx, letter, reason, detail, self._clock())
