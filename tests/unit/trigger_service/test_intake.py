"""From a filled-in form to an item, and which submissions are the same."""

from typing import Any
from uuid import UUID

import pytest
from pydantic import ValidationError

from contracts.values import PersonInput
from trigger_service.domain.definitions import Form, FormSpec
from trigger_service.domain.intake import comment, create_item, read_answers
from trigger_service.domain.repeats import of_form
from trigger_service.errors import InvalidInputError

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
    assert read_answers(form().spec, FILLED) == {
        "name": "Client One",
        "phone": "+49301234567",
        "email": "client@example.com",
        "product": "oak table",
        "pieces": 4,
        "delivery": True,
    }
    assert read_answers(form().spec, {"name": "Client", "phone": "", "email": None}) == {"name": "Client"}


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
        read_answers(form().spec, body)
    assert [place for place, _ in refused.value.errors] == [where]
    assert "nobody" not in str(refused.value.errors)


def test_a_submission_becomes_an_item_with_its_client() -> None:
    item = create_item(form(), read_answers(form().spec, FILLED))
    assert item.title == "Order: oak table"
    assert (item.kind, item.pipeline, item.stage, item.source, item.origin) == ("deal", "sales", None, "site", "intake")
    assert item.fields == {"pieces": 4}
    assert item.person == PersonInput(
        first_name="Client", last_name="One", phone="+49301234567", email="client@example.com"
    )


def test_an_empty_title_is_the_name_of_the_form() -> None:
    assert create_item(form(title="{product}"), {"name": "Client"}).title == "Order"


def test_the_comment_tells_every_answer_by_its_label() -> None:
    answers = read_answers(form().spec, {"name": "Client", "product": "chair", "delivery": False})
    assert comment(form().spec, answers) == "Form “Order”\nName: Client\nProduct: chair\nDelivery: no"


def test_the_same_nonce_is_the_same_submission_only_with_the_same_answers() -> None:
    one = of_form(TENANT, form(), {"name": "Client"}, "n-1")
    assert one == of_form(TENANT, form(), {"name": "Client"}, "n-1")
    assert one != of_form(TENANT, form(), {"name": "Clients"}, "n-1")
    assert one != of_form(TENANT, form(), {"name": "Client"}, "n-2")
    assert one != of_form(OTHER_TENANT, form(), {"name": "Client"}, "n-1")


def test_without_a_nonce_the_same_client_and_answers_are_the_same_submission() -> None:
    spaced = read_answers(form().spec, {"name": "Client", "phone": "+49 30 1234567"})
    plain = read_answers(form().spec, {"phone": "030/1234567", "name": "Client "})
    other = read_answers(form().spec, {"name": "Client", "phone": "+49 30 1234568"})
    assert of_form(TENANT, form(), spaced, None) == of_form(TENANT, form(), plain, None)
    assert of_form(TENANT, form(), spaced, None) != of_form(TENANT, form(), other, None)


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
