"""One round of the matrix: services die at some points, and the story ends as if nothing had been."""

from pathlib import Path

from faults.playing import play
from faults.points import Point
from local_stack.demo.shop import Shop
from local_stack.demo.story import Story
from local_stack.demo.teller import Teller
from support.dead_letters import dead_letters


def survive(shop: Shop, deaths: Path, points: tuple[Point, ...], times: int) -> None:
    """Each service dies so many times in a row at each of its points, or as often as the point can be reached."""
    for point in points:
        point.deaths(deaths).write_text(str(min(times, point.at_most)))
    play(Story(shop, Teller()))
    left = {point.deaths(deaths).name: point.deaths(deaths).read_text() for point in points}
    assert left == dict.fromkeys(left, "0"), "a point that nobody reached shows nothing"
    assert dead_letters(shop) == {}
