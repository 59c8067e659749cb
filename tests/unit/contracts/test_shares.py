"""Places that many tenants share: nobody starves, nobody takes all, and nothing is lost when somebody gives up."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import UUID

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import REGISTRY

from contracts.kit.errors import QueueFullError
from contracts.kit.shares import Shares, most_of

A, B, C = (UUID(int=number) for number in (1, 2, 3))


class Crowd:
    """Requests for places, each held until it is told to end; `served` is whose turn it was, in order."""

    def __init__(self, shares: Shares) -> None:
        self.shares = shares
        self.served: list[UUID] = []
        self.held: Counter[UUID] = Counter()
        self._ends: dict[asyncio.Task[None], asyncio.Event] = {}
        self._tenants: dict[asyncio.Task[None], UUID] = {}
        self._holding: set[asyncio.Task[None] | None] = set()

    async def ask(self, *tenants: UUID) -> None:
        for tenant in tenants:
            end = asyncio.Event()
            task = asyncio.create_task(self._one(tenant, end))
            self._ends[task], self._tenants[task] = end, tenant
        await settle()

    async def _one(self, tenant: UUID, end: asyncio.Event) -> None:
        async with self.shares.place(tenant):
            self.served.append(tenant)
            self.held[tenant] += 1
            self._holding.add(asyncio.current_task())
            try:
                await end.wait()
            finally:
                self.held[tenant] -= 1

    def requests(self) -> list[asyncio.Task[None]]:
        return [task for task in self._ends if not task.done()]

    def holders(self) -> list[asyncio.Task[None]]:
        """The requests that hold a place."""
        return [task for task in self.requests() if task in self._holding]

    async def end(self, tenant: UUID) -> None:
        """The tenant's oldest request ends."""
        task = next(task for task in self.requests() if self._tenants[task] == tenant)
        self._ends[task].set()
        await settle()

    async def finish(self, task: asyncio.Task[None]) -> None:
        self._ends[task].set()
        await settle()

    async def give_up(self, task: asyncio.Task[None]) -> None:
        task.cancel()
        await settle()


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@asynccontextmanager
async def crowd(places: int, *, most: int | None = None, queue: int | None = None) -> AsyncIterator[Crowd]:
    made = Crowd(Shares("test", places, most=most, queue=queue))
    try:
        yield made
    finally:
        for task in made.requests():
            task.cancel()
        await settle()


async def test_the_next_place_goes_to_the_tenant_that_holds_fewest_not_to_the_longest_queue() -> None:
    async with crowd(2) as it:
        await it.ask(A, A, A, A, A, B, C)
        assert it.served == [A, A]
        await it.end(A)
        await it.end(A)
        assert it.served == [A, A, B, C]
        await it.end(B)
        assert it.served == [A, A, B, C, A]


async def test_tenants_that_hold_as_many_take_turns() -> None:
    async with crowd(1) as it:
        await it.ask(A, A, A, B, B, B, C)
        for tenant in (A, B, C, A, B):
            assert it.served[-1] == tenant
            await it.end(tenant)
        assert it.served == [A, B, C, A, B, A]


async def test_one_tenant_never_holds_more_than_its_share_though_places_are_free() -> None:
    async with crowd(8, most=most_of(8)) as it:
        await it.ask(*[A] * 20)
        assert it.held == {A: 6}
        await it.ask(B)
        assert it.served[-1] == B


@pytest.mark.parametrize(("places", "most"), [(1, 1), (2, 2), (4, 3), (8, 6), (32, 24)])
def test_a_share_is_three_quarters(places: int, most: int) -> None:
    assert most_of(places) == most


async def test_a_tenants_own_queue_is_bounded_and_that_of_others_is_not_touched() -> None:
    async with crowd(1, queue=2) as it:
        await it.ask(A, A, A)
        with pytest.raises(QueueFullError) as refused:
            async with it.shares.place(A):
                pass
        assert refused.value.waiting == 2
        await it.ask(B)
        await it.end(A)
        assert it.served[-1] == B


async def test_a_request_that_ends_in_the_moment_of_its_turn_hands_the_place_on() -> None:
    async with crowd(1) as it:
        await it.ask(A, B, C)
        first, second, _ = it.requests()
        it._ends[first].set()
        await asyncio.sleep(0)  # the place is given to B, who does not know of it yet
        second.cancel()
        await settle()
        assert it.served == [A, C]


async def test_what_waits_is_counted_without_naming_anybody() -> None:
    names = ("share_places_held", "share_places_of_one_tenant", "share_requests_waiting", "share_tenants_waiting")
    async with crowd(3, most=2) as it:
        await it.ask(A, A, A, A, B, C)
        assert [REGISTRY.get_sample_value(name, {"kind": "test"}) for name in names] == [3, 2, 3, 2]
    assert [REGISTRY.get_sample_value(name, {"kind": "test"}) for name in names] == [0, 0, 0, 0]


_ACTS = st.lists(st.tuples(st.sampled_from(["ask", "ask", "end", "give up"]), st.integers(0, 50)), max_size=60)


@given(acts=_ACTS, places=st.integers(1, 4), tenants=st.integers(1, 5), data=st.data())
@settings(max_examples=200)
def test_whatever_happens_nobody_starves(
    acts: list[tuple[str, int]], places: int, tenants: int, data: st.DataObject
) -> None:
    most = data.draw(st.integers(1, places))
    asyncio.run(_nobody_starves(acts, places, most, [UUID(int=number + 1) for number in range(tenants)]))


async def _nobody_starves(acts: list[tuple[str, int]], places: int, most: int, tenants: list[UUID]) -> None:
    async with AsyncExitStack() as stack:
        it = await stack.enter_async_context(crowd(places, most=most))
        for act, number in acts:
            requests, holders = it.requests(), it.holders()
            if act == "ask":
                await it.ask(tenants[number % len(tenants)])
            elif holders and act == "end":
                await it.finish(holders[number % len(holders)])
            elif requests and act == "give up":
                await it.give_up(requests[number % len(requests)])
            _shares_are_kept(it, places, most)
        await _all_are_served_in_turns(it)


def _shares_are_kept(it: Crowd, places: int, most: int) -> None:
    waiting = Counter(it._tenants[task] for task in it.requests())
    waiting.subtract(it.held)
    assert it.held.total() <= places
    assert max(it.held.values(), default=0) <= most
    if it.held.total() < places:
        assert all(it.held[tenant] == most for tenant, count in waiting.items() if count > 0), "a place lies idle"


async def _all_are_served_in_turns(it: Crowd) -> None:
    """Places go to who holds fewest; who holds none is passed over by every other tenant at most once."""
    passed_over: Counter[UUID] = Counter()
    others = len({it._tenants[task] for task in it.requests()}) - 1
    while requests := it.requests():
        waiting = Counter(it._tenants[task] for task in requests) - it.held
        before = len(it.served)
        await it.finish(it.holders()[0])
        for served in it.served[before:]:
            passed_over.update(tenant for tenant in waiting if not it.held[tenant] and tenant != served)
            del passed_over[served]
        assert max(passed_over.values(), default=0) <= max(others, 1)
