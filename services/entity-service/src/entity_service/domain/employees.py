"""Employees, and who gets the work of those who are archived."""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from typing import Annotated, NamedTuple
from uuid import UUID

from pydantic import StringConstraints

from contracts.texts import Line, Name
from contracts.values import Code, Fields, Value
from entity_service.domain.departments import Department
from entity_service.domain.names import full_name


class EmployeeFields(Fields):
    """What is said of an employee.

    `successor` is the code of the employee, who may be written later, who gets new work once this one is archived.
    """

    first_name: Name
    last_name: Line = ""
    email: Annotated[str, StringConstraints(max_length=320)] | None = None
    phone: Annotated[str, StringConstraints(max_length=50)] | None = None
    position: Line | None = None
    department: Code | None = None
    successor: Code | None = None
    archived: bool = False


class Employee(EmployeeFields, Value):
    """Somebody who works for the tenant."""

    id: UUID
    code: Code

    @property
    def name(self) -> str:
        return full_name(self.first_name, self.last_name)


class Reference(Value):
    """A record that refers to an employee: its id or code, and what people call it."""

    ref: str
    name: str


class References(Value):
    """How many records of a kind refer to an employee, and the first of them."""

    kind: str
    count: int
    first: tuple[Reference, ...]


class EmployeeReferences(Value):
    """What refers to an employee, by kind; `new_work_goes_to` is the code of the one who gets their new work."""

    new_work_goes_to: str | None
    references: tuple[References, ...] = ()


MAX_STEPS = 100
"""Successors after one another, departments above one another."""


class Staff:
    """A tenant's employees and departments: the one place that says who gets the work of archived employees."""

    def __init__(
        self, employees: Iterable[Employee], departments: Iterable[Department], default_assignee: str | None
    ) -> None:
        self._employees = {one.code: one for one in employees}
        self._departments = {one.code: one for one in departments}
        self._default = default_assignee
        self._present = cache(self._find_present)

    def assignee(self, employee: Employee) -> Employee | None:
        """Who gets new work of an employee: the employee, or if archived the next; null when nobody is left.

        The next is the employee's successor, else the head of the department or of the nearest one above, else the
        tenant's default assignee; one of them who is archived is followed by their successor in turn.
        """
        candidates = (employee.code, *self._heads(employee.department), self._default)
        return next((found for code in candidates if (found := self._present(code))), None)

    def reassignments(self) -> Mapping[UUID, UUID | None]:
        """Who gets new work in the place of each archived employee."""
        archived = [one for one in self._employees.values() if one.archived]
        return {one.id: next_.id if (next_ := self.assignee(one)) else None for one in archived}

    def _heads(self, department: str | None) -> Iterator[str | None]:
        for _ in range(MAX_STEPS):
            found = self._departments.get(department or "")
            if found is None:
                return
            yield found.head
            department = found.parent

    def _find_present(self, code: str | None) -> Employee | None:
        for _ in range(MAX_STEPS):
            employee = self._employees.get(code or "")
            if employee is None or not employee.archived:
                return employee
            code = employee.successor
        return None


class Absentable(NamedTuple):
    """An employee, and whether they are absent now; `substitute` is the code of the one who answers for them then."""

    id: UUID
    code: str
    archived: bool
    absent: bool
    substitute: str | None


def substitutes_of(employees: Iterable[Absentable]) -> dict[UUID, UUID]:
    """Who answers for each employee who is absent: the substitute, or if that one is absent, too, theirs in turn.

    Without those for whom this leads to nobody: round in a circle, to somebody archived, or to somebody absent who has
    no substitute.
    """
    known = {one.code: one for one in employees}
    found = {one.id: _substitute(one, known) for one in known.values() if one.absent}
    return {absent: substitute for absent, substitute in found.items() if substitute}


def _substitute(absent: Absentable, known: Mapping[str, Absentable]) -> UUID | None:
    passed = {absent.code}
    for _ in range(MAX_STEPS):
        next_ = known.get(absent.substitute or "")
        if next_ is None or next_.archived or next_.code in passed:
            return None
        if not next_.absent:
            return next_.id
        passed.add(next_.code)
        absent = next_
    return None


class Handover(NamedTuple):
    """Work that was meant for an archived employee goes to another one; null: nobody is left."""

    archived: Employee
    to: Employee | None

    def text(self, work: str) -> str:
        """For the timeline; `work` is such as "the task 'Call'"."""
        end = f"goes to {self.to.name}" if self.to else "goes to nobody: nobody is left who could take over"
        return f"{work} for {self.archived.name}, who is archived, {end}"


def nobody_left(employee: Employee) -> str:
    """Why work cannot be given to anybody, and what to do."""
    return (
        f"employee {employee.code!r} is archived and nobody is left to take over: give them a successor, their "
        "department a head, or the tenant a default_assignee"
    )
