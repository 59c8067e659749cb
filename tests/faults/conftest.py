"""A stack whose services can be killed at points, and somebody who starts again what fell."""

import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path
from threading import Event

import pytest

from local_stack.demo.shop import Shop, open_shop
from local_stack.stack import Stack
from support.own_stack import own_stack
from support.waiting import until

HERE = Path(__file__).parent


@pytest.fixture(scope="module")
def crash_counts(session_folder: Path) -> Path:
    folder = session_folder / "crash-counts"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


@pytest.fixture(scope="module")
def stack(session_folder: Path, crash_counts: Path) -> Iterator[Stack]:
    """Everything is up, and only the restarter starts again what falls."""
    with own_stack(session_folder / "faults") as stack, pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", os.pathsep.join([str(HERE / "crash_injection"), str(HERE.parent)]))
        environment.setenv("CRASH_COUNTS", str(crash_counts))
        environment.setenv("WEDGED_S", "30")
        environment.setenv("LEASE_S", "5")
        stack.up()
        stack.kill(["supervisor"])
        with restarter(stack):
            yield stack


@pytest.fixture
def shop(stack: Stack) -> Iterator[Shop]:
    """A new tenant, once everything is up: a service may have fallen as the test before ended."""
    until(lambda: all(service.ready() for service in stack.present_services), "every service ready")
    with closing(open_shop(stack)) as shop:
        yield shop


@contextmanager
def restarter(stack: Stack) -> Iterator[None]:
    """Starts services again at once, however often they fall."""
    over = Event()

    def watch() -> None:
        while not over.wait(0.1):
            for service in stack.present_services:
                with service.process.exclusive():
                    if service.process.fell:
                        service.launch()

    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(watch)
        try:
            yield
        finally:
            over.set()
            watching.result()
