"""A rule that gives the item to one of several employees."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar, Literal

from pydantic import JsonValue

from contracts.issues import Issue
from contracts.messages.employee_commands import ChangeResponsible
from contracts.values import EmployeeId
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Employees,
    Group,
    Outputs,
    Params,
    RuleType,
)
from rule_engine.rules.departments import Departments, department_issues, nobody_issues


class ChangeResponsibleParams(Params):
    employees: Employees = ()
    """Codes of employees."""
    departments: Departments = ()
    """Codes of departments: their members, and those of the departments below them."""
    method: Literal["random", "first_available", "in_order"] = "in_order"
    """`in_order`: the one after whoever this rule chose last; `first_available`: the first who is not passed over."""
    skip_absent: bool = True
    skip_not_at_work: bool = False
    """Whether those are passed over who clock in and have not started work yet."""


class ChangedResponsible(Outputs):
    """Who is responsible now."""

    responsible: EmployeeId


class ChangeResponsibleRule(RuleType[ChangeResponsibleParams]):
    """Gives the item to one of several employees. Refused when nobody is left."""

    type = "change_responsible"
    title = "Change the responsible person"
    group: ClassVar[Group] = "tasks"
    params = ChangeResponsibleParams
    outputs = ChangedResponsible

    def act(self, params: ChangeResponsibleParams, acting: ActionContext) -> ChangeResponsible:
        return acting.command(
            ChangeResponsible,
            employee_ids=params.employees,
            departments=params.departments,
            method="first" if params.method == "first_available" else params.method,
            skip_absent=params.skip_absent,
            skip_not_at_work=params.skip_not_at_work,
            turns_of=acting.rule_id,
        )

    def outputs_of(self, result: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        return {"responsible": result["responsible_id"]}

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        yield from nobody_issues(params)
        yield from department_issues(params, context)


RULES: tuple[RuleType[Any], ...] = (ChangeResponsibleRule(),)
