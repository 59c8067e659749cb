"""The furniture shop's story on all services and servers, undisturbed and with each of them killed on the way."""

import asyncio
from collections.abc import Collection
from contextlib import closing

import pytest
from aiokafka import AIOKafkaConsumer, TopicPartition

from contracts.topics import DEAD_LETTER_TOPICS
from local_stack.apply import Services, apply, read
from local_stack.demo.shop import EXAMPLE, Shop
from local_stack.demo.story import Story
from local_stack.demo.teller import Teller

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

EVERYWHERE = ("form", "documents", "payment", "won", "run now")
KILLED = {
    "kafka": EVERYWHERE,
    "postgres": EVERYWHERE,
    "temporal": ("form", "documents", "won", "run now"),
    "entity-service": EVERYWHERE,
    "rule-engine": EVERYWHERE,
    "doc-service": ("documents",),
    "comms-service": ("form", "documents"),
    "trigger-service": ("form", "payment"),
}
"""What is killed, and what has just been set going then."""


def test_applying_the_shop_again_changes_nothing(shop: Shop) -> None:
    documents = read(EXAMPLE, {"PAYMENT_SECRET": shop.stack.credentials.secrets.payment_secret})
    with closing(Services(shop.stack.addresses, shop.owner.token)) as services:
        once = apply(documents, services, lambda _: None)
        twice = apply(documents, services, lambda _: None)
    assert twice == once
    assert once["employee/manager"]["id"] == shop.ids["manager"]
    assert once["rule-set/sales"]["newest"] == 1


@pytest.mark.invariant(1)
@pytest.mark.invariant(4)
def test_the_story_comes_true_and_survives_that_everything_is_killed(shop: Shop) -> None:
    for step in Story(shop, Teller()).steps():
        step.play()
    assert dead_letters(shop) == {}


@pytest.mark.invariant(2)
@pytest.mark.invariant(6)
@pytest.mark.parametrize("part", KILLED)
def test_the_story_ends_the_same_and_each_effect_is_there_once_when_a_part_is_killed_on_the_way(
    shop: Shop, part: str
) -> None:
    story = Story(shop, Teller(), interlude=lambda moment: kill_and_start(shop, part, moment, KILLED[part]))
    story.send_form()
    story.get_sms()
    story.await_call()
    story.prepare_documents()
    story.pay()
    story.get_material()
    story.win()
    story.let_half_a_year_pass()
    story.count_effects()
    assert dead_letters(shop) == {}


def kill_and_start(shop: Shop, part: str, moment: str, moments: Collection[str]) -> None:
    if moment in moments:
        shop.stack.kill([part])
        shop.stack.start([part])


def dead_letters(shop: Shop) -> dict[str, int]:
    """How many messages were ever put aside, by topic."""
    return asyncio.run(_ends_of_dead_letter_topics(shop.stack.addresses.address("kafka")))


async def _ends_of_dead_letter_topics(bootstrap: str) -> dict[str, int]:
    consumer = AIOKafkaConsumer(bootstrap_servers=bootstrap)
    await consumer.start()
    try:
        places = [TopicPartition(topic.name, part) for topic in DEAD_LETTER_TOPICS for part in range(topic.partitions)]
        ends = await consumer.end_offsets(places)
    finally:
        await consumer.stop()
    return {place.topic: end for place, end in ends.items() if end}
