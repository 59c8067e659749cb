"""Lists: what may become of their fields, and what their rows hold."""

from typing import Any
from uuid import UUID

import pytest

from contracts.field_values import ListField
from entity_service.domain.errors import ConflictError, InvalidError
from entity_service.domain.lists import KeptList, check_replacement, row_values

SAM = UUID(int=7)
TEXT, SIZE = ListField(code="text", name="Text", type="text"), ListField(code="size", name="Size", type="number")
WHO = ListField(code="who", name="Who", type="user")


def notes(*fields: ListField, archived: bool = False) -> KeptList:
    return KeptList(code="notes", title="Notes", fields=fields, archived=archived)


@pytest.mark.parametrize(
    "new", [notes(TEXT, SIZE), notes(TEXT.model_copy(update={"archived": True})), notes(TEXT, archived=True)]
)
def test_fields_may_come_and_be_archived(new: KeptList) -> None:
    check_replacement(notes(TEXT), new)


@pytest.mark.parametrize(
    ("new", "error", "what"),
    [
        (notes(SIZE), ConflictError, "rows may hold values of text: archive fields"),
        (notes(TEXT.model_copy(update={"type": "date"})), ConflictError, "field 'text' keeps its type"),
        (notes(TEXT, TEXT), InvalidError, r"fields\[1\].code: another field has this code"),
        (notes(TEXT, SIZE.model_copy(update={"code": "id"})), InvalidError, "every row has an id"),
        (notes(TEXT, SIZE.model_copy(update={"type": "list"})), InvalidError, r"fields\[1\].options: exactly a field"),
    ],
)
def test_a_list_keeps_what_its_rows_hold(new: KeptList, error: type[Exception], what: str) -> None:
    with pytest.raises(error, match=what):
        check_replacement(notes(TEXT), new)


def test_values_are_set_emptied_and_left() -> None:
    made = row_values({"text": "old", "size": 1}, {"size": None, "who": str(SAM)}, notes(TEXT, SIZE, WHO), {SAM})
    assert made == {"text": "old", "who": str(SAM)}


@pytest.mark.parametrize(
    ("values", "what"),
    [
        ({"size": "three"}, "values.size: is a number"),
        ({"who": str(UUID(int=8))}, "values.who: is no employee's id"),
        ({"colour": "red"}, "values.colour: there is no field 'colour' in notes"),
    ],
)
def test_values_that_do_not_fit_are_refused(values: dict[str, Any], what: str) -> None:
    with pytest.raises(InvalidError, match=what):
        row_values({}, values, notes(TEXT, SIZE, WHO), {SAM})


def test_an_archived_list_takes_nothing() -> None:
    with pytest.raises(ConflictError, match="list 'notes' is archived"):
        row_values({}, {"text": "x"}, notes(TEXT, archived=True), set())
