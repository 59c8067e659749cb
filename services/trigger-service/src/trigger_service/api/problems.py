"""This service's own errors as problem documents."""

from typing import cast

from fastapi import Request, Response

from contracts.kit.http import Problem, bad_input
from trigger_service.errors import InvalidInputError


def as_problem(error: InvalidInputError) -> Problem:
    return bad_input(error.detail, *error.errors)


async def on_invalid_input(_: Request, error: Exception) -> Response:
    return as_problem(cast("InvalidInputError", error)).response()
