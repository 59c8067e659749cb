"""What authors can name, and how parameters are made from it."""

from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import JsonValue

from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.values import context_values, parts_of, paths_of, resolve, values_of
from support.shop import NOON, deal

PDF: dict[str, JsonValue] = {"file_id": "0", "name": "invoice.pdf"}


@pytest.fixture
def values() -> dict[str, Any]:
    return values_of(deal(), {"create_document": {"pdf": PDF, "public_link": None}}, NOON)


def test_values_are_json_under_the_names_of_authors(values: dict[str, Any]) -> None:
    names = {"item", "contact", "contacts", "company", "products", "planned_activities", "responsible", "supervisor"}
    assert set(values) == names | {"stage", "pipeline", "my_company", "tenant", "steps", "now", "today", "var", "const"}
    assert values["item"]["id"] == "00000000-0000-0000-0000-000000000002"
    assert values["products"][0]["quantity"] == 2
    assert values["now"] == "2026-03-02T12:00:00.000000Z"


def test_values_of_parts_that_stay_as_they_are_are_made_once() -> None:
    before = deal()
    known = context_values(before)
    after = before.model_copy(update={"item": before.item.model_copy(update={"title": "Ash table"}), "company": None})

    values = context_values(after, (before, known))

    assert values == context_values(after) != known
    assert all(values[name] is known[name] for name in ("contact", "products", "tenant"))


def test_today_is_the_companys_day() -> None:
    late = datetime(2026, 3, 2, 23, 30, tzinfo=UTC)
    assert values_of(deal(), {}, late)["today"] == "2026-03-03"


@pytest.mark.parametrize(
    ("written", "made"),
    [
        ("{{ contact.name }}", "Ada Bell"),
        ({"path": "item.amount"}, {"amount": 123450, "currency": "EUR"}),
        ({"path": "steps.create_document.pdf"}, PDF),
        ({"path": "contacts.0.name"}, "Ada Bell"),
        ({"path": "contacts.first.name"}, "Ada Bell"),
        ({"path": "contacts.last.phones.size"}, 2),
        ({"path": "item.title.size"}, 9),
        ({"path": "item.fields.never_filled"}, None),
        ({"path": "steps.create_document.public_link"}, None),
        ({"const": "{{ contact.name }}"}, "{{ contact.name }}"),
        ({"const": {"path": "item"}}, {"path": "item"}),
        ([{"field": "title", "value": "{{ item.title }}!"}], [{"field": "title", "value": "Oak table!"}]),
        ({"path": "item.title", "more": 1}, {"path": "item.title", "more": 1}),
        (7, 7),
        (None, None),
    ],
)
def test_a_parameter_is_made_from_its_template_path_or_constant(
    written: JsonValue, made: JsonValue, values: dict[str, Any]
) -> None:
    assert resolve({"it": written}, values) == {"it": made}


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("{{ contact.frist_name }}", "params.it: contact.frist_name is unknown"),
        ([{"deep": "{{ nobody }}"}], r"params.it\[0\].deep: 'nobody' is unknown"),
        ({"path": "steps.other.pdf"}, "params.it: steps.other.pdf is unknown"),
        ({"path": "contacts.9"}, "params.it: contacts.9 is unknown"),
        ({"path": 5}, "params.it: a path is a text"),
    ],
)
def test_a_parameter_that_cannot_be_made_is_named_with_the_reason(
    written: JsonValue, reason: str, values: dict[str, Any]
) -> None:
    with pytest.raises(ValueFailureError, match=reason):
        resolve({"it": written}, values)


def test_paths_and_parts_are_those_that_parameters_read() -> None:
    params: dict[str, JsonValue] = {
        "text": "{{ contact.name }} {% for row in products %}{{ row.name }}{% endfor %}",
        "files": [{"path": "steps.create_document.pdf"}, {"const": "{{ company.title }}"}],
        "broken": "{{ supervisor",
    }
    paths = paths_of(params)
    assert paths == {"contact.name", "products", "steps.create_document.pdf"}
    assert parts_of({*paths, "item.title", "pipeline.code"}) == ("contacts", "products")
