"""Rules about clients and product rows: which are meant, and what is said of them."""

from typing import Any

import pytest

from contracts.messages.product_commands import CopyProducts, MoveProducts
from contracts.taxes import product_row
from rule_engine.domain.actions import Refusal
from support.acting import act
from support.shop import ADA, COMPANY, CONTACT, deal

CHEAP = {"path": "each.price", "op": "lt", "value": {"amount": 10_000, "currency": "EUR"}}


def test_rules_about_products_name_the_rows_that_meet_a_condition_or_all() -> None:
    rows = deal().products
    cheap = tuple(row.id for row in rows if row.price.amount < 10_000)
    assert 0 < len(cheap) < len(rows)
    assert act("delete_products", {"where": CHEAP}).row_ids == cheap
    assert act("delete_products", {}).row_ids is None
    moved = act("move_products", {"item": str(COMPANY), "where": CHEAP})
    assert (type(moved), moved.other_id, moved.row_ids) == (MoveProducts, COMPANY, cheap)
    copied = act("copy_products", {"link": "child", "where": {"expr": "each.name == contact.name"}})
    assert (type(copied), copied.link, copied.row_ids) == (CopyProducts, "child", ())


def test_a_row_is_added_with_everything_that_makes_its_price() -> None:
    row = {"name": "Legs", "price": {"amount": 4_900, "currency": "EUR"}, "quantity": "4", "discount_percent": 5}
    (added,) = act("add_products", {"rows": [row | {"tax_percent": 19, "tax_included": True}]}).rows
    made = product_row(added, None)
    assert (made.unit, made.net.amount, made.total.amount) == ("pcs", 15_647, 18_620)


OTHER = ADA.model_copy(update={"id": COMPANY, "first_name": "Eva", "name": "Eva Bell", "phones": ()})
TO_SET = {"fields": [{"field": "last_name", "value": "Bell-Hill"}]}


@pytest.mark.parametrize(
    ("which", "ids"),
    [
        ({}, (CONTACT,)),
        ({"which": "all"}, (CONTACT, COMPANY)),
        ({"which": "matching", "where": {"path": "each.first_name", "op": "eq", "value": "Eva"}}, (COMPANY,)),
        ({"which": "matching", "where": {"path": "each.id", "op": "ne", "value": {"path": "contact.id"}}}, (COMPANY,)),
    ],
)
def test_which_contacts_are_changed_is_chosen_on_what_is_known_of_each(which: dict[str, Any], ids: object) -> None:
    command = act("update_contact", which | TO_SET, deal(contacts=(ADA, OTHER)))
    assert command.contact_ids == ids
    assert [(one.field, one.value) for one in command.assignments] == [("last_name", "Bell-Hill")]


def test_where_no_client_is_meant_the_rule_is_refused_with_the_reason() -> None:
    nobody = {"which": "matching", "where": {"path": "each.name", "op": "empty"}}
    assert act("update_contact", nobody | TO_SET) == Refusal("no contact of the item meets the condition")
    assert act("update_contact", TO_SET, deal(contacts=())) == Refusal("the item has no contact")
    assert act("update_company", TO_SET, deal(company=None)) == Refusal("the item has no company")
    assert act("update_company", TO_SET).company_id == COMPANY
