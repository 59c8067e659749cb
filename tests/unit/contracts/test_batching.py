"""Questions put together: singly when it is quiet, in numbers when it is not."""

import asyncio
from collections.abc import Mapping, Sequence
from contextvars import ContextVar

import pytest

from contracts.kit.batching import BatchLoader

WHO: ContextVar[str] = ContextVar("who", default="nobody")


class Oracle:
    """Answers on demand; remembers what it was asked, and in whose context."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, list[int]]] = []
        self.speaks = asyncio.Event()
        self.error: Exception | None = None

    async def ask(self, keys: Sequence[int]) -> Mapping[int, str]:
        self.asked.append((WHO.get(), list(keys)))
        await self.speaks.wait()
        if self.error is not None:
            raise self.error
        return {key: f"answer {key}" for key in keys if key >= 0}


async def asks(loader: BatchLoader[int, str], who: str, key: int) -> str | None:
    WHO.set(who)
    return await loader.get(key)


async def begun(*tasks: asyncio.Task[str | None]) -> None:
    """Lets them all come to where they wait."""
    for _ in range(5):
        await asyncio.sleep(0)
    assert not any(task.done() for task in tasks)


async def test_the_first_is_asked_at_once_and_those_who_come_meanwhile_together() -> None:
    oracle = Oracle()
    loader = BatchLoader(oracle.ask)
    async with asyncio.TaskGroup() as group:
        first = group.create_task(asks(loader, "first", 1))
        await begun(first)
        rest = [group.create_task(asks(loader, f"asker {key}", key)) for key in (2, 3, 2, -1)]
        await begun(*rest)
        assert oracle.asked == [("first", [1])]
        oracle.speaks.set()
    assert oracle.asked == [("first", [1]), ("asker 2", [2, 3, -1])]
    assert [task.result() for task in (first, *rest)] == ["answer 1", "answer 2", "answer 3", "answer 2", None]


async def test_no_question_has_more_than_most_keys_and_at_most_so_many_are_under_way() -> None:
    oracle = Oracle()
    loader = BatchLoader(oracle.ask, most=2, at_once=2)
    tasks = [asyncio.create_task(asks(loader, "x", key)) for key in range(6)]
    await begun(*tasks)
    assert [keys for _, keys in oracle.asked] == [[0], [1]]
    oracle.speaks.set()
    assert await asyncio.gather(*tasks) == [f"answer {key}" for key in range(6)]
    assert [keys for _, keys in oracle.asked] == [[0], [1], [2, 3], [4, 5]]


async def test_what_fails_fails_for_all_who_asked_and_for_nobody_else() -> None:
    oracle = Oracle()
    loader = BatchLoader(oracle.ask)
    first = asyncio.create_task(asks(loader, "x", 1))
    await begun(first)
    others = [asyncio.create_task(asks(loader, "x", key)) for key in (2, 3)]
    await begun(*others)
    oracle.error = ConnectionError("away")
    oracle.speaks.set()
    assert [type(one) for one in await asyncio.gather(first, *others, return_exceptions=True)] == [ConnectionError] * 3
    oracle.error = None
    assert await loader.get(4) == "answer 4"


async def test_a_key_that_is_refused_is_refused_alone() -> None:
    asked: list[list[int]] = []

    async def ask(keys: Sequence[int]) -> Mapping[int, str]:
        asked.append(list(keys))
        await asyncio.sleep(0)
        if 5 in keys:
            raise LookupError("5 is unheard of")
        return {key: f"answer {key}" for key in keys}

    loader = BatchLoader(ask)
    found = await asyncio.gather(*(loader.get(key) for key in range(9)), return_exceptions=True)
    assert [str(one) for one in found] == [f"answer {n}" if n != 5 else "5 is unheard of" for n in range(9)]
    assert asked == [[0], [*range(1, 9)], [1, 2, 3, 4], [5, 6, 7, 8], [5, 6], [5], [6], [7, 8]]


async def test_who_gives_up_takes_nothing_from_the_others() -> None:
    oracle = Oracle()
    loader = BatchLoader(oracle.ask)
    first = asyncio.create_task(asks(loader, "x", 1))
    await begun(first)
    impatient, patient = (asyncio.create_task(asks(loader, "x", 2)) for _ in range(2))
    await begun(impatient, patient)
    first.cancel()
    impatient.cancel()
    with pytest.raises(asyncio.CancelledError):
        await first
    oracle.speaks.set()
    assert await patient == "answer 2"
