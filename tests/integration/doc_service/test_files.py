"""Uploaded files."""

import hashlib
from uuid import UUID

from integration.doc_service.harness import Harness

TEN_MB = 10 * 1024 * 1024


async def test_a_raw_body_is_kept_and_read_back(harness: Harness, tenant: UUID) -> None:
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    made = await harness.call("POST", "/v1/files?name=../Plan.txt", tenant, "agent", content=b"plan", headers=headers)
    assert made.status_code == 201
    file = made.json()["file"]
    assert (file["name"], file["media_type"], made.json()["size"]) == ("Plan.txt", "text/plain", 4)
    assert file["sha256"] == hashlib.sha256(b"plan").hexdigest()
    read = await harness.call("GET", made.headers["location"], tenant, "viewer")
    assert read.content == b"plan"
    assert read.headers["content-disposition"] == "attachment; filename*=UTF-8''Plan.txt"
    assert read.headers["x-content-type-options"] == "nosniff"


async def test_a_form_with_a_file_is_kept(harness: Harness, tenant: UUID) -> None:
    made = await harness.call(
        "POST", "/v1/files", tenant, "agent", files={"file": ("a.pdf", b"%PDF-", "application/pdf")}
    )
    assert made.status_code == 201
    assert made.json()["file"]["name"] == "a.pdf"
    wrong = await harness.call("POST", "/v1/files", tenant, "agent", files={"other": ("a.pdf", b"%PDF-")})
    assert wrong.status_code == 422


async def test_the_same_upload_with_one_key_is_one_file(harness: Harness, tenant: UUID) -> None:
    headers = {"Idempotency-Key": "upload"}
    first = await harness.call("POST", "/v1/files?name=a", tenant, content=b"a", headers=headers)
    again = await harness.call("POST", "/v1/files?name=a", tenant, content=b"a", headers=headers)
    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"


async def test_a_file_of_ten_megabytes_fits_and_a_larger_one_does_not(harness: Harness, tenant: UUID) -> None:
    content = b"x" * (TEN_MB + 1)
    assert (await harness.call("POST", "/v1/files?name=a", tenant, content=content[:-1])).status_code == 201
    assert (await harness.call("POST", "/v1/files?name=a", tenant, content=content)).status_code == 413
    assert (await harness.call("POST", "/v1/files?name=a", tenant, content=content * 2)).status_code == 413
    assert (await harness.call("POST", "/v1/files?name=a", tenant, content=b"")).status_code == 422


async def test_a_file_is_read_by_its_tenant_and_by_services_alone(harness: Harness, tenant: UUID) -> None:
    made = (await harness.call("POST", "/v1/files?name=a", tenant, content=b"a")).json()
    file_id = made["file"]["file_id"]
    other_tenant = UUID(int=tenant.int + 1)
    internal = f"/internal/files/{file_id}?tenant={tenant}"
    assert (await harness.call("GET", f"/v1/files/{file_id}", other_tenant)).status_code == 404
    assert (await harness.call("GET", harness.service_environment.url_of(internal), tenant, "admin")).status_code == 401
    assert (await harness.call("POST", "/v1/files?name=a", tenant, "viewer", content=b"a")).status_code == 403
    assert (await harness.internal_file(tenant, file_id)).content == b"a"
    assert (await harness.internal_file(other_tenant, file_id)).status_code == 404
