"""The furniture shop's story on all services and servers, undisturbed and with each server killed on the way."""

import os
import time
from collections.abc import Collection
from contextlib import closing

import pytest

from faults.playing import play
from local_stack.apply import Services, apply, read
from local_stack.demo.shop import EXAMPLE, Shop
from local_stack.demo.story import Story
from local_stack.demo.teller import Teller
from local_stack.plan import plan
from support.dead_letters import dead_letters
from support.waiting import until

LONG_S = float(os.environ.get("AWAY_S", "70"))
"""For how long a server is away: longer than any session, lease or time-out of ours lasts."""
LONG_AT = "documents"

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(830 + LONG_S)]

EVERYWHERE = ("form", "documents", "payment", "won", "run now")
KILLED = {"kafka": EVERYWHERE, "postgres": EVERYWHERE, "temporal": ("form", "documents", "won", "run now")}
"""What has just been set going when each server is killed; services have their own points in `tests/faults`."""


def test_applying_the_shop_again_changes_nothing(shop: Shop) -> None:
    documents = read(EXAMPLE, {"PAYMENT_SECRET": shop.stack.credentials.secrets.payment_secret})
    with closing(Services(shop.stack.addresses, shop.stack.credentials, shop.tenant)) as services:
        once = apply(documents, services, lambda _, __: None)
        planned = plan(documents, services)
        twice = apply(documents, services, lambda _, __: None)
    assert [one.words() for one in planned if one.change != "same"] == []
    assert twice == once
    assert once["employee/manager"]["id"] == shop.ids["manager"]
    assert once["rule-set/sales"]["newest"] == 1


@pytest.mark.invariant(1)
@pytest.mark.invariant(4)
def test_the_story_comes_true_though_providers_fail_and_everything_is_killed(played: Story) -> None:
    assert dead_letters(played.shop) == {}


@pytest.mark.verify
@pytest.mark.invariant(1)
@pytest.mark.invariant(4)
def test_the_story_comes_true_and_survives_that_everything_is_killed(shop: Shop) -> None:
    for step in Story(shop, Teller()).steps():
        step.play()
    assert dead_letters(shop) == {}


@pytest.mark.verify
@pytest.mark.invariant(2)
@pytest.mark.invariant(6)
@pytest.mark.invariant(10)
@pytest.mark.parametrize("server", KILLED)
def test_the_story_ends_the_same_and_each_effect_is_there_once_when_a_server_is_killed_on_the_way(
    shop: Shop, server: str
) -> None:
    story = Story(shop, Teller(), interlude=lambda moment: kill_and_start(shop, server, moment, KILLED[server]))
    play(story)
    assert dead_letters(shop) == {}


def kill_and_start(shop: Shop, server: str, moment: str, moments: Collection[str]) -> None:
    """At one of the moments it stays away for long."""
    if moment in moments:
        shop.stack.kill([server])
        back = time.monotonic() + (LONG_S if moment == LONG_AT else 0)
        until(lambda: time.monotonic() >= back, f"{server} to be away long enough", within_s=LONG_S + 1)
        shop.stack.start([server])
