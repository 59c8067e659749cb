"""Rules that compute: they set variables and give values to the rules after them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, JsonValue, create_model

from contracts.issues import Issue, unknown
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
    literal,
)
from rule_engine.domain.language.variables import Assigned, MisfitError, Name, fitting


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
            assigned = _assigned(params.variable, params.value, acting)
        except MisfitError as error:
            return Failure(f"params.value: {error}")
        return Completed(SetValue(value=assigned.value), (assigned,))

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        yield from _variable_issues(params, "value", context, "")


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
                    assigned.append(_assigned(one.variable, one.value, acting))
                except MisfitError as error:
                    return Failure(f"params.values[{index}].value: {error}")
                outputs[one.name] = assigned[-1].value
        return Completed(Calculated.model_validate(outputs), tuple(assigned))

    def outputs_with(self, params: Mapping[str, JsonValue]) -> Class[Outputs]:
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
                yield from _variable_issues(one, "value", context, f"values[{index}].")


def _calculations(params: Mapping[str, JsonValue]) -> list[dict[str, JsonValue]]:
    values = params.get("values")
    return [one for one in values if isinstance(one, dict)] if isinstance(values, list) else []


def _assigned(code: str, value: JsonValue, acting: ActionContext) -> Assigned:
    definition = acting.stored.variable(code)
    if definition is None:
        raise MisfitError(f"there is no variable {code!r}")
    return Assigned(
        code, definition.document.scope, fitting(value, definition.document, acting.context.tenant.time_zone)
    )


def _variable_issues(
    written: Mapping[str, JsonValue], value: str, context: AuthoringContext, where: str
) -> Iterator[Issue]:
    code = literal(written.get("variable"))
    known = {
        one.code: one for one in context.definitions if one.group == "variable" and one.visible(context.pipeline.kind)
    }
    if code is None:
        return
    if code not in known:
        yield Issue(f"{where}variable", unknown("variable", code, known))
        return
    match written.get(value):
        case str(text) if literal(text) is None:
            return
        case {"path": _} | {"expr": _}:
            return
        case {"const": constant}:
            plain: JsonValue = constant
        case plain:
            pass
    try:
        fitting(plain, known[code].document)
    except MisfitError as error:
        yield Issue(f"{where}{value}", f"{code} {error}")


RULES: tuple[RuleType[Any], ...] = (SetVariable(), Calculate())
