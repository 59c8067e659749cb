"""A stack with its monitors, in which the first story was played."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local_stack.demo.shop import Shop, open_shop
from local_stack.demo.story import Story
from local_stack.demo.teller import Teller
from local_stack.stack import Stack
from support.own_stack import own_stack


@pytest.fixture(scope="session")
def stack(session_folder: Path) -> Iterator[Stack]:
    with own_stack(session_folder / "observed") as stack:
        stack.up(observability=True)
        yield stack


UNTIL_THE_KILL = 6
"""Steps of the story."""


@pytest.fixture(scope="session")
def played(stack: Stack) -> Iterator[Story]:
    """The whole story, after its first part in another shop: what happens for the first time is no rise yet."""
    with closing(open_shop(stack)) as first, closing(open_shop(stack)) as second:
        story = Story(second, Teller())
        for step in (*Story(first, Teller()).steps()[:UNTIL_THE_KILL], *story.steps()):
            step.play()
        yield story


@pytest.fixture
def shop(stack: Stack) -> Iterator[Shop]:
    with closing(open_shop(stack)) as shop:
        yield shop
