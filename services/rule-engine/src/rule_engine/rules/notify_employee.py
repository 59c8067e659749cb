"""A rule that tells employees, departments and those who have to do with the item."""

from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar, Literal
from uuid import UUID

from pydantic import Field, JsonValue

from contracts.contexts import ItemContext, Part
from contracts.issues import Issue
from contracts.messages.comms import Notify
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Employee,
    Employees,
    Failure,
    Group,
    Params,
    RuleType,
)
from rule_engine.rules.departments import Departments, department_issues
from rule_engine.rules.employees import Notified, Text, present_ones

Role = Literal["responsible", "supervisor", "observers"]


class NotifyEmployeeParams(Params):
    text: Text
    sender: Employee | None = None
    """Code of the employee in whose name it comes; by default nobody's."""
    employees: Employees = ()
    """Codes of employees."""
    departments: Departments = ()
    """Codes of departments: their members, and those of the departments below them."""
    roles: Annotated[tuple[Role, ...], Field(max_length=3)] = ()
    """What they are to the item. Without any recipients: the responsible person."""


class NotifyEmployee(RuleType[NotifyEmployeeParams]):
    """A notification to employees, members of departments, or those who have to do with the item; each gets one."""

    type = "notify_employee"
    title = "Notify employees"
    group: ClassVar[Group] = "employees"
    needs: ClassVar[tuple[Part, ...]] = ("reassignments",)
    params = NotifyEmployeeParams
    outputs = Notified

    def needs_with(self, params: Mapping[str, JsonValue]) -> Collection[Part]:
        wanted: dict[Part, str] = {"members": "departments", "supervisor": "roles"}
        return (*self.needs, *(part for part, name in wanted.items() if params.get(name)))

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        return department_issues(params, context)

    def act(self, params: NotifyEmployeeParams, acting: ActionContext) -> Notify | Failure:
        """Fails when there is nobody to notify, or a department is not there."""
        context = acting.context
        if gone := [code for code in params.departments if code not in context.members]:
            return Failure(f"there is no department {', '.join(gone)}")
        recipients = present_ones(_meant(params, context), context)
        if not recipients:
            return Failure("there is nobody to notify: those who are meant are not set, or archived with nobody left")
        if len(recipients) > MAX_RECIPIENTS:
            return Failure(f"it would notify {len(recipients)} employees: at most {MAX_RECIPIENTS} at once")
        sender = str(params.sender) if params.sender else None
        return Notify(item_id=context.item.id, recipients=recipients, text=params.text, sender=sender)


MAX_RECIPIENTS = 1_000


def _meant(params: NotifyEmployeeParams, context: ItemContext) -> Iterator[UUID | None]:
    yield from params.employees
    for code in params.departments:
        yield from context.members[code]
    named = params.employees or params.departments
    for role in params.roles or (() if named else ("responsible",)):
        match role:
            case "responsible":
                yield context.item.responsible_id
            case "supervisor":
                yield context.supervisor.id if context.supervisor else None
            case "observers":
                yield from context.item.observer_ids


RULES: tuple[RuleType[Any], ...] = (NotifyEmployee(),)
