"""Every service killed at every point of the way from a stage change to its effect, once."""

from pathlib import Path

import pytest

from faults.matrix import survive
from faults.points import Point, rounds
from local_stack.demo.shop import Shop

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.mark.invariant(1)
@pytest.mark.invariant(2)
@pytest.mark.invariant(3)
@pytest.mark.invariant(4)
@pytest.mark.invariant(6)
@pytest.mark.parametrize("points", rounds(), ids=lambda points: f"{points[0].name} …")
def test_the_story_ends_the_same_when_services_die_between_two_steps(
    shop: Shop, deaths: Path, points: tuple[Point, ...]
) -> None:
    survive(shop, deaths, points, times=1)
