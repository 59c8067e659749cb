"""The text part of HTML mails."""

from dataclasses import replace

import pytest

from comms_service.gateways.html_text import MAX_AREA, text_of
from comms_service.gateways.mail import build_mail, clean_html
from unit.comms_service.test_mail import MESSAGE

HTML = """<p>Hi <b>Ann</b>,</p><ul><li>one</li><li><a href="https://shop.example/a?b=1&amp;c=2">two</a></li></ul>
<table><tr><td>Oak table</td><td>€1</td></tr><tr><td>Chair</td><td>€2</td></tr></table><p>Bye<br>me &lt;x&gt;</p>"""


def test_paragraphs_lists_tables_and_link_addresses_are_kept() -> None:
    mail = build_mail(replace(MESSAGE, text="", html=HTML, attachments=()), ())
    part = mail.get_body(("plain",))
    assert part is not None
    lines = [line for line in part.get_content().splitlines() if line]
    assert lines == [
        "Hi Ann,",
        "  * one",
        "  * [two](https://shop.example/a?b=1&c=2)",
        "Oak table  €1",
        "Chair      €2",
        "Bye",
        "me <x>",
    ]


def test_what_an_author_wrote_as_text_is_sent_as_it_is() -> None:
    part = build_mail(replace(MESSAGE, text="Read the HTML", html=HTML, attachments=()), ()).get_body(("plain",))
    assert part is not None
    assert part.get_content().strip() == "Read the HTML"


@pytest.mark.parametrize(
    "html",
    [
        "<div>" * 300 + "word" + "</div>" * 300,
        "<table>" + "<tr><td>word</td></tr>" * 16_000 + "</table>",
        f"<table><tr><td>{'word' * 7_000}</td></tr>{'<tr><td>y</td></tr>' * 1_500}</table>",  # padded: 45 MB
        f"<table><tr><td>{'word' * 7_000}</td><td>{'<br>' * 1_500}</td></tr></table>",
        "<p>word</p>" * 20_000,
    ],
)
def test_what_could_not_be_laid_out_within_bounds_gives_its_words(html: str) -> None:
    found = text_of(clean_html(html))
    assert "word" in found
    assert len(found) <= len(html) <= MAX_AREA


@pytest.mark.parametrize("html", ["", " ", "<p></p>", "<br>", "<table></table>", "<!-- nothing -->"])
def test_empty_html_gives_an_empty_text(html: str) -> None:
    assert text_of(clean_html(html)).strip() == ""
