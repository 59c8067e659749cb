"""From a filled-in form to an item, and which submissions are the same."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from contracts.contexts import FieldSchema
from contracts.field_values import FieldType
from contracts.values import PersonInput
from trigger_service.domain.answers import comment, create_item, read_answers, recipients
from trigger_service.domain.errors import InvalidInputError
from trigger_service.domain.forms import Form, FormSpec
from trigger_service.domain.repeats import of_form

TENANT = UUID("00000000-0000-7000-8000-00000000000a")
OTHER_TENANT = UUID("00000000-0000-7000-8000-00000000000b")


def form(**changes: Any) -> Form:
    spec: dict[str, Any] = {
        "name": "Order",
        "fields": [
            {"name": "name", "label": "Name", "required": True, "target": "contact.name"},
            {"name": "phone", "label": "Phone", "type": "phone", "target": "contact.phone"},
            {"name": "email", "label": "E-mail", "type": "email", "target": "contact.email"},
            {"name": "product", "label": "Product", "type": "choice", "choices": ["oak table", "chair"]},
            {"name": "pieces", "label": "Pieces", "type": "number", "target": "item.fields.pieces"},
            {"name": "delivery", "label": "Delivery", "type": "boolean"},
        ],
        "pipeline": "sales",
        "title": "Order: {product}",
        "source": "site",
        "phone_region": "DE",
        **changes,
    }
    return Form(code="order", token="t", spec=FormSpec.model_validate(spec))


FILLED = {
    "name": "  Client One ",
    "phone": "030 1234567",
    "email": "Client@Example.com",
    "product": "oak table",
    "pieces": "4",
    "delivery": "on",
}


def test_answers_have_their_own_types_and_empty_ones_are_left_out() -> None:
    assert read_answers(form(), FILLED) == {
        "name": "Client One",
        "phone": "+49301234567",
        "email": "client@example.com",
        "product": "oak table",
        "pieces": 4,
        "delivery": True,
    }
    assert read_answers(form(), {"name": "Client", "phone": "", "email": None}) == {"name": "Client"}


@pytest.mark.parametrize(
    ("body", "where"),
    [
        ({}, "name"),
        ({"name": "Client", "phone": "12"}, "phone"),
        ({"name": "Client", "phone": "call me"}, "phone"),
        ({"name": "Client", "email": "nobody"}, "email"),
        ({"name": "Client", "product": "sofa"}, "product"),
        ({"name": "Client", "pieces": "NaN"}, "pieces"),
        ({"name": "Client", "pieces": ["1"]}, "pieces"),
        ({"name": "x" * 5001}, "name"),
        ({"name": "Client", "colour": "red"}, "colour"),
    ],
)
def test_a_bad_answer_is_named_by_its_field_and_never_repeated(body: dict[str, Any], where: str) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_answers(form(), body)
    assert [place for place, _ in refused.value.errors] == [where]
    assert "nobody" not in str(refused.value.errors)


def test_a_submission_becomes_an_item_with_its_client() -> None:
    item = create_item(form(), read_answers(form(), FILLED))
    assert item.title == "Order: oak table"
    assert (item.kind, item.pipeline, item.stage, item.source, item.origin) == ("deal", "sales", None, "site", "intake")
    assert item.fields == {"pieces": 4}
    assert item.person == PersonInput(
        first_name="Client", last_name="One", phone="+49301234567", email="client@example.com"
    )


def test_an_empty_title_is_the_name_of_the_form() -> None:
    assert create_item(form(title="{product}"), {"name": "Client"}).title == "Order"


def test_the_comment_tells_every_answer_by_its_label() -> None:
    answers = read_answers(form(), {"name": "Client", "product": "chair", "delivery": False})
    assert comment(form().spec, answers) == "Form “Order”\nName: Client\nProduct: chair\nDelivery: no"


def test_the_same_nonce_is_the_same_submission_only_with_the_same_answers() -> None:
    one = of_form(TENANT, form(), {"name": "Client"}, "n-1")
    assert one == of_form(TENANT, form(), {"name": "Client"}, "n-1")
    assert one != of_form(TENANT, form(), {"name": "Clients"}, "n-1")
    assert one != of_form(TENANT, form(), {"name": "Client"}, "n-2")
    assert one != of_form(OTHER_TENANT, form(), {"name": "Client"}, "n-1")


def test_how_an_answer_is_spelled_does_not_make_another_submission() -> None:
    spaced = read_answers(form(), {"name": "Client", "phone": "+49 30 1234567"})
    plain = read_answers(form(), {"phone": "030/1234567", "name": "Client "})
    other = read_answers(form(), {"name": "Client", "phone": "+49 30 1234568"})
    assert of_form(TENANT, form(), spaced, "n") == of_form(TENANT, form(), plain, "n")
    assert of_form(TENANT, form(), spaced, "n") != of_form(TENANT, form(), other, "n")


def test_recipients_are_all_numbers_and_addresses_whatever_they_feed() -> None:
    fields = [{"name": "a", "label": "A", "type": "email"}, {"name": "b", "label": "B", "type": "phone"}]
    spec = form(fields=[*fields, {"name": "c", "label": "C"}], title="").spec
    answers = {"a": "client@example.com", "b": "+49301234567", "c": "other@example.com"}
    assert recipients(spec, answers) == {"client@example.com", "+49301234567"}


def feeding(type_: str, kind: FieldType, *, multiple: bool = False) -> Form:
    """A form of one field that feeds a field of the item."""
    one = {"name": "a", "label": "A", "type": type_, "target": "item.fields.a"}
    schema = FieldSchema(code="a", name="A", kind="deal", type=kind, multiple=multiple)
    return form(fields=[one], title="").model_copy(update={"item_fields": (schema,)})


@pytest.mark.parametrize(
    ("type_", "kind", "typed", "kept"),
    [
        ("number", "text", "4", "4"),
        ("boolean", "text", "on", "yes"),
        ("number", "number", "2.5", 2.5),
        ("text", "date", " 2026-12-24 ", "2026-12-24"),
        ("text", "datetime", "2026-12-24t14:00:00+01:00", "2026-12-24T13:00:00.000000Z"),
    ],
)
def test_an_answer_becomes_what_the_item_keeps(type_: str, kind: FieldType, typed: str, kept: Any) -> None:
    one, several = feeding(type_, kind), feeding(type_, kind, multiple=True)
    assert create_item(one, read_answers(one, {"a": typed})).fields == {"a": kept}
    assert create_item(several, read_answers(several, {"a": typed})).fields == {"a": [kept]}


@pytest.mark.parametrize(
    ("type_", "kind", "typed", "said"),
    [
        ("text", "date", "24.12.2026", "expected a date such as 2026-12-24"),
        ("text", "datetime", "2026-12-24T14:00", "UTC offset"),
        ("number", "number", "9007199254740993", "between"),
        ("number", "text", "1e300", "between"),
    ],
)
def test_what_the_item_would_refuse_is_refused_to_the_visitor(
    type_: str, kind: FieldType, typed: str, said: str
) -> None:
    with pytest.raises(InvalidInputError) as refused:
        read_answers(feeding(type_, kind), {"a": typed})
    ((where, what),) = refused.value.errors
    assert where == "a"
    assert said in what


def test_a_visitor_s_name_is_on_one_line_and_a_title_shows_no_controls() -> None:
    answers = read_answers(form(title="For {name}"), {"name": " Anna\tMu\u0308ller "})
    item = create_item(form(title="For {name}"), answers)
    assert (item.title, item.person) == ("For Anna Müller", PersonInput(first_name="Anna", last_name="Müller"))
    with pytest.raises(InvalidInputError) as refused:
        read_answers(form(), {"name": "M\x96ller"})
    assert "U+0096 as character 2" in refused.value.errors[0][1]


@pytest.mark.parametrize(
    "changes",
    [
        {"honeypot": "name"},
        {"stage": "new", "pipeline": None},
        {"allowed_origins": ["https://shop.example/page"]},
        {"fields": [{"name": "phone", "label": "Phone", "target": "contact.phone"}]},
        {"fields": [{"name": "size", "label": "Size", "type": "choice"}]},
        {"fields": [{"name": "a", "label": "A"}, {"name": "a", "label": "A"}]},
        {"success_message": "thank\x00you"},
        {"colour": "red"},
    ],
)
def test_a_form_that_cannot_work_is_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        form(**changes)
