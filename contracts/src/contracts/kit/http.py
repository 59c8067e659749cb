"""HTTP as all services speak it: problem details, idempotency keys, entity tags, cursors, size limits.

Sources: RFC 9457 (problem details), RFC 9110 (`ETag`, `If-Match`), the Idempotency-Key draft of the IETF.
"""

import base64
import hashlib
import re
from collections.abc import Awaitable, Callable, Sequence
from http import HTTPStatus
from typing import Annotated, Any, NamedTuple, Self
from uuid import UUID

import asyncpg
import orjson
import structlog
from fastapi import FastAPI, Query, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, TypeAdapter
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.inputs import Moment, unkeepable
from contracts.issues import NO_SCHEMA, issues, schema_of
from contracts.kit.aging import forget_older
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Connection, Database

logger = structlog.get_logger(__name__)

PROBLEM = "application/problem+json"
MAX_PLACE = 200
"""Characters: the names in it are the caller's."""
MAX_ISSUES = 20

CLASHES = (asyncpg.UniqueViolationError, asyncpg.ForeignKeyViolationError, asyncpg.ExclusionViolationError)
"""What PostgreSQL raises when two concurrent requests each found nothing in their way."""


class Problem(Exception):  # noqa: N818 - the term of RFC 9457
    """An answer that says what was wrong, where, and what to do.

    `errors` is a list of `{"where": …, "what": …}` for bad input.
    """

    def __init__(
        self,
        status: int,
        title: str,
        detail: str,
        *,
        errors: Sequence[dict[str, Any]] = (),
        headers: dict[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.title = title
        self.detail = detail
        self.errors = list(errors)
        self.headers = headers

    def response(self) -> Response:
        body: dict[str, Any] = {"type": "about:blank", "title": self.title, "status": self.status}
        body |= {"detail": self.detail} | ({"errors": self.errors} if self.errors else {})
        return Response(orjson.dumps(body, default=str), self.status, self.headers, media_type=PROBLEM)


def not_found(what: str) -> Problem:
    """Also for what belongs to another tenant, so that its existence is not disclosed."""
    return Problem(404, "Not found", f"there is no {what}")


def conflict(detail: str) -> Problem:
    return Problem(409, "Conflict", detail)


def bad_input(detail: str, *errors: tuple[str, str]) -> Problem:
    """422; `errors` are (where, what) pairs."""
    return Problem(422, "Invalid input", detail, errors=[{"where": where, "what": what} for where, what in errors])


def install_problems(app: FastAPI, *outages: type[Exception]) -> None:
    """Makes every error answer of `app` a problem document; 503 for `outages` beside those of PostgreSQL."""
    app.add_exception_handler(Problem, _on_problem)
    app.add_exception_handler(HTTPException, _on_http)
    app.add_exception_handler(RequestValidationError, _on_invalid)
    for clash in CLASHES:
        app.add_exception_handler(clash, _on_clash)
    for error in (*INFRASTRUCTURE_ERRORS, *outages):
        app.add_exception_handler(error, _on_outage)
    app.add_middleware(InternalErrorMiddleware)


async def _on_problem(_: Request, error: Exception) -> Response:
    assert isinstance(error, Problem)  # noqa: S101 - registered for it
    return error.response()


async def _on_http(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    title = HTTPStatus(error.status_code).phrase
    return Problem(error.status_code, title, str(error.detail), headers=dict(error.headers or {})).response()


async def _on_invalid(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    return bad_shape(error, request).response()


def bad_shape(error: RequestValidationError, request: Request) -> Problem:
    """422 for a request of another shape; places in the body are named without `body.`."""
    field = getattr(request.scope.get("route"), "body_field", None)
    model = None if field is None else field.field_info.annotation
    schema = schema_of(model) if isinstance(model, type) and issubclass(model, BaseModel) else NO_SCHEMA
    details = [_in_body(one) for one in error.errors()[:MAX_ISSUES]]
    pairs = [(where[:MAX_PLACE] or "body", what) for where, what in issues(details, schema)]
    return bad_input("the request does not have the expected shape", *pairs)


def _in_body(detail: Any) -> dict[str, Any]:
    """JSON that cannot be read has a number for its place, the character."""
    (part, *rest), unreadable = detail["loc"], detail["type"] == "json_invalid"
    return {**detail, "loc": (() if unreadable else tuple(rest)) if part == "body" else detail["loc"]}


async def _on_outage(_: Request, error: Exception) -> Response:
    logger.warning("request failed: a server is away", error=type(error).__name__)
    problem = Problem(503, "Unavailable", "a server behind this service is away", headers={"Retry-After": "2"})
    return problem.response()


async def _on_clash(_: Request, error: Exception) -> Response:
    """Nothing was changed. The log names the constraint: one that comes up often lacks a check in the code."""
    logger.error("request failed: it clashed", constraint=getattr(error, "constraint_name", None), exc_info=error)
    detail = "something that this names or makes was changed at the same moment: look again, then repeat it"
    return conflict(detail).response()


class InternalErrorMiddleware:
    """Answers 500 for an unhandled error, inside the request's trace, so that log and answer carry its id."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        begun = False

        async def watched(message: Message) -> None:
            nonlocal begun
            begun = True
            await send(message)

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            if scope["type"] != "http" or begun:
                raise
            logger.error("request failed", error=type(error).__name__, exc_info=error)
            problem = Problem(500, "Internal error", "this is a defect of the service; its log says more")
            await problem.response()(scope, receive, send)


_VERSION = re.compile(r"[0-9]{1,18}")


def etag(version: int) -> str:
    return f'"{version}"'


def if_match(request: Request) -> int | None:
    """The version the caller has seen; null for `*`. Raises 428 when the header is absent, 400 when it is malformed."""
    header = request.headers.get("if-match")
    if header is None:
        raise Problem(428, "Precondition required", "send If-Match with the ETag of what you last read, or *")
    if header.strip() == "*":
        return None
    text = header.strip().removeprefix("W/").strip('"')
    if not _VERSION.fullmatch(text):
        raise Problem(400, "Bad request", f"If-Match: {header[:40]!r} is no ETag of this service")
    return int(text)


def encode_cursor(*key: Any) -> str:
    """An opaque position in a list: the sort key of its last row."""
    return base64.urlsafe_b64encode(orjson.dumps(key, default=str)).decode().rstrip("=")


def decode_cursor[K](cursor: str | None, shape: type[K]) -> K | None:
    """The sort key that a cursor is of, such as a `Newest`. Raises 400 for what was not made of one of that shape."""
    if cursor is None:
        return None
    try:
        key = TypeAdapter(shape).validate_json(base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)))
        if unkeepable(key) is None:
            return key
    except ValueError:
        pass
    raise Problem(400, "Bad request", "cursor: use the next_cursor of an earlier page")


Cursor = Annotated[str | None, Query(max_length=400, description="the next_cursor of the page before")]
Limit = Annotated[int, Query(ge=1, le=200, description="how many at the most")]


class Newest(NamedTuple):
    """The sort key of a list that begins with the newest."""

    at: Moment
    id: UUID


class Page[T](BaseModel):
    """One page of a list; `next_cursor` is null on the last one."""

    items: list[T]
    next_cursor: str | None = None

    @classmethod
    def of[R](
        cls, found: Sequence[R], limit: int, *, key: Callable[[R], tuple[Any, ...]], show: Callable[[R], T]
    ) -> Self:
        """Of what was found with `limit + 1`; `key` is an entry's sort key."""
        more = encode_cursor(*key(found[limit - 1])) if len(found) > limit else None
        return cls(items=[show(one) for one in found[:limit]], next_cursor=more)


class Idempotency:
    """POSTs that may be sent twice: the same `Idempotency-Key` gives the first answer again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def once(
        self,
        request: Request,
        *,
        tenant: UUID,
        subject: str,
        do: Callable[[Connection], Awaitable[Response]],
    ) -> Response:
        """Runs `do` in a transaction of `tenant`, or repeats the stored answer of the same key and request.

        Raises 422 when the key was used for another request. Only answers that changed something are stored: when `do`
        raises, nothing is.
        """
        key = request.headers.get("idempotency-key")
        if key is not None and not 1 <= len(key) <= 200:
            raise Problem(400, "Bad request", "Idempotency-Key: 1 to 200 characters")
        digest = await _digest(request)
        async with self._database.transaction(tenant) as tx:
            if key is None:
                return await do(tx)
            stored = await _claim(tx, tenant, subject, key, digest)
            if stored is not None:
                return stored
            response = await do(tx)
            await _store(tx, (tenant, subject, key), response)
            return response


async def _digest(request: Request) -> bytes:
    body = await request.body()
    return hashlib.sha256(
        b"\0".join([request.method.encode(), request.url.path.encode(), request.url.query.encode(), body])
    ).digest()


async def _claim(tx: Connection, tenant: UUID, subject: str, key: str, digest: bytes) -> Response | None:
    """Inserts the key, waiting for another request with the same key to commit; its answer if there is one."""
    claimed = await tx.fetchval(
        """INSERT INTO idempotency_keys (tenant_id, subject, key, request_hash) VALUES ($1, $2, $3, $4)
           ON CONFLICT DO NOTHING RETURNING true""",
        tenant,
        subject,
        key,
        digest,
    )
    if claimed:
        return None
    row = await tx.fetchrow(
        "SELECT * FROM idempotency_keys WHERE tenant_id = $1 AND subject = $2 AND key = $3", tenant, subject, key
    )
    if row is None or row["status"] is None:
        raise conflict("another request with this Idempotency-Key is under way")
    if row["request_hash"] != digest:
        raise bad_input("this Idempotency-Key was used for another request", ("Idempotency-Key", "take a new one"))
    return Response(row["body"], row["status"], row["headers"] | {"Idempotent-Replayed": "true"})


async def _store(tx: Connection, place: tuple[UUID, str, str], response: Response) -> None:
    headers = {name: text for name, text in response.headers.items() if name in ("content-type", "etag", "location")}
    await tx.execute(
        """UPDATE idempotency_keys SET status = $4, headers = $5, body = $6
           WHERE tenant_id = $1 AND subject = $2 AND key = $3""",
        *place,
        response.status_code,
        headers,
        bytes(response.body),
    )


async def forget_answers(database: Database, days: int) -> int:
    """Deletes the stored answers that are older, and returns how many."""
    return await forget_older(database, "idempotency_keys", "tenant_id, subject, key", "created_at", days)


def json_response(
    body: BaseModel | dict[str, Any], status: int = 200, headers: dict[str, str] | None = None
) -> Response:
    """A JSON answer from a model, its fields under their names on the wire, or from plain values."""
    raw = body.model_dump_json(by_alias=True) if isinstance(body, BaseModel) else orjson.dumps(body, default=str)
    return Response(raw, status, headers, media_type="application/json")
