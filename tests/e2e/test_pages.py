"""Public pages as people meet them, in a real browser: it refuses what an HTTP client would not."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright

from local_stack.demo.story import Story
from local_stack.tools import Tools
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(900)]

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
    assert [text for text in complaints if "422" not in text and "favicon" not in text] == []


def fill_in(page: Page, phone: str) -> None:
    page.get_by_label("Your name").fill("Renée Müller")
    page.get_by_label("Phone").fill(phone)
    page.get_by_label("What shall we make for you?").fill("A shelf for the browser")
    page.get_by_role("button", name="Send").click()


def test_a_visitor_fills_in_the_form(played: Story, page: Page) -> None:
    page.goto(played.shop.visitor.url("trigger-service", played.shop.form))
    fill_in(page, "+447700900321")
    expect(page.get_by_text("Thank you. We will contact you soon.")).to_be_visible()
    until(lambda: made(played), "the visitor's deal")


def made(story: Story) -> bool:
    return any(deal["title"] == "A shelf for the browser" for deal in story.seen.items(kind="deal"))


def test_a_mistake_is_told_on_the_page(played: Story, page: Page) -> None:
    page.goto(played.shop.visitor.url("trigger-service", played.shop.form))
    fill_in(page, "12")
    expect(page.locator(".error")).to_contain_text("Phone")
    expect(page.get_by_role("button", name="Send")).to_be_visible()


def test_a_client_opens_and_downloads_a_document(played: Story, page: Page, tmp_path: Path) -> None:
    document = played.seen.documents(played.deal)[0]
    link = played.shop.manager.post("doc-service", f"/v1/documents/{document['id']}/links", {})["public_link"]
    page.goto(link)
    expect(page.get_by_text(document["number"])).to_be_visible()
    with page.expect_download() as downloading:
        page.get_by_role("link", name="Download").click()
    downloading.value.save_as(tmp_path / "document.pdf")
    assert sha256((tmp_path / "document.pdf").read_bytes()).hexdigest() == document["pdf"]["sha256"]
