"""Public pages as people meet them, in a real browser: it refuses what an HTTP client would not."""

from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from local_stack.demo.story import Story
from local_stack.tools import Tools
from support import forms
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.verify, pytest.mark.timeout(900)]

EXPECTED = ("422", "429", "favicon")
"""Parts of complaints: the browser tells of answers that are no successes."""
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-quic", "--disable-background-networking", "--disable-sync")
"""No sandbox: containers and root have none to offer, and only our own pages are opened."""


@pytest.fixture(scope="module")
def page(played: Story) -> Iterator[Page]:
    """A tab; afterwards, that the browser had nothing to complain about."""
    complaints: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=Tools.default().browser(), args=FLAGS)
        page = browser.new_page()
        page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
        yield page
        browser.close()
    assert [text for text in complaints if not any(code in text for code in EXPECTED)] == []


def open_form(story: Story, page: Page, ago: timedelta = forms.A_MINUTE) -> None:
    """As if it had been opened that long ago."""
    page.goto(story.shop.visitor.url("trigger-service", story.shop.form))
    let_pass(story, page, ago)


def let_pass(story: Story, page: Page, ago: timedelta) -> None:
    nonce = forms.nonce(story.shop.stack.credentials.secrets.secrets_key, story.shop.form, ago)
    page.locator("input[name=_nonce]").evaluate("(field, nonce) => { field.value = nonce }", nonce)


def fill_in(page: Page, phone: str) -> None:
    page.get_by_label("Your name").fill("Renée Müller")
    page.get_by_label("Phone").fill(phone)
    page.get_by_label("What shall we make for you?").fill("A shelf for the browser")
    page.get_by_role("button", name="Send").click()


def test_a_visitor_fills_in_the_form(played: Story, page: Page) -> None:
    open_form(played, page)
    fill_in(page, "+447700900321")
    expect(page.get_by_text("Thank you. We will contact you soon.")).to_be_visible()
    until(lambda: made(played), "the visitor's deal")


def made(story: Story) -> bool:
    return any(deal["title"] == "A shelf for the browser" for deal in story.seen.items(kind="deal"))


def test_a_mistake_is_told_on_the_page(played: Story, page: Page) -> None:
    open_form(played, page)
    fill_in(page, "12")
    expect(page.locator(".error")).to_contain_text("Phone")
    expect(page.get_by_label("Your name")).to_have_value("Renée Müller")
    page.get_by_label("Phone").fill("+447700900322")
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you. We will contact you soon.")).to_be_visible()


def test_who_is_too_quick_is_asked_to_send_the_form_again_and_need_not_fill_it_in_again(
    played: Story, page: Page
) -> None:
    open_form(played, page, -forms.A_MINUTE)
    fill_in(page, "+447700900323")
    expect(page.get_by_role("alert")).to_contain_text("This was sent very soon after the form was opened")
    expect(page.get_by_label("Your name")).to_have_value("Renée Müller")
    expect(page.get_by_label("Phone")).to_have_value("+447700900323")
    let_pass(played, page, forms.A_MINUTE)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_text("Thank you. We will contact you soon.")).to_be_visible()


def test_a_client_opens_and_downloads_a_document(played: Story, page: Page, tmp_path: Path) -> None:
    document = played.seen.documents(played.deal)[0]
    link = played.shop.manager.post("doc-service", f"/v1/documents/{document['id']}/links", {})["public_link"]
    page.goto(link)
    expect(page.get_by_text(document["number"])).to_be_visible()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download").click()
    downloading.value.save_as(tmp_path / "document.pdf")
    assert sha256((tmp_path / "document.pdf").read_bytes()).hexdigest() == document["pdf"]["sha256"]
