"""What goes over when something is made of an item."""

from dataclasses import replace
from typing import Any

import pytest

from contract.accepted import ID, NOW, PLACE, REFERENCES, SELLER
from contracts.contexts import FieldSchema
from contracts.values import Money
from entity_service.domain.conversions import carried, check_target, company_values, left_by_client, person_of
from entity_service.domain.errors import ConflictError
from entity_service.domain.items import Item


def schema(kind: Any, code: str, type: Any = "text", **more: Any) -> FieldSchema:
    return FieldSchema(kind=kind, code=code, name=code, type=type, **more)


SCHEMAS = (
    schema("lead", "wood"),
    schema("lead", "size", "list", options=("small", "large")),
    schema("lead", "colour", "list", options=("red",)),
    schema("lead", "count", "number"),
    schema("lead", "tags", multiple=True),
    schema("lead", "one", multiple=True),
    schema("lead", "owner", "user"),
    schema("lead", "only"),
    schema("deal", "wood", multiple=True),
    schema("deal", "size", "list", options=("large",)),
    schema("deal", "colour"),
    schema("deal", "count"),
    schema("deal", "tags"),
    schema("deal", "one"),
    schema("deal", "owner", "user"),
)
REFERS = replace(REFERENCES, fields={(one.kind, one.code): one for one in SCHEMAS})


def lead(**fields: Any) -> Item:
    values = {"id": ID, "tenant_id": ID, "kind": "lead", "title": "Oak table", "version": 1, "entry_seq": 1}
    return Item.model_validate(values | PLACE._asdict() | {"created_at": NOW, "updated_at": NOW, "fields": fields})


def test_fields_of_the_same_code_go_over_where_their_values_fit_and_the_others_are_named() -> None:
    given = {"wood": "oak", "size": "small", "colour": "red", "count": 3, "only": "x"}
    given |= {"tags": ["a", "b"], "one": ["a"], "owner": str(SELLER)}

    found = carried(lead(**given), "deal", REFERS)

    assert found.values == {"wood": ["oak"], "colour": "red", "one": "a", "owner": str(SELLER)}
    assert found.left == (
        "fields.size: is none of the options large",
        "fields.count: is a number here and a text there",
        "fields.only: a deal has no field of this code",
        "fields.tags: has several values here and can have one there",
    )


def test_what_cannot_be_made_of_an_item_is_refused_with_what_can() -> None:
    check_target(lead(), "contact")
    with pytest.raises(ConflictError, match="a lead cannot be made into an invoice, only into a deal or a contact"):
        check_target(lead(), "invoice")
    with pytest.raises(ConflictError, match="an invoice cannot be made into a deal, only into nothing"):
        check_target(lead().model_copy(update={"kind": "invoice"}), "deal")


def test_a_client_is_made_of_what_a_lead_says_of_one() -> None:
    told = lead(first_name="Ada", phone="+49 30 123456", email="ada@example.com", tax_number="7", wood="oak", address=1)
    told = told.model_copy(update={"amount": Money(amount=5, currency="EUR")})

    assert person_of(told).model_dump() == {
        "first_name": "Ada",
        "last_name": "",
        "phone": "+49 30 123456",
        "email": "ada@example.com",
    }
    assert person_of(lead(phone="1")).first_name == "Oak table"
    assert company_values(told) == {
        "title": "Oak table",
        "phone": "+49 30 123456",
        "email": "ada@example.com",
        "tax_number": "7",
    }
    assert left_by_client(told, "contact") == tuple(
        f"{name}: a contact has none" for name in ("amount", "fields.tax_number", "fields.wood", "fields.address")
    )
    assert left_by_client(told, "company")[1:] == tuple(
        f"fields.{name}: a company has none" for name in ("first_name", "wood", "address")
    )
