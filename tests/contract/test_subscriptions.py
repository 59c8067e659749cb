"""The groups that a topic names are those that read it: topics, dead-letter topics and documents are made from them."""

from typing import Any

import pytest

from contract.openapi import SERVICES, make_application
from contracts.kit.broker import Subscription
from contracts.kit.service import Service
from contracts.topics import TOPICS


def test_a_topic_names_the_services_that_read_it_and_no_others(monkeypatch: pytest.MonkeyPatch) -> None:
    readers: dict[str, set[str]] = {topic.name: set() for topic in TOPICS}

    def note(service: Service, subscription: Subscription[Any]) -> None:
        for topic in subscription.topics:
            readers[topic.name].add(service.name)

    monkeypatch.setattr(Service, "consume", note)
    for service in SERVICES:
        make_application(service)
    assert readers == {topic.name: set(topic.groups) for topic in TOPICS}
