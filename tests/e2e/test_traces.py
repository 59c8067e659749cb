"""What the trace collector has of a form that becomes an SMS, a stage change that becomes a mail with a document, and a
rule that was let go before its time."""

from collections.abc import Collection, Iterator
from typing import Any

import pytest

from local_stack.demo.shop import Shop
from local_stack.demo.story import Story
from local_stack.demo.teller import Teller
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.verify, pytest.mark.timeout(600)]

type Span = dict[str, Any]
type SpanPath = list[tuple[str, str]]
"""Service and name of every span from the root to one of them."""


@pytest.fixture
def story(shop: Shop) -> Story:
    """A visitor has sent the form and got an SMS."""
    story = Story(shop, Teller())
    story.send_form()
    story.get_sms()
    return story


def test_a_form_becomes_an_sms_in_one_tree(story: Story) -> None:
    (sms,) = story.seen.messages(story.deal, "sms")
    ways = whole_tree(story, sms["trace_id"], "POST sms-provider", "send crm.comms.commands.v1")
    assert ways["POST sms-provider"] == [
        ("trigger-service", "POST /f/{token}"),
        ("entity-service", "handle crm.item.create.v1"),
        ("rule-engine", "plan crm.item.stage_changed.v1"),
        ("rule-engine", "advance run"),
        ("comms-service", "handle crm.message.send.v1"),
        ("comms-service", "work deliver_sms"),
        ("comms-service", "POST sms-provider"),
    ]
    assert ways["send crm.comms.commands.v1"][-2:] == [
        ("rule-engine", "advance run"),
        ("rule-engine", "send crm.comms.commands.v1"),
    ]


def test_a_stage_change_becomes_a_mail_with_a_document_in_one_tree(story: Story) -> None:
    story.prepare_documents()
    ways = whole_tree(story, story.trace_id, "send mail", "render document", "GET /internal/files/{file_id}")
    assert ways["send mail"] == [
        ("entity-service", "PUT /v1/items/{id}/stage"),
        ("rule-engine", "plan crm.item.stage_changed.v1"),
        ("rule-engine", "advance run"),
        ("doc-service", "handle crm.document.create.v1"),
        ("doc-service", "work render"),
        ("rule-engine", "take in crm.command.done.v1"),
        ("rule-engine", "advance run"),
        ("comms-service", "handle crm.message.send.v1"),
        ("comms-service", "work deliver_email"),
        ("comms-service", "send mail"),
    ]
    assert ways["GET /internal/files/{file_id}"][-3:] == [
        ("comms-service", "work deliver_email"),
        ("comms-service", "GET doc-service"),
        ("doc-service", "GET /internal/files/{file_id}"),
    ]
    assert ways["render document"][-2:] == [("doc-service", "work render"), ("doc-service", "render document")]


def test_a_wait_that_an_operator_ends_is_part_of_his_request_and_linked_to_the_entry(story: Story) -> None:
    rule = story.seen.rule(story.deal, "new", "nobody_called")
    run = f"/v1/runs/{rule['run_id']}"
    path = f"{run}/rules/{rule['rule_id']}/run-now"
    order = story.shop.head.send("POST", "rule-engine", path, json={}).headers["trace-id"]
    until(lambda: story.seen.state(story.deal, "new", "nobody_called") == "done")
    seen = story.shop.head.get("rule-engine", run)
    assert seen["trace_ids"] == [seen["trace_id"], order]
    whole_tree(story, order, "advance run", "handle crm.notification.send.v1")
    (advance,) = [span for span in spans_of(story, order) if span["name"] == "advance run"]
    assert [link["trace_id"] for link in advance["links"]] == [seen["trace_id"]]
    assert advance["attributes"]["run_id"] == rule["run_id"]
    assert advance["attributes"]["item_id"] == story.deal


def whole_tree(story: Story, trace_id: str, *names: str) -> dict[str, SpanPath]:
    """The way to a span of every name, once the tree has one root and spans of these names."""
    until(lambda: _is_whole(story.seen.trace(trace_id)["roots"], names), f"one tree with {names}", within_s=60)
    (root,) = story.seen.trace(trace_id)["roots"]
    return {way[-1][1]: way for way in _ways(root, [])}


def _is_whole(roots: list[Span], names: Collection[str]) -> bool:
    """Services tell of their spans one after the other: what looks like the root may have a parent yet to come."""
    return [root["parent_id"] for root in roots] == [""] and {way[-1][1] for way in _ways(roots[0], [])} >= set(names)


def _ways(span: Span, above: SpanPath) -> Iterator[SpanPath]:
    way = [*above, (span["service"], span["name"])]
    yield way
    for child in span["children"]:
        yield from _ways(child, way)


def spans_of(story: Story, trace_id: str) -> list[Span]:
    def flat(spans: list[Span]) -> Iterator[Span]:
        for span in spans:
            yield span
            yield from flat(span["children"])

    return list(flat(story.seen.trace(trace_id)["roots"]))
