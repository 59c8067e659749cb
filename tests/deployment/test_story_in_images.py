"""The furniture shop's story on the images of all five services, started as the chart starts them."""

from collections.abc import Iterator
from contextlib import closing
from functools import partial
from pathlib import Path

import psutil
import pytest

from deployment.container_stack import Containers, ContainerStack, docker_api
from deployment.podman import podman
from local_stack.addresses import SERVICES
from local_stack.demo.shop import Shop, open_shop
from local_stack.demo.story import Story
from local_stack.demo.teller import Teller
from local_stack.stack import Stack
from support.dead_letters import dead_letters
from support.own_stack import own_stack

pytestmark = [pytest.mark.images, pytest.mark.timeout(1800)]

ACCOUNT = 65532
TWO_PROCESSES = 200
"""From so many items on a second process simulates a part of them."""


@pytest.fixture(scope="module")
def stack(session_folder: Path) -> Iterator[Stack]:
    engine = podman()
    images = {service: engine.build(service) for service in SERVICES}
    with docker_api(session_folder / "podman") as api:
        kind = partial(ContainerStack, Containers(images, api))
        with own_stack(session_folder / "containers", kind) as stack:
            stack.up()
            yield stack


@pytest.fixture
def shop(stack: Stack) -> Iterator[Shop]:
    with closing(open_shop(stack)) as shop:
        yield shop


def test_services_have_no_privilege_and_nothing_to_write_to(stack: Stack) -> None:
    for service in stack.services:
        process = psutil.Process(service.process.pid)
        assert set(process.uids()) == {ACCOUNT}
        lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
        status = dict(line.split(":\t", 1) for line in lines if ":\t" in line)
        assert int(status["CapBnd"], 16) == 0
        assert status["NoNewPrivs"] == "1"
        root = Path(f"/proc/{process.pid}/mountinfo").read_text().splitlines()[0].split()
        assert (root[4], "ro" in root[5].split(",")) == ("/", True)


def test_the_story_comes_true_and_survives_that_everything_is_killed(shop: Shop) -> None:
    for step in Story(shop, Teller()).steps():
        step.play()
    assert dead_letters(shop) == {}


def test_processes_for_simulations_are_forked_in_the_image(shop: Shop) -> None:
    item = {"pipeline": "sales", "stage": "new", "client": {"first_name": "Ada", "phone": "+493012345678"}}
    asked = {"days": 30, "items": {"given": [item | {"copies": TWO_PROCESSES}], "every_seconds": 60}}
    found = shop.owner.send("POST", "rule-engine", "/v1/simulations", json=asked, timeout=900).json()
    assert found["totals"]["items"] == TWO_PROCESSES
    assert found["totals"]["commands"] >= TWO_PROCESSES
