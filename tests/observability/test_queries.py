"""Every query of every dashboard gives data after the first story, but for what that story has no occasion to count."""

import math
import time
from typing import Any

import httpx
import pytest

from local_stack.demo.story import Story
from local_stack.observability import Query, links, queries
from local_stack.stack import Stack

pytestmark = [pytest.mark.observability, pytest.mark.timeout(600)]

STEP_S = 2
"""How often the stack's Prometheus looks."""
FAULTS = {
    ("overview", "Requests that failed"): "no request failed",
    ("overview", "Calls that failed"): "no call failed",
    ("authors", "Rules refused or failed, by type"): "no rule was refused, none failed",
}
"""Their labels cannot be known before there is a fault."""
NOT_PLAYED = {
    ("overview", "Certificates end in"): "the local stack has none",
    ("overview", "Rules in time"): "the one rule that waits is let go by a person before it is due",
    ("overview", "Lateness of rules"): "the same",
    ("rule-engine", "Lateness"): "the same",
    ("entity-service", "Calls of others"): "no payment or carrier's provider is asked",
    ("entity-service", "Time of an attempt"): "only providers are asked by leased work",
    ("rule-engine", "Time of an attempt"): "no workflow is started, no rule set applied to items that are there",
    ("trigger-service", "Time of an attempt"): "the form is judged at once, no webhook is called",
}


class Prometheus:
    def __init__(self, stack: Stack) -> None:
        self._url = stack.addresses.url("prometheus") + "/api/v1"

    def ask(self, path: str, **params: Any) -> Any:
        answer = httpx.get(f"{self._url}/{path}", params=params, timeout=30)
        assert answer.status_code == 200, f"{params}: {answer.text}"
        return answer.json()["data"]

    def has_data(self, query: Query, since: float) -> bool:
        """A number that is one, at any time of the story."""
        found = self.ask("query_range", query=query.expression, start=since, end=time.time(), step=STEP_S)
        return any(not math.isnan(float(value)) for series in found["result"] for _, value in series["values"])


def test_every_query_gives_data(stack: Stack, played: Story) -> None:
    prometheus, since = Prometheus(stack), time.time() - 400
    time.sleep(4 * STEP_S)  # the last of it is counted, and was looked at twice
    asked = list(queries())
    assert {query.dashboard for query in asked} >= {"overview", "authors", *(one.name for one in stack.services)}
    empty = {(one.dashboard, one.panel): one.expression for one in asked if not prometheus.has_data(one, since)}
    allowed = FAULTS | NOT_PLAYED
    assert not (unexpected := empty.keys() - allowed.keys()), [f"{place}: {empty[place]}" for place in unexpected]
    assert not (superfluous := allowed.keys() - empty.keys()), f"has data: {superfluous}"


def test_what_may_be_empty_is_of_families_that_are_exported(stack: Stack, played: Story) -> None:
    prometheus = Prometheus(stack)
    families = {name: one[0]["type"] for name, one in prometheus.ask("metadata").items()}
    assert (
        families["http_request_seconds"] == families["http_client_seconds"] == families["work_seconds"] == "histogram"
    )
    targets = prometheus.ask("targets")["activeTargets"]
    assert sorted((one["labels"]["service"], one["health"]) for one in targets) == [
        (service.name, "up") for service in sorted(stack.services, key=lambda one: one.name)
    ]


def test_links_lead_to_pages(stack: Stack) -> None:
    found = dict(links(stack.addresses))
    assert len(found) >= 10
    for title, url in found.items():
        assert httpx.get(url, follow_redirects=True).status_code == 200, title
