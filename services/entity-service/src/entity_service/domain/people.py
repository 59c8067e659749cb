"""Employees and the departments they belong to."""

from collections.abc import Sequence
from uuid import UUID

from contracts.values import Code, Value
from entity_service.domain.errors import InvalidError


class Employee(Value):
    """Somebody who works for the tenant."""

    id: UUID
    code: Code
    first_name: str
    last_name: str = ""
    email: str | None = None
    phone: str | None = None
    position: str | None = None
    department: str | None = None
    archived: bool = False

    @property
    def name(self) -> str:
        return full_name(self.first_name, self.last_name)


class Department(Value):
    """A part of the tenant's organisation; `head` is an employee's code, who may be written later."""

    code: Code
    name: str
    parent: str | None = None
    head: str | None = None
    archived: bool = False


def full_name(first: str, last: str) -> str:
    """Both names, as a person would write them."""
    return f"{first} {last}".strip()


def check_parent(departments: Sequence[Department], changed: Department) -> None:
    """Whether the tree stays a tree with `changed` in it."""
    parents = {department.code: department.parent for department in departments} | {changed.code: changed.parent}
    if changed.parent is not None and changed.parent not in parents:
        raise InvalidError(("parent", f"there is no department {changed.parent!r}"))
    above = changed.parent
    while above is not None:
        if above == changed.code:
            raise InvalidError(("parent", f"{changed.parent!r} lies below {changed.code!r} itself"))
        above = parents[above]
