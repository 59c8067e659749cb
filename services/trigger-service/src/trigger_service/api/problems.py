"""This service's own errors as problem documents."""

from fastapi import FastAPI, Request, Response

from contracts.kit.http import Problem, bad_input, conflict
from trigger_service.domain.answers import NONCE
from trigger_service.domain.errors import (
    ChallengeAwayError,
    ChallengeUnsolvedError,
    InvalidInputError,
    KeyReusedError,
    NonceError,
    NotRetriedError,
    TooSoonError,
    TriggerServiceError,
)


def install(app: FastAPI) -> None:
    """Makes every answer to an error of this service's own a problem document."""
    app.add_exception_handler(TriggerServiceError, _on_error)


async def _on_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, TriggerServiceError)  # noqa: S101 - registered for it
    return as_problem(error).response()


def as_problem(error: TriggerServiceError) -> Problem:
    match error:
        case InvalidInputError():
            return bad_input(error.detail, *error.errors)
        case KeyReusedError():
            return _key_reused(error)
        case NonceError():
            return bad_input(f"{error}: send it again", (NONCE, "take a new one from GET of this address"))
        case TooSoonError():
            return Problem(429, "Too many requests", str(error), headers={"Retry-After": str(error.wait_s)})
        case ChallengeUnsolvedError():
            return bad_input(str(error))
        case ChallengeAwayError():
            return Problem(503, "Unavailable", str(error), headers={"Retry-After": "60"})
        case NotRetriedError():
            return conflict(str(error))
        case _:
            raise error


def _key_reused(error: KeyReusedError) -> Problem:
    """409 while the first one may still be refused, else 422, as the Idempotency-Key draft of the IETF has it."""
    if error.pending:
        problem = conflict(f"{error}, which is not judged yet: send it again in a few seconds")
        problem.headers = {"Retry-After": "5"}
        return problem
    return bad_input(str(error), ("Idempotency-Key or webhook-id", "take a new one for another content"))
