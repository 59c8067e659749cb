"""Problem details (RFC 9457): every error answer of a service."""

from collections.abc import Sequence
from http import HTTPStatus
from typing import Any

import asyncpg
import orjson
import structlog
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from contracts.issues import NO_SCHEMA, issues, schema_of
from contracts.kit.database import INFRASTRUCTURE_ERRORS
from contracts.kit.errors import VaultError

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
    app.add_exception_handler(VaultError, _on_unreadable_secret)
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
    detail = getattr(error, "told", "a server behind this service is away")
    return Problem(503, "Unavailable", detail, headers={"Retry-After": "2"}).response()


async def _on_unreadable_secret(_: Request, error: Exception) -> Response:
    """An operator changed the key: the caller will try again, and by then the secret may have been put again."""
    logger.error("a kept secret cannot be read", reason=str(error))
    detail = "a secret that this needs has to be put again"
    return Problem(503, "Unavailable", detail, headers={"Retry-After": "60"}).response()


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
