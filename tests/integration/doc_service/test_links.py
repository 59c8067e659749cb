"""Public links: what readers see, what is counted, when a link stops opening."""

import hashlib
from uuid import UUID

from contracts.messages.doc import DocumentViewed
from contracts.messages.results import CommandDone
from integration.doc_service.harness import Harness


async def linked(harness: Harness, tenant: UUID) -> tuple[str, str]:
    """A document and its public link."""
    answer = await harness.create(tenant, public_link=True)
    assert isinstance(answer, CommandDone)
    return str(answer.outputs["document_id"]), str(answer.outputs["public_link"])


async def test_the_page_names_the_document_and_offers_its_pdf(harness: Harness, tenant: UUID) -> None:
    _, link = await linked(harness, tenant)
    page = await harness.http.get(link)
    assert page.status_code == 200
    for expected in ("Sample Furniture GmbH", "Invoice", "INV-", "View", "Download"):
        assert expected in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["x-robots-tag"].startswith("noindex")
    assert page.headers["referrer-policy"] == "no-referrer"
    assert page.headers["cache-control"] == "private, no-store"
    shown = await harness.http.get(f"{link}/pdf")
    assert shown.content.startswith(b"%PDF")
    assert shown.headers["content-disposition"].startswith("inline")
    saved = await harness.http.get(f"{link}/pdf?download=1")
    assert saved.headers["content-disposition"].startswith("attachment; filename*=UTF-8''Invoice%20INV-")


async def test_what_authors_and_clients_write_is_no_markup_on_the_page(harness: Harness, tenant: UUID) -> None:
    fields = {"my_company.name": "<script>alert(1)</script>"}
    answer = await harness.create(tenant, public_link=True, fields=fields)
    assert isinstance(answer, CommandDone)
    page = await harness.http.get(str(answer.outputs["public_link"]))
    assert "<script" not in page.text
    assert "&lt;script&gt;" in page.text


async def test_views_are_counted_once_per_visitor_and_minute_and_not_for_head(harness: Harness, tenant: UUID) -> None:
    document, link = await linked(harness, tenant)
    await harness.http.head(link)
    await harness.http.get(link, headers={"User-Agent": "one"})
    await harness.http.get(link, headers={"User-Agent": "one"})
    await harness.http.get(link, headers={"User-Agent": "two"})
    await harness.service_environment.sql("UPDATE recent_views SET seen_at = seen_at - interval '61 seconds'")
    await harness.http.get(link, headers={"User-Agent": "one"})
    events = await harness.kafka_probe.hears(tenant, DocumentViewed, 3)
    assert [event.data.views for event in events] == [1, 2, 3]
    assert {str(event.data.document_id) for event in events} == {document}
    assert (await harness.call("GET", f"/v1/documents/{document}", tenant)).json()["views"] == 3


async def test_only_the_hash_of_a_token_is_kept(harness: Harness, tenant: UUID) -> None:
    _, link = await linked(harness, tenant)
    token = link.rpartition("/")[2]
    rows = await harness.service_environment.sql("SELECT token_hash FROM links WHERE tenant_id = $1", tenant)
    assert [row["token_hash"] for row in rows] == [hashlib.sha256(token.encode()).digest()]


async def test_unknown_expired_and_revoked_links_answer_the_same(harness: Harness, tenant: UUID) -> None:
    _, expired = await linked(harness, tenant)
    document, revoked = await linked(harness, tenant)
    key = hashlib.sha256(expired.rpartition("/")[2].encode()).digest()
    await harness.service_environment.sql(
        "UPDATE links SET expires_at = now() - interval '1 second' WHERE token_hash = $1", key
    )
    assert (await harness.call("DELETE", f"/v1/documents/{document}/links", tenant, "agent")).status_code == 204
    answers = [
        await harness.http.get(it) for it in (expired, revoked, f"{harness.base}/d/{'x' * 43}", f"{harness.base}/d/x")
    ]
    answers += [await harness.http.get(f"{expired}/pdf"), await harness.http.get(f"{revoked}/pdf")]
    assert {answer.status_code for answer in answers} == {404}
    assert len({answer.text for answer in answers}) == 1


async def test_a_new_link_can_be_asked_for_and_old_ones_taken_back(harness: Harness, tenant: UUID) -> None:
    document, first = await linked(harness, tenant)
    path = f"/v1/documents/{document}/links"
    headers = {"Idempotency-Key": "one"}
    made = await harness.call("POST", path, tenant, "agent", json={"days": 3}, headers=headers)
    again = await harness.call("POST", path, tenant, "agent", json={"days": 3}, headers=headers)
    assert made.status_code == 201
    assert again.json() == made.json()
    assert (await harness.http.get(made.json()["public_link"])).status_code == 200
    assert (await harness.http.get(first)).status_code == 200
    assert len((await harness.call("GET", f"/v1/documents/{document}", tenant)).json()["links"]) == 2
    await harness.call("DELETE", path, tenant, "agent")
    assert (await harness.http.get(made.json()["public_link"])).status_code == 404
    assert (await harness.call("POST", path, tenant, "viewer", json={})).status_code == 403


async def test_one_address_cannot_try_links_without_end(harness: Harness, tenant: UUID) -> None:
    _, link = await linked(harness, tenant)
    headers = {"X-Forwarded-For": "203.0.113.9"}
    codes = [(await harness.http.get(f"{harness.base}/d/{n}", headers=headers)).status_code for n in range(250)]
    assert codes[:120] == [404] * 120
    assert 429 in codes
    assert (await harness.http.get(link)).status_code == 200
