"""A tenant sends only from domains that are shown to be its own, by DNS or by the platform."""

from typing import Any
from uuid import uuid4

import httpx
import pytest

from contracts.messages.results import CommandDone, CommandRefused
from integration.comms_service.harness import Shop
from support.nameserver import BROKEN
from support.quotas import allow

DOMAINS = "/v1/sender-domains"
NEWS = {"kind": "email", "name": "News", "sender_address": "news@letters.example", "default": True}


async def put(author: httpx.AsyncClient, domain: str = "letters.example") -> Any:
    answer = await author.put(f"{DOMAINS}/{domain}", json={})
    assert answer.is_success, answer.text
    return answer.json()


async def check(author: httpx.AsyncClient, domain: str = "letters.example") -> Any:
    answer = await author.post(f"{DOMAINS}/{domain}/check")
    assert answer.status_code == 200, answer.text
    return answer.json()


def publish(shop: Shop, view: Any, *more: str) -> str:
    """The owner of the domain sets the record; returns its name."""
    name: str = view["record"]["name"]
    shop.harness.records[name] = ["v=spf1 -all", *more, view["record"]["value"]]
    return name


async def prove(shop: Shop, author: httpx.AsyncClient, domain: str = "letters.example") -> str:
    name = publish(shop, await put(author, domain))
    assert (await check(author, domain))["usable"]
    return name


async def test_a_channel_sends_from_a_domain_once_dns_shows_whose_it_is(shop: Shop) -> None:
    async with shop.client("author", sub="anna") as author:
        refused = await author.put("/v1/channels/news", json=NEWS)
        assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "body.sender_address")
        assert "PUT /v1/sender-domains/letters.example" in refused.text
        view = await put(author)
        assert (view["usable"], view["proven_at"], view["added_by"]) == (False, None, "anna")
        record = view["record"]
        assert (record["type"], record["name"]) == ("TXT", "_stagewright-challenge.letters.example")
        named = (await author.put("/v1/channels/news", json=NEWS)).json()["errors"][0]["what"]
        assert record["name"] in named
        assert record["value"] in named
        assert record["name"] in (await check(author))["problem"]
        publish(shop, view)
        proven = await check(author)
        assert (proven["usable"], proven["problem"], proven["checked_by"]) == (True, None, "anna")
        assert (await author.put("/v1/channels/news", json=NEWS)).is_success
        assert await put(author) == proven, "asked again, it is the same record"
    sent = await shop.send("email")
    assert isinstance(await shop.harness.final(sent), CommandDone)


async def test_a_domain_whose_record_is_gone_stops_sending_and_says_how_it_may_again(shop: Shop) -> None:
    async with shop.client("author") as author:
        name = await prove(shop, author)
        assert (await author.put("/v1/channels/news", json=NEWS)).is_success
        del shop.harness.records[name]
        lost = await check(author)
        assert (lost["usable"], lost["proven_at"]) == (False, None)
        refused = await shop.harness.final(await shop.send("email"))
        assert isinstance(refused, CommandRefused)
        assert f"set the TXT record {name}" in refused.reason
        assert (await author.put("/v1/channels/news", json=NEWS)).status_code == 422
        archived = NEWS | {"archived": True, "default": False}
        assert (await author.put("/v1/channels/news", json=archived)).is_success, "what does not send can be put away"


async def test_a_domain_that_is_lost_while_a_mail_waits_does_not_send_it(shop: Shop) -> None:
    async with shop.client("author") as author:
        name = await prove(shop, author)
        assert (await author.put("/v1/channels/news", json=NEWS)).is_success
        await shop.harness.peers.mail.put("/mode", json={"behaviour": "refuse_temporarily"})
        sent = await shop.send("email")
        await shop.attempts(sent, ended=1)
        del shop.harness.records[name]
        await check(author)
    refused = await shop.harness.final(sent)
    assert isinstance(refused, CommandRefused)
    assert "nobody has shown that letters.example is yours" in refused.reason


async def test_a_dns_that_cannot_be_asked_changes_nothing(shop: Shop) -> None:
    async with shop.client("author") as author:
        name = await prove(shop, author)
        shop.harness.records[name] = BROKEN
        view = await check(author)
        assert (view["usable"], "could not be asked" in view["problem"]) == (True, True)


async def test_each_tenant_shows_for_itself_and_may_show_the_same_domain(shop: Shop) -> None:
    async with shop.client("author") as author, shop.harness.service_environment.caller(uuid4(), "author") as other:
        mine, theirs = await put(author), await put(other)
        assert mine["record"]["name"] == theirs["record"]["name"]
        assert mine["record"]["value"] != theirs["record"]["value"]
        publish(shop, mine)
        assert (await check(author))["usable"]
        assert not (await check(other))["usable"]
        assert (await other.put("/v1/channels/news", json=NEWS)).status_code == 422
        publish(shop, theirs, mine["record"]["value"])
        assert (await check(other))["usable"]
        assert (await check(author))["usable"]


async def test_parts_of_a_domain_are_covered_and_nothing_else_is(shop: Shop) -> None:
    async with shop.client("author") as author:
        await prove(shop, author, "Büro.LETTERS.example.")
        (view,) = [one for one in (await author.get(DOMAINS)).json()["items"] if one["usable"] and one["proven_at"]]
        assert view["domain"] == "xn--bro-hoa.letters.example"
        for address, status in (
            ("a@büro.letters.example", 200),
            ("a@Mail.BÜRO.letters.example", 200),
            ("a@letters.example", 422),
            ("a@xbüro.letters.example", 422),
        ):
            answer = await author.put("/v1/channels/news", json=NEWS | {"sender_address": address})
            assert answer.status_code == status, address


@pytest.mark.parametrize("domain", ["example", "localhost", "192.0.2.1", "a b.example", "x" * 64 + ".example"])
async def test_what_no_mail_can_come_from_is_no_sender_domain(shop: Shop, domain: str) -> None:
    async with shop.client("author") as author:
        refused = await author.put(f"{DOMAINS}/{domain}", json={})
        assert (refused.status_code, refused.json()["errors"][0]["where"]) == (422, "path.domain")


async def test_the_platform_vouches_and_withdraws(shop: Shop) -> None:
    service_environment = shop.harness.service_environment
    path = f"{service_environment.internal_url}/internal/sender-domains/{shop.tenant}/letters.example"
    async with (
        httpx.AsyncClient(headers=service_environment.as_platform("olga")) as platform,
        shop.client("author") as author,
    ):
        vouched = (await platform.put(path)).json()
        assert (vouched["usable"], vouched["vouched_by"], vouched["proven_at"]) == (True, "olga", None)
        assert (await author.put("/v1/channels/news", json=NEWS)).is_success
        assert (await check(author))["usable"], "that DNS does not show it takes nothing back"
        assert (await platform.delete(path)).status_code == 204
        assert not (await author.get(f"{DOMAINS}/letters.example")).json()["usable"]
        assert (await platform.delete(path.replace("letters", "others"))).status_code == 404
    assert isinstance(await shop.harness.final(await shop.send("email")), CommandRefused)


async def test_a_domain_that_is_removed_sends_no_more_and_has_another_record_when_it_is_back(shop: Shop) -> None:
    async with shop.client("author") as author:
        before = (await author.get(f"{DOMAINS}/shop.example")).json()
        assert before["usable"]
        assert (await author.delete(f"{DOMAINS}/shop.example")).status_code == 204
        assert isinstance(await shop.harness.final(await shop.send("email")), CommandRefused)
        assert (await author.get(f"{DOMAINS}/shop.example")).status_code == 404
        after = await put(author, "shop.example")
    assert (after["usable"], after["record"]["value"] == before["record"]["value"]) == (False, False)


async def test_a_tenant_has_so_many_domains_and_those_that_there_are_can_be_put_again(shop: Shop) -> None:
    async with httpx.AsyncClient() as http, shop.client("author") as author:
        await allow(http, shop.harness.service_environment, shop.tenant, "sender_domains", 1)
        refused = await author.put(f"{DOMAINS}/letters.example", json={})
        assert (refused.status_code, "quota sender_domains: at most 1" in refused.json()["detail"]) == (409, True)
        await put(author, "shop.example")
