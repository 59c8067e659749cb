"""Rules that add, change and read rows of lists."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import date, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, create_model

from contracts.contexts import TenantSchema
from contracts.field_values import FieldFields, FieldType, ListSchema, clean_value
from contracts.issues import Issue, unknown
from contracts.messages.list_commands import CreateListRow, ReadListRow, UpdateListRow
from contracts.values import Code, EmployeeId, FileRef, ItemKind, Money
from rule_engine.domain.actions import (
    ActionContext,
    AuthoringContext,
    Class,
    Group,
    ListCode,
    Outputs,
    ParamPath,
    Params,
    RuleType,
    literal,
)
from rule_engine.domain.language.values import marked


class RowValue(Params):
    """A field of the row and its value."""

    field: Code
    """Code of a field of the list."""
    value: JsonValue
    """A text, `{"path": …}`, `{"expr": …}`, or as the field keeps it; null empties the field."""


class CreateRowParams(Params):
    list: ListCode
    """Code of the list."""
    fields: Annotated[tuple[RowValue, ...], Field(min_length=1, max_length=100)]


class UpdateRowParams(CreateRowParams):
    id: UUID
    """Id of the row, such as `{"path": "steps.list_item_create.id"}`."""


class ReadRowParams(Params):
    list: ListCode
    """Code of the list."""
    id: UUID
    """Id of the row."""


class Row(Outputs):
    """The row."""

    id: UUID


class RowWithValues(Row):
    """The row and the values of its fields, by their codes."""

    model_config = ConfigDict(frozen=True, extra="allow")


class _WritesRow[P: CreateRowParams](RuleType[P]):
    """Checks the values at publishing, as far as they are known."""

    group: ClassVar[Group] = "data"
    outputs = Row

    def outputs_of(self, result: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        return {"id": result["row_id"]}

    def employees_in(
        self, params: Mapping[str, JsonValue], schema: TenantSchema, kind: ItemKind
    ) -> Iterable[ParamPath]:
        yield from super().employees_in(params, schema, kind)
        fields = known.in_use() if (known := _list(params, schema)) else {}
        for index, name, _ in _values(params):
            if name in fields and fields[name].type == "user":
                yield ("fields", index, "value")

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        known = _list(params, context.schema)
        if known is None:
            return
        fields, seen = known.in_use(), set[str]()
        for index, name, value in _values(params):
            if name not in fields:
                yield Issue(f"fields[{index}].field", unknown("field", name, fields, f"in list {known.code!r}"))
            elif name in seen:
                yield Issue(f"fields[{index}].field", "another value is for this field")
            elif what := _misfit(fields[name], value):
                yield Issue(f"fields[{index}].value", f"{name} {what}")
            seen.add(name)


class ListItemCreate(_WritesRow[CreateRowParams]):
    """A new row in a list."""

    type = "list_item_create"
    title = "Add a row to a list"
    params = CreateRowParams

    def act(self, params: CreateRowParams, acting: ActionContext) -> CreateListRow:
        return acting.command(CreateListRow, list=params.list, values=_by_field(params))


class ListItemUpdate(_WritesRow[UpdateRowParams]):
    """New values for fields of a row. Refused when there is no such row."""

    type = "list_item_update"
    title = "Change a row of a list"
    params = UpdateRowParams

    def act(self, params: UpdateRowParams, acting: ActionContext) -> UpdateListRow:
        return acting.command(UpdateListRow, list=params.list, row_id=params.id, values=_by_field(params))


class ListItemRead(RuleType[ReadRowParams]):
    """Reads a row for the rules after it, each field as an output of its code. Refused when there is no such row."""

    type = "list_item_read"
    title = "Read a row of a list"
    group: ClassVar[Group] = "data"
    helper: ClassVar[bool] = True
    params = ReadRowParams
    outputs = RowWithValues

    def act(self, params: ReadRowParams, acting: ActionContext) -> ReadListRow:
        return acting.command(ReadListRow, list=params.list, row_id=params.id)

    def outputs_of(self, result: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        values: Any = result["values"]
        return {**values, "id": result["row_id"]}

    def outputs_with(self, params: Mapping[str, JsonValue], schema: TenantSchema) -> Class[Outputs]:
        fields = known.in_use() if (known := _list(params, schema)) else {}
        typed: dict[str, Any] = {
            code: (_type_of(field) | None, None) for code, field in fields.items() if code.isidentifier()
        }
        return create_model("RowWithValues", __base__=Row, **typed)


_TYPES: Mapping[FieldType, Any] = {
    "text": str,
    "number": float,
    "money": Money,
    "boolean": bool,
    "date": date,
    "datetime": datetime,
    "list": str,
    "user": EmployeeId,
    "file": FileRef,
}


def _type_of(field: FieldFields) -> Any:
    one: Any = _TYPES[field.type]
    return tuple[one, ...] if field.multiple else one


def _by_field(params: CreateRowParams) -> dict[str, JsonValue]:
    return {one.field: one.value for one in params.fields}


def _list(params: Mapping[str, JsonValue], schema: TenantSchema) -> ListSchema | None:
    """Null for one that is not known before the rule acts, or that there is not."""
    code = literal(params.get("list"))
    return schema.find_list(code) if code else None


def _values(params: Mapping[str, JsonValue]) -> Iterator[tuple[int, str, JsonValue]]:
    """Those whose field is known before the rule acts."""
    written = params.get("fields")
    for index, one in enumerate(written if isinstance(written, list) else ()):
        if isinstance(one, dict) and (name := literal(one.get("field"))) is not None:
            yield index, name, one.get("value")


_TEXTS: tuple[FieldType, ...] = ("text", "date", "datetime", "list", "user")
"""Types whose values are texts, which a template may make."""


def _misfit(field: FieldFields, value: JsonValue) -> str | None:
    """Why a value as it is written can never be the field's; employees are looked up elsewhere."""
    if isinstance(value, dict) and marked(value):
        if "const" not in value:
            return None
        value = value["const"]
    elif isinstance(value, str) and literal(value) is None:
        return _misfit_of_template(field)
    if field.type == "user" or (isinstance(value, list) and any(map(_is_made, value))):
        return None
    try:
        clean_value(field, value, frozenset())
    except ValueError as error:
        return str(error)
    return None


def _misfit_of_template(field: FieldFields) -> str | None:
    """A template makes one text."""
    if field.multiple:
        return "holds several values: give a list"
    return None if field.type in _TEXTS else "is made by {path: …} or {expr: …}: a template makes a text"


def _is_made(value: JsonValue) -> bool:
    return (isinstance(value, str) and literal(value) is None) or (isinstance(value, dict) and marked(value))


RULES: tuple[RuleType[Any], ...] = (
    ListItemCreate(),
    ListItemUpdate(),
    ListItemRead(),
)
