"""Publishing looks up what rules name of other services, and says so when those are away."""

from typing import Any

import httpx
import pytest

from contracts.named import ChannelName
from support.entity import NamedStandIn
from support.shop import rule, rule_set

URL = "/v1/rule-sets/sales"


def publishing(*rules: dict[str, Any]) -> dict[str, Any]:
    return rule_set(new=list(rules)) | {"publish": True}


def issues(answer: dict[str, Any], key: str) -> list[tuple[str, str]]:
    return [(one["where"], one["what"]) for one in answer[key]]


@pytest.mark.parametrize(
    ("written", "where", "what"),
    [
        (
            rule("it", "create_document", template="invioce"),
            "params.template",
            "there is no published template 'invioce': did you mean 'invoice'?",
        ),
        (
            rule("it", "send_sms", text="a", channel="smss"),
            "params.channel",
            "there is no sms channel 'smss': did you mean 'sms'?",
        ),
        (
            rule("it", "send_email", subject="a", text="a", channel="sms"),
            "params.channel",
            "there is no email channel 'sms': there are mail",
        ),
    ],
)
async def test_what_is_not_there_is_refused(
    author: httpx.AsyncClient, named: NamedStandIn, written: dict[str, Any], where: str, what: str
) -> None:
    answer = await author.put(URL, json=publishing(written))
    assert (answer.status_code, issues(answer.json(), "errors")) == (422, [(f"stages.new.rules[0].{where}", what)])


async def test_what_is_there_is_published_without_a_word(author: httpx.AsyncClient, named: NamedStandIn) -> None:
    rules = (rule("a", "create_document", template="invoice"), rule("b", "send_sms", text="a", channel="sms"))
    answer = await author.put(URL, json=publishing(*rules))
    assert (answer.status_code, answer.json()["warnings"]) == (200, [])


async def test_no_default_channel_is_warned_of(author: httpx.AsyncClient, named: NamedStandIn) -> None:
    named.channels = (ChannelName(code="sms", kind="sms"),)
    answer = await author.put(URL, json=publishing(rule("it", "send_sms", text="a")))
    assert issues(answer.json(), "warnings") == [
        (
            "stages.new.rules[0].params.channel",
            "there is no default sms channel, so nothing is sent: make one, or name one here",
        )
    ]


async def test_an_outage_refuses_nothing_and_is_said(author: httpx.AsyncClient, named: NamedStandIn) -> None:
    named.away = True
    answer = await author.put(URL, json=publishing(rule("it", "create_document", template="invioce")))
    ((where, what),) = issues(answer.json(), "warnings")
    assert (answer.status_code, where) == (200, "stages")
    assert what.startswith("templates that rules name were not looked up: ")
