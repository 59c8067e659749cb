"""A rule that computes values."""

from collections.abc import Iterable, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, JsonValue, create_model

from contracts.contexts import TenantSchema
from contracts.issues import Issue
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Class,
    Completed,
    Failure,
    Group,
    Outputs,
    Params,
    RuleType,
)
from rule_engine.domain.language.variables import Assigned, MisfitError, Name
from rule_engine.rules.data import assignment, variable_issues


class Calculation(Params):
    """A value with a name, made when the rule acts."""

    name: Name
    """What later rules use as `steps.<rule name>.<name>`."""
    value: JsonValue
    """Usually `{"expr": "…"}`."""
    variable: Name | None = None
    """Code of a variable that takes the value too."""


class CalculateParams(Params):
    values: Annotated[tuple[Calculation, ...], Field(min_length=1, max_length=50)]


class Calculated(Outputs):
    """The values by name."""

    model_config = ConfigDict(frozen=True, extra="allow")


class Calculate(RuleType[CalculateParams]):
    """Computes values for the rules after it, and for variables. All see the same values, those before the rule."""

    type = "calculate"
    title = "Calculate"
    group: ClassVar[Group] = "data"
    helper: ClassVar[bool] = True
    stores: ClassVar[bool] = True
    params = CalculateParams
    outputs = Calculated

    def act(self, params: CalculateParams, acting: ActionContext) -> Completed | Failure:
        assigned, outputs = list[Assigned](), dict[str, JsonValue]()
        for index, one in enumerate(params.values):
            outputs[one.name] = one.value
            if one.variable is not None:
                try:
                    assigned.append(assignment(one.variable, one.value, acting))
                except MisfitError as error:
                    return Failure(f"params.values[{index}].value: {error}")
                outputs[one.name] = assigned[-1].value
        return Completed(Calculated.model_validate(outputs), tuple(assigned))

    def outputs_with(self, params: Mapping[str, JsonValue], schema: TenantSchema) -> Class[Outputs]:
        names = [one.get("name") for one in _calculations(params)]
        fields: dict[str, Any] = {name: (Any, None) for name in names if isinstance(name, str) and name.isidentifier()}
        return create_model("Calculated", __base__=Outputs, **fields)

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        names = list[object]()
        for index, one in enumerate(_calculations(params)):
            if one.get("name") in names:
                yield Issue(f"values[{index}].name", "another value has this name")
            names.append(one.get("name"))
            if one.get("variable") is not None:
                yield from variable_issues(one, "value", context, f"values[{index}].")


def _calculations(params: Mapping[str, JsonValue]) -> list[dict[str, JsonValue]]:
    values = params.get("values")
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


RULES: tuple[RuleType[Any], ...] = (Calculate(),)
