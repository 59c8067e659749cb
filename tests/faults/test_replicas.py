"""Two replicas of every service, rolled out and killed in turn while stories are played: relays and groups move."""

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, closing

import pytest

from faults.playing import play
from local_stack.addresses import OFFSETS, Addresses
from local_stack.demo.shop import open_shop
from local_stack.demo.story import Story
from local_stack.demo.teller import Teller
from local_stack.part import Part
from local_stack.programs import Service
from local_stack.stack import Stack
from local_stack.testing import free_port_base
from support.dead_letters import dead_letters
from support.replicas import replica

pytestmark = [pytest.mark.e2e, pytest.mark.verify, pytest.mark.timeout(900)]

STORIES = 3


@pytest.fixture
def replicas(stack: Stack) -> Iterator[list[Service]]:
    """A second one of each service, on ports of its own."""
    second = Addresses(free_port_base(OFFSETS.values()))
    made = [replica(stack, service.name, second, "2") for service in stack.present_services]
    with ThreadPoolExecutor(len(made)) as pool:
        list(pool.map(Part.start, made))
    yield made
    for service in made:
        service.stop()


@pytest.mark.invariant(1)
@pytest.mark.invariant(6)
@pytest.mark.invariant(8)
def test_stories_come_true_while_every_replica_is_rolled_out_and_killed(stack: Stack, replicas: list[Service]) -> None:
    pairs = list(zip(stack.present_services, replicas, strict=True))
    with ExitStack() as open_shops, ThreadPoolExecutor(STORIES) as pool:
        shops = [open_shops.enter_context(closing(open_shop(stack))) for _ in range(STORIES)]
        stories = [pool.submit(play, Story(shop, Teller())) for shop in shops]
        for first, second in pairs:
            roll_out(first, second)
        for first, second in pairs if not all(map(Future.done, stories)) else []:
            kill_in_turn(first, second)
        for story in stories:
            story.result()
        assert dead_letters(shops[0]) == {}


def roll_out(*replicas: Service) -> None:
    """One after another, as a platform does it: SIGTERM, and the next one when this one is ready again."""
    for service in replicas:
        service.stop()
        service.start()


def kill_in_turn(*replicas: Service) -> None:
    for service in replicas:
        service.kill()
        service.start()
