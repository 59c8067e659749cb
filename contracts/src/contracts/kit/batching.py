"""Batches requests for single keys (a DataLoader): what is asked for while a batch is under way joins the next one.

The first request is sent at once; later ones join the next batch, so a quiet service asks singly, a busy one for many.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Mapping, Sequence
from contextvars import Context, copy_context
from itertools import islice
from typing import Any

from contracts.kit.broker import OUTAGES


class BatchLoader[K: Hashable, V]:
    """Loads values by key, in batches of at most `most` keys, of which `at_once` are under way.

    A key that `ask` does not answer is null. When `ask` raises an outage, every caller of the batch gets it; after any
    other error the two halves of the batch are asked, so that only the key that is to blame fails. `ask` runs in the
    context (trace, ids for logs) of the batch's first caller.
    """

    def __init__(
        self, ask: Callable[[Sequence[K]], Awaitable[Mapping[K, V]]], *, most: int = 100, at_once: int = 1
    ) -> None:
        self._ask = ask
        self._most = most
        self._at_once = at_once
        self._waiting: dict[K, tuple[asyncio.Future[V | None], Context]] = {}
        self._asking: set[asyncio.Task[None]] = set()

    async def get(self, key: K) -> V | None:
        """The value, asked for after this call; two callers with the same key share one request."""
        if key not in self._waiting:
            answer: asyncio.Future[V | None] = asyncio.get_running_loop().create_future()
            answer.add_done_callback(_retrieve_exception)
            self._waiting[key] = answer, copy_context()
        answer, _ = self._waiting[key]
        self._begin()
        return await asyncio.shield(answer)  # a caller that gives up does not cancel it for the others

    def _begin(self) -> None:
        if self._waiting and len(self._asking) < self._at_once:
            some = {key: self._waiting.pop(key) for key in list(islice(self._waiting, self._most))}
            _, context = next(iter(some.values()))
            answers = {key: answer for key, (answer, _) in some.items()}
            task = asyncio.create_task(self._answer(answers), context=context)
            self._asking.add(task)
            task.add_done_callback(self._go_on)

    def _go_on(self, ended: asyncio.Task[None]) -> None:
        self._asking.discard(ended)
        self._begin()

    async def _answer(self, answers: Mapping[K, asyncio.Future[V | None]]) -> None:
        try:
            found = await self._ask(list(answers))
        except asyncio.CancelledError:
            for answer in answers.values():
                answer.cancel()
            raise
        except Exception as error:
            if len(answers) > 1 and not isinstance(error, OUTAGES):
                await self._answer_halves(answers)
                return
            for answer in answers.values():
                answer.set_exception(error)
        else:
            for key, answer in answers.items():
                answer.set_result(found.get(key))

    async def _answer_halves(self, answers: Mapping[K, asyncio.Future[V | None]]) -> None:
        keys = list(answers)
        middle = len(keys) // 2
        for half in (keys[:middle], keys[middle:]):
            await self._answer({key: answers[key] for key in half})


def _retrieve_exception(answer: asyncio.Future[Any]) -> None:
    """Retrieves the exception, so asyncio does not log it."""
    if not answer.cancelled():
        answer.exception()
