"""A whole stack of the tests' own: other ports, another folder, gone afterwards."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from local_stack.demo.shop import Shop, open_shop
from local_stack.demo.story import Story
from local_stack.demo.teller import Teller
from local_stack.stack import Stack
from support.own_stack import own_stack


@pytest.fixture(scope="package")
def stack(session_folder: Path) -> Iterator[Stack]:
    """Everything is up."""
    with own_stack(session_folder / "stack") as stack:
        stack.up()
        yield stack


@pytest.fixture
def shop(stack: Stack) -> Iterator[Shop]:
    """A new tenant; everything is up, whatever the test before did."""
    stack.start(["all"])
    with closing(open_shop(stack)) as shop:
        yield shop


@pytest.fixture(scope="package")
def played(stack: Stack) -> Iterator[Story]:
    """The story to its end; on the way providers failed, and everything was killed once."""
    stack.start(["all"])
    with closing(open_shop(stack)) as shop:
        shop.visitor.send("PUT", "sms", "/mode", json={"behaviour": "fail", "times": 1})
        shop.visitor.send("PUT", "mail", "/mode", json={"behaviour": "refuse_temporarily", "times": 1})
        story = Story(shop, Teller())
        for step in story.steps():
            step.play()
        yield story
