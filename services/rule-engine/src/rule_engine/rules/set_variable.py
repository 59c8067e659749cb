"""A rule that sets a variable."""

from collections.abc import Iterable, Mapping
from typing import Any, ClassVar

from pydantic import JsonValue

from contracts.issues import Issue
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Completed,
    Failure,
    Group,
    Outputs,
    Params,
    RuleType,
)
from rule_engine.domain.language.variables import MisfitError, Name
from rule_engine.rules.data import assignment, variable_issues


class SetVariableParams(Params):
    variable: Name
    """Code of the variable; its scope says whether it is the tenant's, the item's or the run's."""
    value: JsonValue = None
    """The new value: a text, `{"path": …}` or `{"expr": "var.count + 1"}`; none empties it."""


class SetValue(Outputs):
    value: JsonValue
    """The variable's new value."""


class SetVariable(RuleType[SetVariableParams]):
    """Gives a variable a new value. Two runs at once never overwrite each other's: the later one computes again."""

    type = "set_variable"
    title = "Set a variable"
    group: ClassVar[Group] = "data"
    stores: ClassVar[bool] = True
    params = SetVariableParams
    outputs = SetValue

    def act(self, params: SetVariableParams, acting: ActionContext) -> Completed | Failure:
        try:
            assigned = assignment(params.variable, params.value, acting)
        except MisfitError as error:
            return Failure(f"params.value: {error}")
        return Completed(SetValue(value=assigned.value), (assigned,))

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        yield from variable_issues(params, "value", context, "")


RULES: tuple[RuleType[Any], ...] = (SetVariable(),)
