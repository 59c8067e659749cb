"""The typesetter and its sandbox, with templates that mean well and others."""

import io
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from uuid import UUID

import pytest
from pypdf import PdfReader

from contracts.kit.shares import Shares
from doc_service.builtin import load_templates
from doc_service.domain.documents import template_inputs
from doc_service.domain.sample import sample_document
from doc_service.gateways.typesetter import Limits, TemplateError, Typesetter

TENANT = UUID(int=7)
AT = datetime(2026, 3, 2, tzinfo=UTC)
INVOICE = load_templates()["invoice"]


def places(count: int = 2) -> Shares:
    return Shares("render", count)


async def refused(source: str, limits: Limits | None = None) -> str:
    with pytest.raises(TemplateError) as caught:
        await Typesetter(places(), limits).set(TENANT, source, {}, AT)
    return str(caught.value)


async def test_the_same_template_and_data_give_the_same_bytes() -> None:
    typesetter = Typesetter(places())
    source, inputs = "= Hello #sys.inputs.name #datetime.today().year()", {"name": "you"}
    first = await typesetter.set(TENANT, source, inputs, AT)
    assert await typesetter.set(TENANT, source, inputs, AT) == first
    assert "Hello you 2026" in PdfReader(io.BytesIO(first)).pages[0].extract_text()


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "nl"])
async def test_the_shipped_invoice_prints_in_every_language(language: str) -> None:
    document = sample_document(replace(INVOICE, language=language), {})
    pdf = await Typesetter(places()).set(TENANT, INVOICE.source, template_inputs(document), document.created_at)
    (page,) = PdfReader(io.BytesIO(pdf)).pages
    text = page.extract_text()
    for expected in ("INV-2026-0001", "Sample Furniture GmbH", "Sample Client Ltd", "Oak table", "Chair"):
        assert expected in text


@pytest.mark.parametrize(
    "fields",
    [
        {"products": [], "company": None},
        {"products": None, "contact": None, "my_company": {}, "responsible": None},
        {"item.amount": None, "products": []},
        {"note": '#read("/etc/passwd") *not bold*', "due_date": "2026-04-01", "date": "2026-03-01"},
    ],
)
async def test_the_shipped_invoice_prints_whatever_is_missing(fields: dict[str, object]) -> None:
    document = sample_document(INVOICE, fields)
    pdf = await Typesetter(places()).set(TENANT, INVOICE.source, template_inputs(document), document.created_at)
    text = PdfReader(io.BytesIO(pdf)).pages[0].extract_text()
    assert "INV-2026-0001" in text
    if "note" in fields:
        assert str(fields["note"]) in text


async def test_a_mistake_is_named_with_its_line_and_no_path_of_the_server() -> None:
    assert await refused("fine\n\n  #nothing_here") == "line 3, column 4: unknown variable: nothing_here"


@pytest.mark.parametrize(
    "path", ["/etc/passwd", "../../../etc/passwd", "/proc/self/environ", "/dev/stdin", "__typst_py_bytes__.typ"]
)
async def test_no_file_of_the_server_can_be_read(path: str) -> None:
    message = await refused(f'#read("{path}")')
    assert "file not found" in message or "project root" in message or "failed to" in message
    assert "/tmp" not in message
    assert "root:" not in message


async def test_no_package_can_be_imported() -> None:
    assert "packages cannot be imported here" in await refused('#import "@preview/cetz:0.4.2"')
    assert "packages cannot be imported here" in await refused('#import ("@" + "local/cetz:0.4.2")')


async def test_a_template_without_end_is_ended() -> None:
    endless = "#for i in range(1000000) [page #i #pagebreak()]"
    assert "more than 1 seconds" in await refused(endless, Limits(cpu_s=1))


async def test_a_template_that_wants_all_memory_is_ended() -> None:
    assert "1024 MB of memory" in await refused('#{ let s = "x" * 3000000000 }')


async def test_a_template_can_fail_without_harm_to_the_next() -> None:
    typesetter = Typesetter(places(1))
    with pytest.raises(TemplateError):
        await typesetter.set(TENANT, "#panic()", {}, AT)
    assert (await typesetter.set(TENANT, "fine", {}, AT)).startswith(b"%PDF")


@pytest.mark.parametrize("attempt", ["open('/etc/passwd')", "socket.socket()", "os.listdir('/')", "os.pipe()"])
def test_a_locked_process_opens_nothing(attempt: str) -> None:
    program = f"""
import os, socket
from doc_service.gateways.sandbox import give_up_opening
give_up_opening(cpu_s=1, memory=1 << 30)
try:
    {attempt}
except OSError as error:
    print("no")
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - a fixed program
    assert done.stdout == "no\n"
