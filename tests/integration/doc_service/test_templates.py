"""Templates: versions, publishing, what is refused at upload."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import httpx
import pytest

from contracts.messages.results import CommandDone, CommandRefused
from integration.doc_service.harness import Harness

PLAIN = {"name": "Act", "source": "Act #json(bytes(sys.inputs.data)).document.number"}


async def put(harness: Harness, tenant: UUID, **changes: Any) -> httpx.Response:
    return await harness.call("PUT", "/v1/templates/act", tenant, "author", json=PLAIN | changes)


async def test_every_change_is_a_new_version_and_publishing_makes_it_the_one_in_use(
    harness: Harness, tenant: UUID
) -> None:
    first = (await put(harness, tenant)).json()
    assert (first["version"], first["published_version"], first["number_pattern"]) == (1, None, "ACT-{year}-{number:4}")
    assert isinstance(await harness.create(tenant, template="act"), CommandRefused)
    published = (await put(harness, tenant, publish=True)).json()
    assert (published["version"], published["published_version"]) == (1, 1)
    draft = (await put(harness, tenant, source="Second")).json()
    assert (draft["version"], draft["published_version"]) == (2, 1)
    assert isinstance(await harness.create(tenant, template="act"), CommandDone)
    old = (await harness.call("GET", "/v1/templates/act?version=1", tenant, "viewer")).json()
    assert old["source"] == PLAIN["source"]
    assert (await harness.call("GET", "/v1/templates/act?version=3", tenant, "viewer")).status_code == 404


async def test_a_tenant_that_tries_too_many_templates_at_once_must_wait_and_others_need_not(
    harness: Harness, tenant: UUID
) -> None:
    slow = "#for i in range(500) [a #pagebreak()]"
    answers = [asyncio.create_task(put(harness, tenant, source=slow)) for _ in range(14)]
    refused = await next(iter(asyncio.as_completed(answers)))
    assert (refused.status_code, refused.headers["retry-after"]) == (429, "10")
    assert "8 templates of this tenant are being tried already" in refused.json()["detail"]
    other = await put(harness, uuid4())
    assert other.status_code == 200
    assert sum(not answer.done() for answer in answers) > 0, "the other tenant waited for the whole crowd"
    assert {answer.status_code for answer in await asyncio.gather(*answers)} == {200, 429}


async def test_an_archived_template_makes_no_documents(harness: Harness, tenant: UUID) -> None:
    await put(harness, tenant, publish=True)
    await put(harness, tenant, archived=True)
    assert isinstance(await harness.create(tenant, template="act"), CommandRefused)
    await put(harness, tenant)
    assert isinstance(await harness.create(tenant, template="act"), CommandDone)


async def test_the_shipped_template_is_listed_and_can_be_read(harness: Harness, tenant: UUID) -> None:
    await put(harness, tenant)
    listed = (await harness.call("GET", "/v1/templates", tenant, "viewer")).json()["items"]
    assert [(it["code"], it["version"]) for it in listed] == [("act", 1), ("invoice", 0)]
    shipped = (await harness.call("GET", "/v1/templates/invoice", tenant, "viewer")).json()
    assert "sys.inputs" in shipped["source"]
    page = (await harness.call("GET", "/v1/templates?limit=1", tenant, "viewer")).json()
    rest = (await harness.call("GET", f"/v1/templates?cursor={page['next_cursor']}", tenant, "viewer")).json()
    assert [it["code"] for it in page["items"] + rest["items"]] == ["act", "invoice"]


@pytest.mark.parametrize(
    ("source", "where", "what"),
    [
        ("fine\n#nothing", "source:2:2", "unknown variable: nothing"),
        ('#read("/etc/passwd")', "source:1:7", "file not found"),
        ('#import "@preview/cetz:0.4.2"', "source:1:9", "packages cannot be imported here"),
        ("#for i in range(1000000) [a #pagebreak()]", "source", "it takes more than 5 seconds"),
    ],
)
async def test_a_template_that_cannot_be_set_is_refused_with_its_place(
    harness: Harness, tenant: UUID, source: str, where: str, what: str
) -> None:
    answer = await put(harness, tenant, source=source)
    assert answer.status_code == 422
    (error,) = answer.json()["errors"]
    assert error["where"] == where
    assert what in error["what"]
    assert "/tmp" not in answer.text
    assert (await harness.call("GET", "/v1/templates/act", tenant)).status_code == 404


async def test_fields_of_the_tenants_own_are_tried_with_the_given_sample(harness: Harness, tenant: UUID) -> None:
    source = "Floor #json(bytes(sys.inputs.data)).item.fields.floor"
    refused = await put(harness, tenant, source=source)
    assert refused.status_code == 422
    assert "`sample`" in refused.json()["detail"]
    assert (await put(harness, tenant, source=source, sample={"item.fields.floor": 3})).status_code == 200
    assert (await put(harness, tenant, source=source, sample={"products": [1]})).status_code == 422
    assert (await put(harness, tenant, source=source, sample={".".join("a" * 301): 1})).status_code == 422


@pytest.mark.parametrize(
    "wrong",
    [
        {"source": "x" * 200_001},
        {"source": "a\x00b"},
        {"source": ""},
        {"number_pattern": "no number"},
        {"language": "klingon"},
        {"kind": "docx"},
        {"surprise": 1},
    ],
)
async def test_a_misshapen_template_is_refused(harness: Harness, tenant: UUID, wrong: dict[str, Any]) -> None:
    assert (await put(harness, tenant, **wrong)).status_code == 422


async def test_only_authors_write_templates(harness: Harness, tenant: UUID) -> None:
    assert (await harness.call("PUT", "/v1/templates/act", tenant, "agent", json=PLAIN)).status_code == 403
    assert (await harness.http.get(f"{harness.base}/v1/templates")).status_code == 401
