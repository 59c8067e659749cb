"""A rule that says who is told of the item."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from pydantic import JsonValue

from contracts.messages.employee_commands import ChangeObservers
from contracts.values import EmployeeId
from rule_engine.domain.actions import (
    ActionContext,
    Employees,
    Group,
    Outputs,
    Params,
    RuleType,
)


class ChangeObserversParams(Params):
    action: Literal["add", "remove", "replace"] = "add"
    observers: Employees
    """Codes of employees."""


class ChangedObservers(Outputs):
    """Who observes the item now."""

    observers: tuple[EmployeeId, ...]


class ChangeObserversRule(RuleType[ChangeObserversParams]):
    """Adds observers to the item, takes them away or replaces them."""

    type = "change_observers"
    title = "Change the observers"
    group: ClassVar[Group] = "employees"
    params = ChangeObserversParams
    outputs = ChangedObservers

    def act(self, params: ChangeObserversParams, acting: ActionContext) -> ChangeObservers:
        return acting.command(ChangeObservers, action=params.action, observer_ids=params.observers)

    def outputs_of(self, result: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        return {"observers": result["observer_ids"]}


RULES: tuple[RuleType[Any], ...] = (ChangeObserversRule(),)
