"""Every service killed at every point of the way from a stage change to its effect, once and twice in a row."""

from pathlib import Path

import pytest

from faults.points import Point, rounds
from local_stack.demo.shop import Shop
from local_stack.demo.story import Story
from local_stack.demo.teller import Teller
from support.dead_letters import dead_letters

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]


@pytest.mark.invariant(1)
@pytest.mark.invariant(2)
@pytest.mark.invariant(3)
@pytest.mark.invariant(4)
@pytest.mark.invariant(6)
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("points", rounds(), ids=lambda points: f"{points[0].name} …")
def test_the_story_ends_the_same_when_services_die_between_two_steps(
    shop: Shop, deaths: Path, points: tuple[Point, ...], times: int
) -> None:
    for point in points:
        point.deaths(deaths).write_text(str(times))
    story = Story(shop, Teller())
    story.send_form()
    story.get_sms()
    story.await_call()
    story.prepare_documents()
    story.pay()
    story.get_material()
    story.win()
    story.let_half_a_year_pass()
    story.count_effects()
    left = {point.deaths(deaths).name: int(point.deaths(deaths).read_text()) for point in points}
    assert left == dict.fromkeys(left, 0), "a point that nobody reached shows nothing"
    assert dead_letters(shop) == {}
