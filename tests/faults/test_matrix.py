"""Every service killed at every point of the way from a stage change to its effect, once and twice in a row."""

import asyncio
from pathlib import Path

import pytest

from faults.playing import play
from faults.points import POINTS, TAKEN_IN, Point, rounds
from local_stack.demo.shop import Shop
from local_stack.demo.story import Story
from local_stack.demo.teller import Teller
from support.dead_letters import dead_letters
from support.groups import lag, read_so_far, rewind
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.verify, pytest.mark.timeout(900)]


@pytest.mark.invariant(1)
@pytest.mark.invariant(2)
@pytest.mark.invariant(3)
@pytest.mark.invariant(4)
@pytest.mark.invariant(6)
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("points", rounds(), ids=lambda points: f"{points[0].name} …")
def test_the_story_ends_the_same_when_services_die_between_two_steps(
    shop: Shop, crash_counts: Path, points: tuple[Point, ...], times: int
) -> None:
    for point in points:
        point.crash_counts(crash_counts).write_text(str(min(times, point.at_most)))
    play(Story(shop, Teller()))
    left = {point.crash_counts(crash_counts).name: point.crash_counts(crash_counts).read_text() for point in points}
    assert left == dict.fromkeys(left, "0"), "a point that nobody reached shows nothing"
    assert dead_letters(shop) == {}


@pytest.mark.invariant(10)
def test_a_consumer_that_hangs_ends_its_process_and_its_successor_does_the_work(shop: Shop, crash_counts: Path) -> None:
    point = next(point for point in POINTS if point.target == TAKEN_IN)
    point.crash_counts(crash_counts).write_text("hang")
    play(Story(shop, Teller()))
    assert point.crash_counts(crash_counts).read_text() == "0"
    assert "a consumer is wedged; the process ends" in (shop.logs / "rule-engine.log").read_text()


@pytest.mark.invariant(7)
def test_all_topics_read_again_from_their_beginning_change_nothing(shop: Shop) -> None:
    story = Story(shop, Teller())
    play(story)
    kafka, services = shop.stack.addresses.address("kafka"), shop.stack.present_services
    places = asyncio.run(read_so_far(kafka, [service.name for service in services]))
    assert set(places) == {service.name for service in services}
    for service in services:
        service.stop()  # it leaves its group, whose place can be changed then
    asyncio.run(rewind(kafka, places))
    assert asyncio.run(lag(kafka, places)) > 100
    shop.stack.start(places)
    until(lambda: asyncio.run(lag(kafka, places)) == 0, "all of it read again")
    story.count_effects()
    assert dead_letters(shop) == {}
