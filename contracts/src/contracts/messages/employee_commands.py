"""The commands of entity-service about employees and what they are to an item, on `crm.entity.commands.v1`."""

from typing import Annotated, ClassVar, Literal
from uuid import UUID

from pydantic import Field

from contracts.messages.entity_commands import Employees, ItemCommand
from contracts.values import Code, Fields

Departments = Annotated[tuple[Code, ...], Field(max_length=100)]


class Candidates(Fields):
    """Who can be chosen: employees in this order, then the members of departments, and of those below them, by code.

    An archived employee is replaced by the one who gets their work.
    """

    employee_ids: Employees = ()
    departments: Departments = ()
    skip_absent: bool = True
    """Whether those who are absent now are passed over."""


class ReadEmployee(ItemCommand):
    """Reads what is known of an employee.

    Outputs: `employee_id`, `name`, `first_name`, `email`, `phone`, `position`, `department` (its name), `head_id` (of
    the department), `absent_until` (null: present).
    """

    TYPE: ClassVar[str] = "crm.employee.read.v1"

    employee_id: UUID


class SelectEmployee(Candidates, ItemCommand):
    """Chooses an employee; refused when nobody is left. Outputs: `employee_id`.

    `supervisor`: the head of the department of `of_id`, up the tree; else one of the candidates, by chance.
    """

    TYPE: ClassVar[str] = "crm.employee.select.v1"

    method: Literal["random", "supervisor"]
    of_id: UUID | None = None
    """Null: the item's responsible person."""
    reserve_ids: Employees = ()
    """Of these the first one who is not passed over, when nobody else is left."""


class ChangeResponsible(Candidates, ItemCommand):
    """Gives an item to one of the candidates; refused when nobody is left. Outputs: `responsible_id`, `version`.

    `in_order`: the one after whoever was chosen last under the same `turns_of`; the turn goes on in this transaction.
    """

    TYPE: ClassVar[str] = "crm.item.change_responsible.v1"

    method: Literal["random", "first", "in_order"]
    skip_not_at_work: bool = False
    """Whether those are passed over who clock in and have not yet."""
    turns_of: Annotated[str, Field(max_length=100)] = ""
    """Whose turns are counted: a rule's id."""


class ChangeObservers(ItemCommand):
    """Adds, takes away or replaces observers of an item. Outputs: `observer_ids`, `version`."""

    TYPE: ClassVar[str] = "crm.item.change_observers.v1"

    action: Literal["add", "remove", "replace"]
    observer_ids: Employees
