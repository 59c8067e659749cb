"""Lists whose fields authors define, and what rows hold."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import AwareDatetime, JsonValue

from contracts.field_values import ListSchema
from contracts.issues import unknown
from contracts.values import Value
from entity_service.domain import fields
from entity_service.domain.errors import ConflictError, InvalidError


class KeptList(ListSchema):
    """A list, as this service keeps it."""

    archived: bool


class ListRow(Value):
    """A row of a list; `values` by the codes of fields, without empty ones."""

    id: UUID
    list: str
    values: dict[str, JsonValue]
    version: int
    created_by: str
    created_at: AwareDatetime
    updated_at: AwareDatetime

    def changed(self, values: Mapping[str, JsonValue], now: datetime) -> "ListRow":
        """The same with other values, one version on."""
        return self.model_copy(update={"values": dict(values), "version": self.version + 1, "updated_at": now})


def check_replacement(old: KeptList | None, new: KeptList) -> None:
    """A list keeps its fields and their types, since rows hold values of them; more may come."""
    before = {one.code: one for one in old.fields} if old else {}
    codes = [one.code for one in new.fields]
    for place, field in enumerate(new.fields):
        if codes.index(field.code) != place or field.code == "id":
            what = "every row has an id" if field.code == "id" else "another field has this code"
            raise InvalidError((f"fields[{place}].code", what))
        try:
            fields.check_replacement(before.get(field.code), field)
        except InvalidError as error:
            raise InvalidError(*((f"fields[{place}].{where}", what) for where, what in error.errors)) from error
    if dropped := sorted(before.keys() - set(codes)):
        raise ConflictError(f"rows may hold values of {', '.join(dropped)}: archive fields instead of leaving them out")


def row_values(
    present: Mapping[str, JsonValue], values: Mapping[str, JsonValue], of: KeptList, employees: AbstractSet[UUID]
) -> dict[str, JsonValue]:
    """What a row holds with `values` set. Raises `InvalidError` with everything that is wrong."""
    if of.archived:
        raise ConflictError(f"list {of.code!r} is archived")
    known: Mapping[str, Any] = of.in_use()
    if strangers := [code for code in values if code not in known]:
        raise InvalidError(*((f"values.{code}", unknown("field", code, known, f"in {of.code}")) for code in strangers))
    made, errors = fields.apply_values(present, values, known, employees)
    if errors:
        raise InvalidError(*((where.replace("fields", "values", 1), what) for where, what in errors))
    return made
