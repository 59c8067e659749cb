"""How many bytes of files and how many templates a tenant may have."""

from uuid import UUID

from contracts.messages.results import CommandDone, CommandRefused
from integration.doc_service.harness import Harness
from support.quotas import allow

ACT = {"name": "Act", "source": "Act"}


async def test_uploads_and_documents_are_refused_when_the_files_are_too_large(harness: Harness, tenant: UUID) -> None:
    await allow(harness.http, harness.service_environment, tenant, "file_bytes", 10)
    first = await harness.call("POST", "/v1/files?name=a", tenant, content=b"1234567890")
    assert first.status_code == 201

    second = await harness.call("POST", "/v1/files?name=b", tenant, content=b"1")
    assert (second.status_code, second.json()["title"]) == (409, "Quota used up")
    assert "quota file_bytes: at most 10 bytes of files, uploaded and printed" in second.json()["detail"]
    document = await harness.create(tenant)
    assert isinstance(document, CommandRefused)
    assert document.reason.startswith("quota file_bytes: at most 10 bytes")
    read = await harness.call("GET", first.headers["location"], tenant, "viewer")
    assert read.content == b"1234567890"
    await allow(harness.http, harness.service_environment, tenant, "file_bytes", 10**9)
    assert isinstance(await harness.create(tenant), CommandDone)


async def test_templates_are_counted_and_those_that_there_are_can_be_changed(harness: Harness, tenant: UUID) -> None:
    assert (await harness.call("PUT", "/v1/templates/act", tenant, "author", json=ACT)).is_success
    await allow(harness.http, harness.service_environment, tenant, "templates", 1)
    refused = await harness.call("PUT", "/v1/templates/more", tenant, "author", json=ACT)
    assert (refused.status_code, "quota templates: at most 1" in refused.json()["detail"]) == (409, True)
    changed = await harness.call("PUT", "/v1/templates/act", tenant, "author", json=ACT | {"source": "Other"})
    assert changed.is_success
