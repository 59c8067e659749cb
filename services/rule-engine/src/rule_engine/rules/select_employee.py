"""A rule that chooses an employee."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from pydantic import JsonValue

from contracts.issues import Issue
from contracts.messages.employee_commands import SelectEmployee
from contracts.values import EmployeeId
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Employee,
    Employees,
    Group,
    Outputs,
    Params,
    RuleType,
)
from rule_engine.rules.departments import Departments, department_issues, nobody_issues


class SelectEmployeeParams(Params):
    method: Literal["random", "supervisor"] = "random"
    """`supervisor`: the head of the department of `of`, up the tree; `random`: one of `employees` and `departments`."""
    employees: Employees = ()
    """Codes of employees."""
    departments: Departments = ()
    """Codes of departments: their members, and those of the departments below them."""
    of: Employee | None = None
    """Code of the employee whose supervisor is meant; by default the responsible person."""
    reserve: Employees = ()
    """Codes of employees: when nobody else is left, the first of them who is there."""
    skip_absent: bool = True


class SelectedEmployee(Outputs):
    """Who was chosen."""

    employee: EmployeeId


class SelectEmployeeRule(RuleType[SelectEmployeeParams]):
    """Chooses an employee for the rules after it. Refused when nobody is left."""

    type = "select_employee"
    title = "Choose an employee"
    group: ClassVar[Group] = "data"
    helper: ClassVar[bool] = True
    params = SelectEmployeeParams
    outputs = SelectedEmployee

    def act(self, params: SelectEmployeeParams, acting: ActionContext) -> SelectEmployee:
        return acting.command(
            SelectEmployee,
            method=params.method,
            employee_ids=params.employees,
            departments=params.departments,
            of_id=params.of,
            reserve_ids=params.reserve,
            skip_absent=params.skip_absent,
        )

    def outputs_of(self, result: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        return {"employee": result["employee_id"]}

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        if params.get("method", "random") == "random":
            yield from nobody_issues(params)
        yield from department_issues(params, context)


RULES: tuple[RuleType[Any], ...] = (SelectEmployeeRule(),)
