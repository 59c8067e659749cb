"""Departments and the tree that they form."""

from collections.abc import Sequence

from contracts.texts import Name
from contracts.values import Code, Fields, Value
from entity_service.domain.errors import InvalidError


class DepartmentFields(Fields):
    """What is said of a department; `head` is an employee's code, who may be written later."""

    name: Name
    parent: Code | None = None
    head: Code | None = None
    archived: bool = False


class Department(DepartmentFields, Value):
    """A part of the tenant's organisation."""

    code: Code


def check_parent(departments: Sequence[Department], changed: Department) -> None:
    """Whether the tree stays a tree with `changed` in it. Raises `InvalidError`."""
    parents = {department.code: department.parent for department in departments} | {changed.code: changed.parent}
    if changed.parent is not None and changed.parent not in parents:
        raise InvalidError(("parent", f"there is no department {changed.parent!r}"))
    above = changed.parent
    while above is not None:
        if above == changed.code:
            raise InvalidError(("parent", f"{changed.parent!r} lies below {changed.code!r} itself"))
        above = parents[above]
