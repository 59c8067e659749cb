"""The typesetter and its sandbox, with templates that mean well and others."""

import io
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest
from pypdf import PdfReader

from contracts.kit.shares import Shares
from doc_service.builtin import load_templates
from doc_service.domain.documents import template_inputs
from doc_service.domain.sample import sample_document
from doc_service.gateways.sandbox import MOST_MISSING
from doc_service.gateways.typesetter import Limits, TemplateError, Typeset, Typesetter
from local_stack.tools import Tools

TENANT = UUID(int=7)
AT = datetime(2026, 3, 2, tzinfo=UTC)
INVOICE = load_templates()["invoice"]


def places(count: int = 2) -> Shares:
    return Shares("render", count)


@pytest.fixture(scope="module")
def fonts() -> Path:
    return Tools.default().fonts()


def text_of(made: Typeset) -> str:
    """The one page's."""
    (page,) = PdfReader(io.BytesIO(made.pdf)).pages
    return page.extract_text()


def fonts_of(made: Typeset) -> set[str]:
    (page,) = PdfReader(io.BytesIO(made.pdf)).pages
    fonts: Any = page["/Resources"]
    return {str(font.get_object()["/BaseFont"]) for font in fonts["/Font"].values()}


async def refused(source: str, limits: Limits | None = None) -> str:
    with pytest.raises(TemplateError) as caught:
        await Typesetter(places(), limits).set(TENANT, source, {}, AT)
    return str(caught.value)


async def test_the_same_template_and_data_give_the_same_bytes() -> None:
    typesetter = Typesetter(places())
    source, inputs = "= Hello #sys.inputs.name #datetime.today().year()", {"name": "you"}
    first = await typesetter.set(TENANT, source, inputs, AT)
    assert await typesetter.set(TENANT, source, inputs, AT) == first
    assert "Hello you 2026" in text_of(first)
    assert first.missing == ""


SCRIPTS = {
    "Latin": "Größe",
    "Greek": "Τιμολόγιο",
    "Cyrillic": "Счёт",
    "Vietnamese": "Hóa đơn số",
    "Hebrew": "חשבונית",
    "Arabic": "فاتورة",
    "Chinese": "发票",
    "Japanese": "請求書の合計",
    "Korean": "청구서",
    "Thai": "ใบแจ้งหนี้",
    "Devanagari": "चालान",
    "Georgian": "ანგარიში",
}


@pytest.mark.parametrize("script", SCRIPTS)
async def test_every_script_is_printed(fonts: Path, script: str) -> None:
    source = "#sys.inputs.said *#sys.inputs.said* _#sys.inputs.said;_"
    made = await Typesetter(places(), fonts=fonts).set(TENANT, source, {"said": SCRIPTS[script]}, AT)
    assert made.missing == ""


async def test_a_font_that_the_template_names_is_there(fonts: Path) -> None:
    made = await Typesetter(places(), fonts=fonts).set(TENANT, '#set text(font: "Noto Sans")\nHello *you*', {}, AT)
    assert {name.partition("+")[2] for name in fonts_of(made)} == {"NotoSans-Regular", "NotoSans-Bold"}


async def test_what_no_font_has_is_named_and_printed_all_the_same(fonts: Path) -> None:
    inputs = {"said": "Table \U0001f600 \u202etwo\u202c \u200b\U0001f601"}
    made = await Typesetter(places(), fonts=fonts).set(TENANT, "#sys.inputs.said", inputs, AT)
    assert made.missing == "\U0001f600\U0001f601"
    assert "Table" in text_of(made)
    without = await Typesetter(places()).set(TENANT, "#sys.inputs.said", {"said": "发票 Table"}, AT)
    assert without.missing == "发票"


async def test_a_document_of_all_letters_there_are_names_the_first_that_lack_a_font(fonts: Path) -> None:
    letters = "".join(map(chr, range(0x4E00, 0xD800)))
    made = await Typesetter(places(), fonts=fonts).set(TENANT, "#sys.inputs.said", {"said": letters}, AT)
    assert len(made.missing) == MOST_MISSING


@pytest.mark.parametrize("language", ["en", "de", "fr", "es", "it", "pl", "vi", "nl"])
async def test_the_shipped_invoice_prints_in_every_language(language: str) -> None:
    document = sample_document(replace(INVOICE, language=language), {})
    made = await Typesetter(places()).set(TENANT, INVOICE.source, template_inputs(document), document.created_at)
    text = text_of(made)
    assert made.missing == ""
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
    made = await Typesetter(places()).set(TENANT, INVOICE.source, template_inputs(document), document.created_at)
    text = text_of(made)
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
    assert (await typesetter.set(TENANT, "fine", {}, AT)).pdf.startswith(b"%PDF")


@pytest.mark.parametrize("attempt", ["open('/etc/passwd')", "socket.socket()", "os.listdir('/')", "os.pipe()"])
def test_a_locked_process_opens_nothing(attempt: str) -> None:
    program = f"""
import os, socket
from doc_service.gateways.sandbox import give_up_opening
give_up_opening()
try:
    {attempt}
except OSError as error:
    print("no")
"""
    command = [sys.executable, "-c", program]
    done = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - a fixed program
    assert done.stdout == "no\n"
