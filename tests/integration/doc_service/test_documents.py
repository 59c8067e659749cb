"""From the command to the PDF, once, whatever happens on the way."""

import asyncio
import io
import signal
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from pypdf import PdfReader

from contracts.messages.doc import DocumentCreated
from contracts.messages.results import CommandDone, CommandFailed, CommandRefused
from integration.doc_service.harness import Harness, order
from support.messages import cancellation
from support.processes import Program
from support.waiting import eventually

YEAR = date.today().year
ENDLESS = "#for i in range(1000000) [page #i #pagebreak()]"


async def text_of(harness: Harness, tenant: UUID, pdf: Any) -> str:
    content = await harness.internal_file(tenant, pdf["file_id"])
    assert content.status_code == 200
    assert content.headers["content-type"] == "application/pdf"
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(content.content)).pages)


async def test_a_command_becomes_a_numbered_pdf_with_a_link(harness: Harness, tenant: UUID) -> None:
    answer = await harness.create(tenant, public_link=True, language="de", fields={"company.title": "Client & Sons"})
    assert isinstance(answer, CommandDone)
    outputs: dict[str, Any] = answer.outputs
    assert outputs["number"] == f"INV-{YEAR}-0001"
    assert outputs["pdf"]["name"] == f"Invoice INV-{YEAR}-0001.pdf"
    assert outputs["public_link"].startswith(f"{harness.base}/d/")
    text = await text_of(harness, tenant, outputs["pdf"])
    for expected in (f"INV-{YEAR}-0001", "Rechnung", "Client & Sons", "Oak table", "Chair", "1.713,00", "2.038,47"):
        assert expected in text.replace("\xa0", " ")
    (event,) = await harness.kafka_probe.hears(tenant, DocumentCreated)
    assert str(event.data.document_id) == outputs["document_id"]
    assert event.data.pdf.model_dump(mode="json") == outputs["pdf"]


async def test_what_no_font_has_and_amounts_in_words_are_told(harness: Harness, tenant: UUID) -> None:
    source = "#json(bytes(sys.inputs.words)).totals.at(0).total for #json(bytes(sys.inputs.data)).item.title"
    template = {"name": "Contract", "source": source, "sample": {"item.title": "桌子"}, "publish": True}
    saved = await harness.call("PUT", "/v1/templates/contract", tenant, json=template)
    said = "no font has these characters, so boxes are printed in their places: 桌 (U+684C), 子 (U+5B50)"
    assert saved.json()["warnings"] == [said]
    plain, foreign = [
        await harness.create(tenant, template="contract", fields={"item.title": title}) for title in ("Table", "桌子")
    ]
    assert isinstance(plain, CommandDone)
    assert isinstance(foreign, CommandDone)
    text = await text_of(harness, tenant, plain.outputs["pdf"])
    assert " ".join(text.split()) == "two thousand and thirty-eight euros 47/100 for Table"
    documents = (await harness.call("GET", "/v1/documents", tenant)).json()["items"]
    assert [document["warnings"] for document in documents] == [[said], []]


async def test_the_same_command_twice_is_one_document_with_one_result(harness: Harness, tenant: UUID) -> None:
    sent = order(tenant, public_link=True)
    await harness.send(sent)
    await harness.send(sent)
    (first,) = await harness.answers(sent)
    await harness.send(sent)
    answers = await harness.answers(sent, 2)
    assert all(answer == first for answer in answers)
    documents = (await harness.call("GET", "/v1/documents", tenant)).json()["items"]
    assert [document["number"] for document in documents] == [f"INV-{YEAR}-0001"]
    next_one = await harness.create(tenant)
    assert isinstance(next_one, CommandDone)
    assert next_one.outputs["number"] == f"INV-{YEAR}-0002"


async def test_many_commands_at_once_take_each_number_once(harness: Harness, tenant: UUID) -> None:
    answers = await asyncio.gather(*(harness.create(tenant, wait_for_pdf=False) for _ in range(12)))
    numbers = sorted(str(answer.outputs["number"]) for answer in answers if isinstance(answer, CommandDone))
    assert numbers == [f"INV-{YEAR}-{count:04}" for count in range(1, 13)]


async def test_tenants_have_numbers_of_their_own(harness: Harness, tenant: UUID) -> None:
    await harness.create(tenant)
    other = UUID(int=tenant.int + 1)
    answer = await harness.create(other)
    assert isinstance(answer, CommandDone)
    assert answer.outputs["number"] == f"INV-{YEAR}-0001"


async def test_without_waiting_number_and_link_come_at_once_and_the_pdf_follows(harness: Harness, tenant: UUID) -> None:
    answer = await harness.create(tenant, wait_for_pdf=False, public_link=True)
    assert isinstance(answer, CommandDone)
    assert answer.outputs["pdf"] is None
    assert answer.outputs["number"] == f"INV-{YEAR}-0001"
    await eventually(lambda: status_is(harness, tenant, answer.outputs["document_id"], "ready"))
    page = await harness.http.get(str(answer.outputs["public_link"]))
    assert "Download" in page.text


async def test_an_unknown_template_is_refused_by_name(harness: Harness, tenant: UUID) -> None:
    answer = await harness.create(tenant, template="contract")
    assert isinstance(answer, CommandRefused)
    assert answer.reason == "there is no published template 'contract'"


async def test_a_refused_command_takes_no_number(harness: Harness, tenant: UUID) -> None:
    refused = await harness.create(tenant, language="klingon")
    assert isinstance(refused, CommandRefused)
    assert "klingon" in refused.reason
    misshapen = await harness.create(tenant, fields={"products": [{"name": "Table"}]})
    assert isinstance(misshapen, CommandRefused)
    assert "data.products[0].quantity" in misshapen.reason
    nowhere = await harness.create(tenant, time_zone="Mars/Base")
    assert isinstance(nowhere, CommandRefused)
    answer = await harness.create(tenant)
    assert isinstance(answer, CommandDone)
    assert answer.outputs["number"] == f"INV-{YEAR}-0001"


async def test_an_own_template_takes_the_place_of_the_shipped_one(harness: Harness, tenant: UUID) -> None:
    source = "#let data = json(bytes(sys.inputs.data))\nFor #data.contact.name: #data.document.number"
    template = {"name": "Bill", "source": source, "number_pattern": "B{number}", "publish": True}
    assert (await harness.call("PUT", "/v1/templates/invoice", tenant, json=template)).status_code == 200
    answer = await harness.create(tenant)
    assert isinstance(answer, CommandDone)
    assert "For Mary Sample: B1" in await text_of(harness, tenant, answer.outputs["pdf"])
    await harness.call("PUT", "/v1/templates/invoice", tenant, json=template | {"archived": True})
    answer = await harness.create(tenant)
    assert isinstance(answer, CommandDone)
    assert answer.outputs["number"] == f"INV-{YEAR}-0001"


async def test_a_template_that_fails_with_this_data_fails_the_command_and_nothing_else(
    harness: Harness, tenant: UUID
) -> None:
    sources = {
        "endless": f'#if json(bytes(sys.inputs.data)).contact.first_name != "Mary" {{ [{ENDLESS}] }} else [fine]',
        "field": '#json(bytes(sys.inputs.data)).item.fields.at("floor", default: none)\n'
        '#if json(bytes(sys.inputs.data)).contact.first_name != "Mary" { read("/etc/passwd") }',
    }
    for code, source in sources.items():
        template = {"name": code, "source": source, "publish": True}
        assert (await harness.call("PUT", f"/v1/templates/{code}", tenant, json=template)).status_code == 200
    endless, reading, fine = await asyncio.gather(
        harness.create(tenant, template="endless", fields={"contact.first_name": "X"}),
        harness.create(tenant, template="field", fields={"contact.first_name": "X"}),
        harness.create(tenant),
    )
    assert isinstance(endless, CommandFailed)
    assert not endless.retryable
    assert "template 'endless' version 1: it takes more than" in endless.reason
    assert "is there a loop without end?" in endless.reason
    assert isinstance(reading, CommandFailed)
    assert "line 2" in reading.reason
    assert "file not found" in reading.reason
    assert isinstance(fine, CommandDone)
    failed = (await harness.call("GET", "/v1/documents", tenant)).json()["items"]
    assert sorted(document["status"] for document in failed) == ["failed", "failed", "ready"]


@pytest.mark.verify
async def test_a_service_killed_between_rendering_and_commit_makes_one_document(
    harness: Harness, tenant: UUID, tmp_path: Path
) -> None:
    await harness.program.stop()
    (tmp_path / "crash_counts").write_text("1")
    dying = Program(
        "integration.doc_service.dying_main", harness.settings, {"CRASH_COUNTS": str(tmp_path / "crash_counts")}
    )
    await dying.start()
    sent = order(tenant, public_link=True)
    await harness.send(sent)
    try:
        assert await dying.ends() == -signal.SIGKILL
    finally:
        await dying.stop()
    await harness.service_environment.sql("UPDATE work SET leased_until = now() - interval '1 second'")
    await harness.program.start()
    await harness.program.ready()
    (answer,) = await harness.answers(sent)
    assert isinstance(answer, CommandDone)
    documents = (await harness.call("GET", "/v1/documents", tenant)).json()["items"]
    assert [(it["number"], it["status"]) for it in documents] == [(f"INV-{YEAR}-0001", "ready")]
    assert len(list((harness.settings.files_dir / str(tenant)).iterdir())) == 1
    assert (await harness.http.get(str(answer.outputs["public_link"]))).status_code == 200
    assert len(harness.kafka_probe.said(tenant, DocumentCreated)) == 1


async def test_a_document_nobody_began_to_render_can_be_cancelled(harness: Harness, tenant: UUID) -> None:
    await harness.program.stop()
    sent = order(tenant)
    await harness.send(sent)
    await harness.send(cancellation(sent.command_id, tenant, sent.data.item_id))
    await harness.program.start()
    await harness.program.ready()
    (answer,) = await harness.answers(sent)
    documents = (await harness.call("GET", "/v1/documents", tenant)).json()["items"]
    assert isinstance(answer, CommandRefused)
    assert answer.reason == "cancelled"
    assert [document["status"] for document in documents] == ["cancelled"]


async def test_a_command_cancelled_before_it_comes_does_nothing(harness: Harness, tenant: UUID) -> None:
    sent = order(tenant)
    await harness.send(cancellation(sent.command_id, tenant, sent.data.item_id))
    await harness.send(sent)
    (answer,) = await harness.answers(sent)
    assert isinstance(answer, CommandRefused)
    assert (await harness.call("GET", "/v1/documents", tenant)).json()["items"] == []


async def test_documents_are_listed_newest_first_in_pages(harness: Harness, tenant: UUID) -> None:
    item = tenant
    for _ in range(3):
        await harness.create(tenant, item_id=item)
    await harness.create(tenant)
    path = f"/v1/documents?item_id={item}&limit=2"
    page = (await harness.call("GET", path, tenant, "viewer")).json()
    rest = (await harness.call("GET", f"{path}&cursor={page['next_cursor']}", tenant, "viewer")).json()
    numbers = [document["number"] for document in page["items"] + rest["items"]]
    assert numbers == [f"INV-{YEAR}-000{count}" for count in (3, 2, 1)]
    assert rest["next_cursor"] is None


async def test_a_document_of_another_tenant_does_not_exist(harness: Harness, tenant: UUID) -> None:
    answer = await harness.create(tenant)
    assert isinstance(answer, CommandDone)
    other_tenant = UUID(int=tenant.int + 1)
    path = f"/v1/documents/{answer.outputs['document_id']}"
    assert (await harness.call("GET", path, other_tenant)).status_code == 404
    assert (await harness.call("POST", f"{path}/links", other_tenant, json={})).status_code == 404
    assert (await harness.call("GET", path, tenant)).json()["number"] == f"INV-{YEAR}-0001"


async def status_is(harness: Harness, tenant: UUID, document_id: object, status: str) -> bool:
    found = await harness.call("GET", f"/v1/documents/{document_id}", tenant)
    return bool(found.json()["status"] == status)


async def test_what_can_never_be_printed_is_refused_with_a_sentence_and_other_tenants_go_on(
    harness: Harness, tenant: UUID
) -> None:
    deep = await harness.create(tenant, fields={".".join("a" * 2001): "b"})
    assert isinstance(deep, CommandRefused)
    assert deep.reason == (
        "fields: the name 'a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.a.'… has 2001 parts and 4001 characters; "
        "at most 20 parts and 200 characters are allowed"
    )
    long = await harness.create(tenant, fields={"item.amount.amount": int("9" * 300)})
    assert isinstance(long, CommandRefused)
    assert long.reason == "item.amount.amount: the number is too long to be printed (more than 64 bits)"
    null = await harness.create(tenant, created_by="a\x00b")
    assert isinstance(null, CommandFailed)
    assert (null.retryable, null.reason) == (
        False,
        "the command cannot be handled: created_by: contains a null character",
    )
    sound = await harness.create(tenant, fields={"item.amount.amount": 2**63 - 1})
    assert isinstance(sound, CommandDone)


async def test_two_tenants_with_one_command_id_have_a_document_each(harness: Harness, tenant: UUID) -> None:
    mine = order(tenant)
    other = replace(order(uuid4()), id=mine.id)
    for count, sent in enumerate((other, mine), 1):
        await harness.send(sent)
        answer = (await harness.answers(sent, count))[-1]
        assert isinstance(answer, CommandDone)
        documents = (await harness.call("GET", "/v1/documents", sent.tenant)).json()["items"]
        assert [document["id"] for document in documents] == [answer.outputs["document_id"]]
