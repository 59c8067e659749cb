"""QR codes: an image that is read, a page that leads on, scans that are told."""

import struct
import zlib
from typing import Any
from uuid import UUID

from contracts.envelope import Envelope
from contracts.kit.clock import new_id
from contracts.messages.doc import CreateQrCode, QrScanned
from contracts.messages.results import CommandDone, CommandRefused
from integration.doc_service.harness import Harness
from support.messages import cancellation, order

CARE: dict[str, Any] = {"title": "<b>Care</b>", "description": "Oil it", "address": "https://shop.example/care?a=1&b=2"}


def asked(tenant: UUID, **changes: Any) -> Envelope[CreateQrCode]:
    said = CARE | {"item_id": new_id(), "created_by": "rule:care"} | changes
    return order(CreateQrCode.model_validate(said), tenant, said["item_id"])


async def made(harness: Harness, tenant: UUID, **changes: Any) -> dict[str, Any]:
    answer = await harness.ask(asked(tenant, **changes))
    assert isinstance(answer, CommandDone)
    return answer.outputs


def size_of(png: bytes) -> tuple[int, int]:
    """Width and height of a PNG that is whole."""
    assert png.startswith(b"\x89PNG\r\n\x1a\n")
    width, height = struct.unpack(">II", png[16:24])
    assert struct.unpack(">I", png[29:33])[0] == zlib.crc32(png[12:29])
    assert png.endswith(b"IEND\xaeB`\x82")
    return width, height


async def test_the_image_is_a_file_and_public_and_the_same(harness: Harness, tenant: UUID) -> None:
    outputs = await made(harness, tenant)
    kept = await harness.internal_file(tenant, outputs["image"]["file_id"])
    shown = await harness.http.get(outputs["image_link"])
    assert (kept.status_code, shown.status_code) == (200, 200)
    assert shown.headers["content-type"] == kept.headers["content-type"] == "image/png"
    assert shown.content == kept.content
    width, height = size_of(shown.content)
    assert width == height >= 290


async def test_the_page_shows_what_the_code_is_about_and_leads_on(harness: Harness, tenant: UUID) -> None:
    page = await harness.http.get((await made(harness, tenant, language="de-AT"))["scan_link"])
    assert page.status_code == 200
    for expected in (
        "<h1>&lt;b&gt;Care&lt;/b&gt;</h1>",
        "Oil it",
        "href='https://shop.example/care?a=1&amp;b=2'>Zu shop.example</a>",
        "http-equiv='refresh' content='3; url=https://shop.example/care?a=1&amp;b=2'",
    ):
        assert expected in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-robots-tag"].startswith("noindex")
    only_shown = await harness.http.get((await made(harness, tenant, address=None))["scan_link"])
    assert "http-equiv" not in only_shown.text


async def test_scans_are_told_once_per_visitor_and_minute_and_not_for_head(harness: Harness, tenant: UUID) -> None:
    outputs = await made(harness, tenant)
    link = outputs["scan_link"]
    await harness.http.head(link)
    for visitor in ("one", "one", "two"):
        await harness.http.get(link, headers={"User-Agent": visitor})
    events = await harness.kafka_probe.hears(tenant, QrScanned, 2)
    assert [event.data.scans for event in events] == [1, 2]
    assert {str(event.data.qr_code_id) for event in events} == {outputs["qr_code_id"]}
    found = (await harness.call("GET", f"/v1/qr-codes/{outputs['qr_code_id']}", tenant)).json()
    assert (found["scans"], found["image"]) == (2, outputs["image"])


async def test_the_same_command_twice_is_one_code(harness: Harness, tenant: UUID) -> None:
    sent = asked(tenant)
    await harness.send(sent)
    await harness.send(sent)
    (first,) = await harness.answers(sent)
    assert isinstance(first, CommandDone)
    await harness.send(sent)
    assert (await harness.answers(sent, 2))[1] == first
    listed = (await harness.call("GET", f"/v1/qr-codes?item_id={sent.data.item_id}", tenant)).json()["items"]
    assert [code["id"] for code in listed] == [first.outputs["qr_code_id"]]


async def test_a_code_that_was_cancelled_before_it_came_is_not_made(harness: Harness, tenant: UUID) -> None:
    sent = asked(tenant)
    await harness.send(cancellation(sent.command_id, tenant, sent.data.item_id))
    await harness.send(sent)
    assert isinstance((await harness.answers(sent))[0], CommandRefused)
    assert (await harness.call("GET", "/v1/qr-codes", tenant)).json()["items"] == []


async def test_a_token_of_nothing_opens_nothing(harness: Harness, tenant: UUID) -> None:
    document = await harness.create(tenant, public_link=True)
    assert isinstance(document, CommandDone)
    other = str(document.outputs["public_link"]).rpartition("/")[2]
    for path in (f"/q/{other}", f"/q/{'x' * 43}", "/q/x", f"/q/{other}/image.png"):
        assert (await harness.http.get(path)).status_code == 404
