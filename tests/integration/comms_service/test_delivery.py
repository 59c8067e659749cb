"""Messages to providers: each command is one message, whatever fails on the way."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from comms_service.domain.messages import message_id
from contracts.kit.clock import new_id
from contracts.messages.results import CommandDone, CommandFailed, CommandRefused
from integration.comms_service.harness import EMAIL, PHONE, Shop
from support.processes import Program
from support.waiting import eventually


async def test_an_sms_is_accepted_then_delivered(shop: Shop) -> None:
    sent = await shop.send("sms", to="+49 (30) 90-1820", text="Hello Anna")
    assert await shop.harness.final(sent) == CommandDone(
        command_id=sent, outputs={"message_id": str(message_id(shop.tenant, sent)), "sent_to": PHONE}
    )
    (taken,) = await shop.sms(sent)
    assert (taken["to"], taken["text"], taken["reference"]) == (PHONE, "Hello Anna", str(message_id(shop.tenant, sent)))
    await shop.reaches(sent, "delivered")
    message = await shop.message(sent)
    assert [step["status"] for step in message["history"]] == ["queued", "accepted", "delivered"]
    assert [(a["outcome"], a["provider_id"]) for a in message["attempts"]] == [("accepted", taken["id"])]
    assert len(message["trace_id"]) == 32


async def test_a_mail_arrives_with_its_attachment(shop: Shop) -> None:
    file = shop.harness.file_stub.put(shop.tenant, b"%PDF-1.7 an invoice")
    sent = await shop.send(
        "email", to_name="Anna", subject="Your invoice", text="Hello", html="<p>Hello</p>", attachments=(file,)
    )
    assert isinstance(await shop.harness.final(sent), CommandDone)
    (mail,) = await shop.mails(sent)
    assert mail["headers"]["From"] == "The Shop <office@shop.example>"
    assert mail["headers"]["To"] == f"Anna <{EMAIL}>"
    assert mail["headers"]["Subject"] == "Your invoice"
    assert (mail["text"].strip(), mail["html"].strip()) == ("Hello", "<p>Hello</p>")
    assert mail["attachments"] == [{"filename": "invoice.pdf", "content_type": "application/pdf", "size": 19}]
    assert shop.harness.statuses(sent) == ["accepted"]


@pytest.mark.invariant(2)
async def test_the_same_command_again_tells_its_stored_result_and_sends_nothing(shop: Shop) -> None:
    sent = await shop.send("sms")
    first = await shop.harness.final(sent)
    await shop.send("sms", id=sent, text="something else")

    async def published_twice() -> bool:
        return len(shop.harness.kafka_probe.answers(sent)) == 2

    await eventually(published_twice, "the second result")
    one, two = shop.harness.kafka_probe.answers(sent)
    assert (one.id, one.time, one.data) == (two.id, two.time, first)
    assert len(await shop.sms(sent)) == 1


async def test_a_broken_provider_is_asked_again_with_the_same_key(shop: Shop) -> None:
    await shop.harness.peers.sms.put("/mode", json={"behaviour": "fail", "times": 1})
    sent = await shop.send("sms")
    assert isinstance(await shop.harness.final(sent), CommandDone)
    assert len(await shop.sms(sent)) == 1
    assert await shop.attempts(sent, ended=2) == ["in_doubt", "accepted"]
    assert [answer.type for answer in shop.harness.kafka_probe.answers(sent)] == [
        "crm.command.progress.v1",
        "crm.command.done.v1",
    ]


async def test_a_mail_server_that_is_busy_is_asked_again(shop: Shop) -> None:
    await shop.harness.peers.mail.put("/mode", json={"behaviour": "refuse_temporarily", "times": 1})
    sent = await shop.send("email", subject="Hello")
    assert isinstance(await shop.harness.final(sent), CommandDone)
    assert len(await shop.mails(sent)) == 1
    assert await shop.attempts(sent, ended=2) == ["not_taken", "accepted"]


async def test_a_mail_server_that_hangs_up_after_its_yes_has_the_mail_once(shop: Shop) -> None:
    await shop.harness.peers.mail.put("/mode", json={"behaviour": "drop_after_reply", "times": 1})
    sent = await shop.send("email")
    assert isinstance(await shop.harness.final(sent), CommandDone)
    assert len(await shop.mails(sent)) == 1
    assert await shop.attempts(sent, ended=1) == ["accepted"]


async def test_a_mail_whose_answer_was_lost_comes_again_as_the_same_mail(shop: Shop) -> None:
    """The boundary that SMTP leaves; the README states it."""
    await shop.harness.peers.mail.put("/mode", json={"behaviour": "drop_before_reply", "times": 1})
    sent = await shop.send("email")
    assert isinstance(await shop.harness.final(sent), CommandDone)
    first, second = await shop.mails(sent)
    assert first["headers"]["Message-ID"] == second["headers"]["Message-ID"]
    assert first["headers"]["Date"] == second["headers"]["Date"]
    assert await shop.attempts(sent, ended=2) == ["in_doubt", "accepted"]


async def test_a_mail_server_that_says_never_ends_the_matter(shop: Shop) -> None:
    await shop.harness.peers.mail.put("/mode", json={"behaviour": "refuse_for_good", "times": 1})
    sent = await shop.send("email")
    failed = await shop.harness.final(sent)
    assert failed == CommandFailed(
        command_id=sent, reason="the mail server refused the mail for good (550)", retryable=False
    )
    assert shop.harness.statuses(sent) == ["failed"]


@pytest.mark.parametrize(
    ("behaviour", "retryable", "words"),
    [
        ("limit", True, "given up after 3 attempts; the last one: the SMS provider answered 429"),
        ("fail", False, "the provider may have the message all the same"),
    ],
)
async def test_what_is_given_up_may_be_tried_anew_only_if_it_is_surely_not_out(
    shop: Shop, behaviour: str, retryable: bool, words: str
) -> None:
    await shop.harness.peers.sms.put("/mode", json={"behaviour": behaviour, "retry_after_s": 0})
    sent = await shop.send("sms")
    failed = await shop.harness.final(sent)
    assert isinstance(failed, CommandFailed)
    assert failed.retryable is retryable
    assert words in failed.reason
    assert PHONE not in failed.reason
    assert await shop.sms(sent) == []
    assert (await shop.message(sent))["status"] == "failed"


async def test_attachments_that_are_not_there_or_not_the_same_fail_for_good(shop: Shop) -> None:
    file = shop.harness.file_stub.put(shop.tenant, b"one")
    others = shop.harness.file_stub.put(uuid4(), b"another tenant's")
    changed = file.model_copy(update={"sha256": "0" * 64})
    for bad, words in ((others, "there is no such file"), (changed, "sha256 differs")):
        sent = await shop.send("email", attachments=(bad,))
        failed = await shop.harness.final(sent)
        assert isinstance(failed, CommandFailed)
        assert not failed.retryable
        assert words in failed.reason
        assert await shop.mails(sent) == []


async def test_files_that_cannot_be_read_now_are_read_later(shop: Shop) -> None:
    shop.harness.file_stub.broken = 1
    sent = await shop.send("email", attachments=(shop.harness.file_stub.put(shop.tenant, b"one"),))
    assert isinstance(await shop.harness.final(sent), CommandDone)
    assert await shop.attempts(sent, ended=2) == ["not_taken", "accepted"]


@pytest.mark.parametrize(
    ("kind", "changes", "words"),
    [
        ("sms", {"channel": "nowhere"}, "PUT /v1/channels/{code}"),
        ("sms", {"channel": "office"}, "there is no sms channel 'office'"),
        ("sms", {"to": "030 901820"}, "country code"),
        ("email", {"to": "nobody"}, "name@domain.example"),
        ("email", {"subject": "Hi\x1bBcc: x@example.org"}, "control character U+001B"),
        ("email", {"text": "\x00"}, "null character"),
        ("sms", {"text": ""}, "empty"),
    ],
)
async def test_what_cannot_be_sent_is_refused_with_what_to_do(
    shop: Shop, kind: str, changes: dict[str, Any], words: str
) -> None:
    sent = await shop.send(kind, **changes)
    refused = await shop.harness.final(sent)
    assert isinstance(refused, CommandRefused)
    assert words in refused.reason
    assert await shop.message(sent) == {}


async def test_without_a_channel_a_message_is_refused_with_what_to_do(shop: Shop) -> None:
    async with shop.client("author") as author:
        await author.put("/v1/channels/texts", json={"kind": "sms", "name": "Texts", "archived": True})
    default = await shop.harness.final(await shop.send("sms"))
    named = await shop.harness.final(await shop.send("sms", channel="texts"))
    assert isinstance(default, CommandRefused)
    assert isinstance(named, CommandRefused)
    assert default.reason == "there is no default channel of kind sms: PUT /v1/channels/{code} with default true"
    assert "archived" in named.reason


@pytest.mark.invariant(3)
async def test_a_cancelled_message_that_nobody_has_is_not_sent(shop: Shop) -> None:
    await shop.harness.peers.sms.put("/mode", json={"behaviour": "limit", "times": 1, "retry_after_s": 3600})
    sent = await shop.send("sms")
    assert await shop.attempts(sent, ended=1) == ["not_taken"]
    await shop.cancel(sent)
    assert await shop.harness.final(sent) == CommandRefused(command_id=sent, reason="cancelled")
    assert shop.harness.statuses(sent) == ["cancelled"]
    assert (
        await shop.harness.service_environment.sql("SELECT FROM work WHERE id = $1", message_id(shop.tenant, sent))
        == []
    )


async def test_a_command_that_is_cancelled_before_it_comes_does_nothing(shop: Shop) -> None:
    early = new_id()
    await shop.cancel(early)
    await shop.send("sms", id=early)
    last = await shop.harness.final(await shop.send("sms"))
    assert isinstance(last, CommandDone)
    assert await shop.harness.final(early) == CommandRefused(command_id=early, reason="cancelled")
    assert await shop.sms(early) == []


@pytest.mark.invariant(3)
async def test_a_message_that_may_be_out_is_not_called_cancelled(shop: Shop) -> None:
    await shop.harness.peers.sms.put("/mode", json={"behaviour": "fail", "times": 1})
    sent = await shop.send("sms")
    await shop.attempts(sent, ended=1)
    await shop.cancel(sent)
    assert isinstance(await shop.harness.final(sent), CommandDone)
    assert len(await shop.sms(sent)) == 1
    assert "cancelled" not in shop.harness.statuses(sent)


async def test_cancelling_during_an_attempt_takes_effect_when_the_attempt_reached_nobody(shop: Shop) -> None:
    shop.harness.peers.gate.open.clear()
    await shop.harness.peers.sms.put("/mode", json={"behaviour": "limit", "times": 1, "retry_after_s": 3600})
    sent = await shop.send("sms")

    async def under_way() -> bool:
        return bool((await shop.message(sent)).get("attempts"))

    async def asked() -> bool:
        rows = await shop.harness.service_environment.sql(
            "SELECT cancel_asked FROM messages WHERE command_id = $1", sent
        )
        return bool(rows[0]["cancel_asked"])

    try:
        await eventually(under_way, "the attempt")
        await shop.cancel(sent)
        await eventually(asked, "the cancellation")
        assert shop.harness.kafka_probe.answers(sent) == []
    finally:
        shop.harness.peers.gate.open.set()
    assert await shop.harness.final(sent) == CommandRefused(command_id=sent, reason="cancelled")


@pytest.mark.verify
@pytest.mark.invariant(6)
async def test_a_process_killed_after_the_provider_took_the_sms_doubles_nothing(shop: Shop) -> None:
    harness = shop.harness
    await harness.stop()
    process = Program("comms_service", harness.settings)
    await process.start()
    harness.peers.gate.open.clear()
    try:
        sent = await shop.send("sms")

        async def taken() -> bool:
            return bool(await shop.sms(sent))

        await eventually(taken, "the SMS")
        await process.kill()
    finally:
        await process.stop()
        harness.peers.gate.open.set()
        await harness.service_environment.sql("UPDATE work SET leased_until = now() - interval '1 second'")
        await harness.start()
    assert isinstance(await harness.final(sent), CommandDone)
    assert len(await shop.sms(sent)) == 1
    assert len(harness.kafka_probe.answers(sent)) == 1


async def test_an_answer_that_cannot_be_stored_yet_is_kept_and_the_mail_not_sent_again(shop: Shop) -> None:
    await shop.harness.peers.mail.put("/mode", json={"delay_s": 0.3, "times": 1})
    blocker = await asyncpg.connect(shop.harness.service_environment.superuser_dsn)
    sent = await shop.send("email")

    async def under_way() -> bool:
        return bool((await shop.message(sent)).get("attempts"))

    await eventually(under_way, "the attempt")
    async with blocker.transaction():
        await blocker.execute("SELECT FROM messages WHERE command_id = $1 FOR UPDATE", sent)
        for _ in range(2):
            await _end_those_who_wait_for(shop, blocker)
    await blocker.close()
    assert isinstance(await shop.harness.final(sent), CommandDone)
    assert len(await shop.mails(sent)) == 1
    assert await shop.attempts(sent, ended=1) == ["accepted"]


async def _end_those_who_wait_for(shop: Shop, blocker: "asyncpg.Connection[asyncpg.Record]") -> None:
    async def ended() -> bool:
        rows = await shop.harness.service_environment.sql(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE $1 = ANY (pg_blocking_pids(pid))",
            blocker.get_server_pid(),
        )
        return bool(rows)

    await eventually(ended, "a connection to end")


async def test_nothing_personal_is_logged_or_counted(shop: Shop) -> None:
    await shop.harness.peers.mail.put("/mode", json={"behaviour": "refuse_for_good", "times": 1})
    await shop.harness.peers.sms.put("/mode", json={"behaviour": "fail", "times": 1})
    commands = [
        await shop.send("email", text="words that are private"),
        await shop.send("sms", text="words that are private"),
        await shop.send("email", to="private.person.example.org", text="words that are private"),
    ]
    await asyncio.gather(*(shop.harness.final(sent) for sent in commands))
    async with shop.client() as anybody:
        shown = shop.harness.logs.text + (await anybody.get(shop.harness.service_environment.url_of("/metrics"))).text
    assert "delivery failed" in shown
    assert not [secret for secret in (PHONE, EMAIL, "private", "an-sms-token") if secret in shown]


async def test_tenants_do_not_see_each_others_messages(shop: Shop) -> None:
    sent = await shop.send("sms")
    await shop.harness.final(sent)
    async with shop.harness.service_environment.caller(uuid4(), "admin") as other_tenant:
        assert (await other_tenant.get(f"/v1/messages/{message_id(shop.tenant, sent)}")).status_code == 404
        assert (await other_tenant.get("/v1/messages", params={"item_id": str(shop.item)})).json()["items"] == []


async def test_messages_are_listed_newest_first_page_by_page(shop: Shop) -> None:
    sent = [await shop.send("sms") for _ in range(3)]
    await asyncio.gather(*(shop.harness.final(one) for one in sent))
    await asyncio.gather(*(shop.reaches(one, "delivered") for one in sent))
    found: list[UUID] = []
    async with shop.client("viewer") as viewer:
        query: dict[str, Any] | None = {"status": "delivered", "limit": 2}
        while query:
            page = (await viewer.get("/v1/messages", params=query)).json()
            found += [UUID(row["command_id"]) for row in page["items"]]
            query = query | {"cursor": page["next_cursor"]} if page["next_cursor"] else None
        assert (await viewer.get("/v1/messages", params={"cursor": "bm9uc2Vuc2U"})).status_code == 400
    assert found == sent[::-1]
