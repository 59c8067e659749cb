"""Rules that add, change and read rows of lists."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from typing import Annotated, Any, ClassVar
from uuid import UUID

from pydantic import ConfigDict, Field, JsonValue, create_model

from contracts.contexts import TenantSchema
from contracts.field_values import FieldFields, FieldType, ListSchema
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
from rule_engine.domain.language.value_types import of_field
from rule_engine.rules.field_values import custom_check, pairs, value_issues


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
    fields: Annotated[tuple[Code, ...], Field(max_length=100)] = ()
    """Codes of the fields to be read; by default all."""


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
        for index, name, _ in pairs(params):
            if name in fields and fields[name].type == "user":
                yield ("fields", index, "value")

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        known = _list(params, context.schema)
        if known is None:
            return
        fields, seen = known.in_use(), set[str]()
        for index, name, one in pairs(params):
            if name not in fields:
                yield Issue(f"fields[{index}].field", unknown("field", name, fields, f"in list {known.code!r}"))
            elif name in seen:
                yield Issue(f"fields[{index}].field", "another value is for this field")
            else:
                shape, check = of_field(fields[name]), custom_check(name, fields[name])
                found = value_issues(name, one.get("value"), shape, context.names(context.pipeline.kind), check)
                yield from (Issue(f"fields[{index}].value", what) for what in found)
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
        return acting.command(ReadListRow, list=params.list, row_id=params.id, fields=params.fields)

    def outputs_of(self, result: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        values: Any = result["values"]
        return {**values, "id": result["row_id"]}

    def outputs_with(self, params: Mapping[str, JsonValue], schema: TenantSchema) -> Class[Outputs]:
        fields, chosen = known.in_use() if (known := _list(params, schema)) else {}, _chosen(params)
        typed: dict[str, Any] = {
            code: (_type_of(field) | None, None)
            for code, field in fields.items()
            if code.isidentifier() and (not chosen or code in chosen)
        }
        return create_model("RowWithValues", __base__=Row, **typed)

    def issues(self, params: Mapping[str, JsonValue], context: AuthoringContext) -> Iterable[Issue]:
        if (known := _list(params, context.schema)) is None:
            return
        fields = known.in_use()
        for index, name in enumerate(_chosen(params)):
            if name not in fields:
                yield Issue(f"fields[{index}]", unknown("field", name, fields, f"in list {known.code!r}"))


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


def _chosen(params: Mapping[str, JsonValue]) -> Sequence[str]:
    """Codes of the fields that are to be read; codes are never made when the rule acts."""
    written = params.get("fields")
    return [one for one in written if isinstance(one, str)] if isinstance(written, list) else []


def _list(params: Mapping[str, JsonValue], schema: TenantSchema) -> ListSchema | None:
    """Null for one that is not known before the rule acts, or that there is not."""
    code = literal(params.get("list"))
    return schema.find_list(code) if code else None


RULES: tuple[RuleType[Any], ...] = (
    ListItemCreate(),
    ListItemUpdate(),
    ListItemRead(),
)
