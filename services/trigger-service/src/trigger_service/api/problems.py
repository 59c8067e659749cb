"""This service's own errors as problem documents."""

from typing import cast

import structlog
from fastapi import Request, Response

from contracts.kit.http import Problem, bad_input, conflict
from trigger_service.errors import InvalidInputError, KeyReusedError

logger = structlog.get_logger(__name__)


def as_problem(error: InvalidInputError) -> Problem:
    return bad_input(error.detail, *error.errors)


async def on_invalid_input(_: Request, error: Exception) -> Response:
    return as_problem(cast("InvalidInputError", error)).response()


async def on_reused_key(_: Request, error: Exception) -> Response:
    """409 while the first one may still come to nothing, else 422, as the Idempotency-Key draft of the IETF has it."""
    reused = cast("KeyReusedError", error)
    if reused.pending:
        problem = conflict(f"{reused}, which is not judged yet: send it again in a few seconds")
        problem.headers = {"Retry-After": "5"}
        return problem.response()
    return bad_input(str(reused), ("Idempotency-Key or webhook-id", "take a new one for another content")).response()


async def on_unreadable_secret(_: Request, error: Exception) -> Response:
    """An operator changed the key: whoever calls will try again, and by then the secret may have been put again."""
    logger.error("a payment provider's secret cannot be read", reason=str(error))
    detail = "this provider's secret has to be put again"
    return Problem(503, "Unavailable", detail, headers={"Retry-After": "60"}).response()
