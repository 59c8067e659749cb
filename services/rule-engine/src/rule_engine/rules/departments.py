"""Departments that parameters name."""

from collections.abc import Iterable, Mapping
from typing import Annotated

from pydantic import Field, JsonValue

from contracts.issues import Issue, unknown
from contracts.values import Code
from rule_engine.domain.actions import (
    AuthoringContext,
    literal,
)

Departments = Annotated[tuple[Code, ...], Field(max_length=100)]


def nobody_issues(params: Mapping[str, JsonValue]) -> Iterable[Issue]:
    """That neither employees nor departments are named."""
    if not params.get("employees") and not params.get("departments"):
        yield Issue("employees", "name employees or departments to choose from")


def department_issues(params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
    """Codes that no department has."""
    written = params.get("departments")
    for index, one in enumerate(written if isinstance(written, list) else ()):
        code = literal(one)
        if code is not None and code not in context.schema.departments:
            yield Issue(f"departments[{index}]", unknown("department", code, context.schema.departments))
