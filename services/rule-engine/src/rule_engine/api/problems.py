"""What the engine refuses, as problem details."""

import re
from collections.abc import Callable, Coroutine, Generator, Mapping
from contextlib import contextmanager
from typing import Any

from fastapi import Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute

from contracts.kit.broker import OutageError
from contracts.kit.errors import QueueFullError
from contracts.kit.http import Problem, bad_shape
from rule_engine.application.permissions import ForbiddenError
from rule_engine.processes import ProcessFailedError

_RULE = re.compile(r"stages\.(?P<stage>[^.\[]+)\.rules\[(?P<index>\d+)\]")


@contextmanager
def needing_entity_service(for_what: str) -> Generator[None]:
    """Answers 503 while entity-service, which knows `for_what`, is away."""
    try:
        yield
    except OutageError as error:
        detail = f"entity-service, which knows {for_what}, is away"
        raise Problem(503, "Unavailable", detail, headers={"Retry-After": "2"}) from error


@contextmanager
def process_problems(what: str, detail: str) -> Generator[None]:
    """Answers 429 while too much of `what` waits already, and 503 when a process ended without findings."""
    try:
        yield
    except QueueFullError as error:
        waiting = f"{error.waiting} {what} of this tenant wait already; try again when they are done"
        raise Problem(429, "Too many requests", waiting, headers={"Retry-After": "30"}) from error
    except ProcessFailedError as error:
        raise Problem(503, "Unavailable", f"{detail}: {error}") from error


@contextmanager
def forbidding() -> Generator[None]:
    """Answers 403, and says what is missing, when the caller may not do what a workflow keeps for others."""
    try:
        yield
    except ForbiddenError as error:
        raise Problem(403, "Forbidden", str(error)) from error


class RuleSetRoute(APIRoute):
    """A route whose body is a rule set: errors inside of a rule name it."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_naming_rules(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as error:
                raise _naming_rules(bad_shape(error, request), error.body) from error

        return handle_naming_rules


def _naming_rules(problem: Problem, body: Any) -> Problem:
    for one in problem.errors:
        one |= _rule(str(one["where"]), body)
    return problem


def _rule(where: str, body: Any) -> Mapping[str, str]:
    """`{"rule": "greet"}`, if the place is inside of a rule that has a name."""
    place = _RULE.match(where)
    if place is None:
        return {}
    try:
        name = body["stages"][place["stage"]]["rules"][int(place["index"])]["name"]
    except (LookupError, TypeError):
        return {}
    return {"rule": name} if isinstance(name, str) else {}
