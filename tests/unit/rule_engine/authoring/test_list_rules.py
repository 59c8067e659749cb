"""Rules about rows of lists: their commands, their outputs, and values that are refused at publishing."""

from typing import Any
from uuid import UUID

import pytest

from contracts.messages.list_commands import CreateListRow, ReadListRow, UpdateListRow
from rule_engine.domain.authoring import employee_refs
from rule_engine.domain.authoring.checks import RuleSetCheck
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.language.value_types import USER, of_outputs
from rule_engine.rules import REGISTRY
from support.acting import act
from support.shop import DEAL, SCHEMA, WAREHOUSE, rule, rule_set

ROW = UUID(int=99)
SAID: dict[str, Any] = {"item_id": DEAL, "expect_entry_seq": 2, "actor": "rule:it"}
SIZE = {"field": "size", "value": 3}


@pytest.mark.parametrize(
    ("type", "params", "command"),
    [
        ("list_item_create", {"fields": [SIZE]}, CreateListRow(**SAID, list="notes", values={"size": 3})),
        (
            "list_item_update",
            {"id": ROW, "fields": [SIZE, {"field": "text", "value": None}]},
            UpdateListRow(**SAID, list="notes", row_id=ROW, values={"size": 3, "text": None}),
        ),
        ("list_item_read", {"id": ROW}, ReadListRow(**SAID, list="notes", row_id=ROW)),
        (
            "list_item_read",
            {"id": ROW, "fields": ["size"]},
            ReadListRow(**SAID, list="notes", row_id=ROW, fields=("size",)),
        ),
    ],
)
def test_commands_about_rows(type: str, params: dict[str, Any], command: Any) -> None:
    assert act(type, {"list": "notes"} | params) == command


def issues(*rules: dict[str, Any]) -> list[tuple[str, str]]:
    found = RuleSetCheck(RuleSetDocument.model_validate(rule_set(new=list(rules))), SCHEMA, REGISTRY).issues()
    return [(one.where.partition("params.")[2], one.what) for one in found]


def adds(field: str, value: Any) -> dict[str, Any]:
    return rule("it", "list_item_create", list="notes", fields=[{"field": field, "value": value}])


def reads(code: str, *fields: str) -> dict[str, Any]:
    return {"name": "read", "type": "list_item_read", "params": {"list": code, "id": str(ROW), "fields": list(fields)}}


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("text", "For {{ contact.name }}"),
        ("size", 3.5),
        ("size", {"path": "item.activity_count"}),
        ("size", {"const": 3}),
        ("size", None),
        ("price", {"amount": 500, "currency": "EUR"}),
        ("who", ["warehouse", {"path": "item.responsible_id"}]),
        ("wood", "oak"),
        ("wood", "{{ item.fields.wood }}"),
    ],
)
def test_values_that_may_fit_are_taken(field: str, value: Any) -> None:
    assert issues(adds(field, value)) == []


@pytest.mark.parametrize(
    ("field", "value", "where", "what"),
    [
        ("tetx", "x", "fields[0].field", "there is no field 'tetx' in list 'notes': did you mean 'text'?"),
        ("old", "x", "fields[0].field", "there is no field 'old' in list 'notes'"),
        ("size", "three", "fields[0].value", "size is a number"),
        ("size", {"const": True}, "fields[0].value", "size is a number"),
        ("size", "{{ item.activity_count }}", "fields[0].value", 'size is a number, not a text: use {"expr"'),
        ("price", 5, "fields[0].value", "price is money"),
        ("wood", "elm", "fields[0].value", "wood is none of the options oak, ash"),
        ("who", ["nobody_here"], "fields[0].value[0]", "there is no employee 'nobody_here'"),
        ("text", ["x"], "fields[0].value", "text is a text"),
    ],
)
def test_values_that_can_never_fit_are_refused_at_publishing(field: str, value: Any, where: str, what: str) -> None:
    ((found, said),) = issues(adds(field, value))
    assert (found, said[: len(what)]) == (where, what)


def test_a_list_that_there_is_not_and_a_field_that_is_set_twice_are_refused() -> None:
    assert issues(reads("ntes")) == [("list", "there is no list 'ntes': did you mean 'notes'?")]
    assert issues(reads("notes", "size", "szie")) == [
        ("fields[1]", "there is no field 'szie' in list 'notes': did you mean 'size'?")
    ]
    twice = rule("it", "list_item_create", list="notes", fields=[SIZE, SIZE])
    assert issues(twice) == [("fields[1].field", "another value is for this field")]


def test_employees_in_values_become_ids() -> None:
    made, unknown = employee_refs.in_params(
        adds("who", ["warehouse"])["params"], REGISTRY["list_item_create"], SCHEMA, "deal"
    )
    assert (made["fields"], unknown) == ([{"field": "who", "value": [str(WAREHOUSE.id)]}], [])


def test_employees_in_fields_of_a_new_item_become_ids() -> None:
    params: dict[str, Any] = {
        "kind": "deal",
        "name": "x",
        "fields": [{"field": "fields.joiners", "value": ["warehouse"]}],
    }
    made, unknown = employee_refs.in_params(params, REGISTRY["create_item"], SCHEMA, "lead")
    assert (made["fields"], unknown) == ([{"field": "fields.joiners", "value": [str(WAREHOUSE.id)]}], [])


def test_what_is_read_has_the_types_of_the_lists_fields() -> None:
    kind = REGISTRY["list_item_read"]
    shape = of_outputs(kind.outputs_with({"list": "notes"}, SCHEMA))
    found = {name: one.kind for name, one in shape.fields.items()}
    assert found == {"id": "text", "text": "text", "size": "number", "price": "money", "who": "list", "wood": "text"}
    assert shape.fields["who"].element == USER
    assert kind.outputs_of({"row_id": str(ROW), "values": {"size": 3}}) == {"id": str(ROW), "size": 3}
    assert of_outputs(kind.outputs_with({"list": "notes", "fields": ["size"]}, SCHEMA)).fields.keys() == {"id", "size"}
    says = rule("say", "add_timeline_comment", text="{{ steps.read.size }} {{ steps.read.price }}", execution="wait")
    assert [what for _, what in issues(reads("notes"), says)] == [
        "steps.read.price is money: print it by {{ steps.read.price | money }}"
    ]
