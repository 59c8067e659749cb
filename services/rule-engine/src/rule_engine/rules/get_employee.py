"""A rule that reads an employee."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, ClassVar

from pydantic import JsonValue

from contracts.messages.employee_commands import ReadEmployee
from contracts.values import EmployeeId
from rule_engine.domain.actions import (
    ActionContext,
    Employee,
    Failure,
    Group,
    Outputs,
    Params,
    RuleType,
)


class GetEmployeeParams(Params):
    employee: Employee | None = None
    """Code of the employee; by default the responsible person."""


class FoundEmployee(Outputs):
    """What is known of the employee; `absent_until` is empty for one who is there."""

    employee: EmployeeId
    name: str
    first_name: str
    email: str | None = None
    phone: str | None = None
    position: str | None = None
    department: str | None = None
    head: EmployeeId | None = None
    absent_until: datetime | None = None


class GetEmployee(RuleType[GetEmployeeParams]):
    """Reads what is known of an employee, for the rules after it."""

    type = "get_employee"
    title = "Read an employee"
    group: ClassVar[Group] = "data"
    helper: ClassVar[bool] = True
    params = GetEmployeeParams
    outputs = FoundEmployee

    def act(self, params: GetEmployeeParams, acting: ActionContext) -> ReadEmployee | Failure:
        employee = params.employee or acting.context.item.responsible_id
        if employee is None:
            return Failure("nobody is responsible: name the employee, or make somebody responsible")
        return acting.command(ReadEmployee, employee_id=employee)

    def outputs_of(self, result: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        return super().outputs_of({**result, "employee": result["employee_id"], "head": result["head_id"]})


RULES: tuple[RuleType[Any], ...] = (GetEmployee(),)
