"""What the kit answers: every error as a problem document, and how bodies, versions and positions are read."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import orjson
import pytest
from fastapi import APIRouter, HTTPException, Request
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel, ConfigDict, Field, SecretStr

from contracts.kit import telemetry
from contracts.kit.auth import Caller, Role, require
from contracts.kit.body_limits import MAX_BODY, MAX_VALUES
from contracts.kit.broker import OutageError
from contracts.kit.http import (
    Newest,
    Page,
    Problem,
    bad_input,
    conflict,
    decode_cursor,
    encode_cursor,
    etag,
    if_match,
    json_response,
    not_found,
)
from contracts.kit.service import Service
from contracts.kit.settings import ServiceSettings

CLASHED = "something that this names or makes was changed at the same moment: look again, then repeat it"
ERRORS: dict[str, Exception] = {
    "not-found": not_found("item 7"),
    "conflict": conflict("somebody was faster"),
    "bad-input": bad_input("two fields are wrong", ("amount", "must be positive"), ("name", "is missing")),
    "service-away": OutageError("another service is away"),
    "outage": ConnectionRefusedError("postgresql://app:pa55word@db"),
    "database-away": asyncpg.CannotConnectNowError("the database system is starting up"),
    "database-gone": asyncpg.InternalClientError("cannot switch to state 15; another operation (2) is in progress"),
    "clash": asyncpg.UniqueViolationError('duplicate key value violates unique constraint "contacts"'),
    "defect": ValueError("Ada Bell"),
    "http": HTTPException(418, "I am a teapot", headers={"X-Tea": "green"}),
}


class Note(BaseModel):
    model_config = ConfigDict(extra="forbid")

    text: str = Field(max_length=10)


def routes() -> APIRouter:
    router = APIRouter()

    @router.get("/raise/{name}")
    async def fail(name: str) -> None:
        raise ERRORS[name]

    @router.get("/guarded")
    async def ask(caller: Caller = require(Role.VIEWER)) -> str:
        return caller.subject

    @router.post("/notes")
    async def post_note(note: Note) -> str:
        return note.text

    @router.post("/raw")
    async def post_raw(request: Request) -> int:
        return len(await request.body())

    @router.post("/files")
    async def post_file(request: Request) -> int:
        return len(await request.body())

    @router.put("/versioned")
    async def put_versioned(request: Request) -> int | None:
        return if_match(request)

    return router


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    settings = ServiceSettings(
        database_url=SecretStr("postgresql://nobody@localhost/none"),
        kafka_bootstrap="localhost:1",
        auth_issuer="x",
        auth_audience="x",
    )
    app = Service("probe-service", settings).app("probe", [routes()], larger_bodies={"/files": 2 * MAX_BODY})
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://probe") as opened:
        yield opened


@pytest.mark.parametrize(
    ("name", "status", "document"),
    [
        ("not-found", 404, {"title": "Not found", "detail": "there is no item 7"}),
        ("conflict", 409, {"title": "Conflict", "detail": "somebody was faster"}),
        (
            "bad-input",
            422,
            {
                "title": "Invalid input",
                "detail": "two fields are wrong",
                "errors": [
                    {"where": "amount", "what": "must be positive"},
                    {"where": "name", "what": "is missing"},
                ],
            },
        ),
        ("outage", 503, {"title": "Unavailable", "detail": "a server behind this service is away"}),
        ("service-away", 503, {"title": "Unavailable", "detail": "a server behind this service is away"}),
        ("database-away", 503, {"title": "Unavailable", "detail": "a server behind this service is away"}),
        ("database-gone", 503, {"title": "Unavailable", "detail": "a server behind this service is away"}),
        ("clash", 409, {"title": "Conflict", "detail": CLASHED}),
        ("defect", 500, {"title": "Internal error", "detail": "this is a defect of the service; its log says more"}),
        ("http", 418, {"title": "I'm a Teapot", "detail": "I am a teapot"}),
    ],
)
async def test_every_error_is_a_problem_document_that_gives_nothing_away(
    client: httpx.AsyncClient, name: str, status: int, document: dict[str, Any]
) -> None:
    answer = await client.get(f"/raise/{name}")
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert answer.json() == {"type": "about:blank", "status": status, **document}


async def test_an_outage_says_when_to_come_back_and_other_headers_are_kept(client: httpx.AsyncClient) -> None:
    assert (await client.get("/raise/outage")).headers["retry-after"] == "2"
    assert (await client.get("/raise/http")).headers["x-tea"] == "green"


async def test_routes_and_methods_that_are_not_there_are_problems_too(client: httpx.AsyncClient) -> None:
    missing, wrong = await client.get("/nowhere"), await client.delete("/notes")
    assert (missing.status_code, missing.json()["title"]) == (404, "Not Found")
    assert (wrong.status_code, wrong.json()["title"], wrong.headers["allow"]) == (405, "Method Not Allowed", "POST")


@pytest.mark.parametrize(
    ("body", "where"),
    [
        (b'{"text": "far too long a text"}', "text"),
        (b'{"text": "a", "more": 1}', "more"),
        (b"{}", "text"),
        (b"{", "body"),
        (b'{"text": "a", "\\ud800": 1}', "body"),
        (b'{"text": "a", "' + b"m" * 100_000 + b'": 1}', "m" * 200),
    ],
)
async def test_bad_input_says_where_and_never_repeats_what_was_sent(
    client: httpx.AsyncClient, body: bytes, where: str
) -> None:
    answer = await client.post("/notes", content=body, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()["title"]) == (422, "Invalid input")
    assert [error["where"] for error in answer.json()["errors"]] == [where]
    assert "far too long" not in answer.text


async def _chunks(size: int) -> AsyncIterator[bytes]:
    for _ in range(size // 1024):
        yield b" " * 1024


@pytest.mark.parametrize("path", ["/notes", "/raw"])
async def test_a_body_over_the_limit_is_refused_declared_or_in_chunks(client: httpx.AsyncClient, path: str) -> None:
    headers = {"Content-Type": "application/json"}
    declared = await client.post(path, content=b" " * (MAX_BODY + 1), headers=headers)
    chunked = await client.post(path, content=_chunks(MAX_BODY + 1024), headers=headers)
    for answer in (declared, chunked):
        assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
        assert answer.json()["detail"] == f"the body has more than {MAX_BODY} bytes"


@pytest.mark.parametrize("path", ["/notes", "/raw"])
async def test_json_of_too_many_values_is_refused_before_it_is_parsed(client: httpx.AsyncClient, path: str) -> None:
    headers = {"Content-Type": "application/json"}
    answer = await client.post(path, content=b"[" + b"[]," * MAX_VALUES + b"[]]", headers=headers)
    assert (answer.status_code, answer.json()["detail"]) == (
        413,
        f"the body has more than {MAX_VALUES} values: send it in parts",
    )


async def test_a_body_at_the_limit_passes_and_some_paths_have_larger_limits(client: httpx.AsyncClient) -> None:
    assert (await client.post("/raw", content=_chunks(MAX_BODY))).json() == MAX_BODY
    assert (await client.post("/files", content=_chunks(2 * MAX_BODY))).json() == 2 * MAX_BODY
    assert (await client.post("/files", content=_chunks(2 * MAX_BODY + 1024))).status_code == 413


@pytest.mark.parametrize(
    ("header", "answered"),
    [(etag(7), 7), ('W/"7"', 7), ("*", None)],
)
async def test_if_match_names_the_version_that_the_caller_has_seen(
    client: httpx.AsyncClient, header: str, answered: int | None
) -> None:
    assert (await client.put("/versioned", headers={"If-Match": header})).json() == answered


@pytest.mark.parametrize(
    ("header", "status"), [(None, 428), ("", 400), ('"seven"', 400), ('"1", "2"', 400), ('"²"', 400), ("9" * 5000, 400)]
)
async def test_without_a_usable_if_match_nothing_is_changed(
    client: httpx.AsyncClient, header: str | None, status: int
) -> None:
    headers = [] if header is None else [(b"If-Match", header.encode("latin-1"))]
    assert (await client.put("/versioned", headers=headers)).status_code == status


TEXTS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.lists(st.one_of(TEXTS, st.integers(-(2**53), 2**53), st.none(), st.booleans())))
def test_a_cursor_gives_back_the_key_it_was_made_of(key: list[Any]) -> None:
    assert decode_cursor(encode_cursor(*key), list[Any]) == key


@given(st.text())
def test_a_cursor_from_somewhere_else_is_a_bad_request_and_nothing_worse(cursor: str) -> None:
    assert _read(cursor) in ("a list", 400)


def _read(cursor: str) -> str | int:
    try:
        return "a list" if isinstance(decode_cursor(cursor, list[Any]), list) else "something else"
    except Problem as problem:
        return problem.status


def test_no_cursor_is_the_first_page() -> None:
    assert decode_cursor(None, list[Any]) is None


KEYS = [
    ("2026-03-02T09:00:00+01:00",),
    ("2026-03-02T09:00:00", UUID(int=1)),
    ("0001-01-01T00:00:00+14:00", UUID(int=1)),
    ("yesterday", UUID(int=1)),
    ("2026-03-02T09:00:00Z", 7),
    ("2026-03-02T09:00:00Z", UUID(int=1), "more"),
]


@pytest.mark.parametrize("key", KEYS)
def test_a_cursor_of_another_list_is_a_bad_request(key: tuple[Any, ...]) -> None:
    with pytest.raises(Problem) as refused:
        decode_cursor(encode_cursor(*key), Newest)
    assert refused.value.status == 400


def test_a_text_that_cannot_be_stored_is_no_cursor() -> None:
    with pytest.raises(Problem):
        decode_cursor(encode_cursor("\0"), tuple[str])


def test_a_page_has_a_cursor_as_long_as_there_is_more() -> None:
    at = datetime(2026, 3, 2, 9, tzinfo=UTC)
    rows = [Newest(at, UUID(int=number)) for number in range(3)]
    first = Page[int].of(rows, 2, key=lambda row: row, show=lambda row: row.id.int)
    assert first.items == [0, 1]
    assert decode_cursor(first.next_cursor, Newest) == rows[1]
    assert Page[int].of(rows[2:], 2, key=lambda row: row, show=lambda row: row.id.int).next_cursor is None


async def test_the_trace_goes_back_to_the_caller(client: httpx.AsyncClient) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    for path in ("/guarded", "/nowhere"):
        answer = await client.get(path, headers={"traceparent": parent, "authorization": "Bearer x"})
        assert answer.headers["trace-id"] == parent.split("-")[1]


@pytest.mark.parametrize(
    ("path", "token"),
    [("/guarded", {}), ("/raise/not-found", {"authorization": "Bearer x"}), ("/raise/defect", {})],
)
async def test_a_stranger_does_not_choose_the_trace(
    client: httpx.AsyncClient, path: str, token: dict[str, str]
) -> None:
    parent = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    answer = await client.get(path, headers={"traceparent": parent} | token)
    assert answer.headers["trace-id"] != parent.split("-")[1]


async def test_a_request_of_no_path_reaches_the_application() -> None:
    seen: list[str] = []

    async def app(scope: Any, *_: Any) -> None:
        seen.append(scope["path"])

    for path in ("*", ""):
        scope = {"type": "http", "method": "OPTIONS", "path": path, "headers": [(b"authorization", b"Bearer x")]}
        await telemetry.TraceRequests(app)(scope, Any, Any)  # type: ignore[arg-type]
    assert seen == ["*", ""]


class Sentence(BaseModel):
    not_: bool = Field(alias="not")


def test_a_model_is_answered_under_its_names_on_the_wire() -> None:
    answer = json_response(Sentence.model_validate({"not": True}), 201, {"etag": etag(1)})
    assert orjson.loads(answer.body) == {"not": True}
    assert (answer.status_code, answer.headers["etag"]) == (201, '"1"')


def test_plain_values_are_answered_as_they_are() -> None:
    assert orjson.loads(json_response({"not_": None}).body) == {"not_": None}
