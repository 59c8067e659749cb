"""What rows come to is the same to the minor unit wherever it goes: item, document, rule and payment."""

import json
import re
from collections import defaultdict
from decimal import ROUND_HALF_UP, Context, Decimal
from fractions import Fraction
from typing import Any
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from contract.accepted import ID, NOW
from contracts.contexts import ProductContext
from contracts.messages.doc import CreateDocument
from contracts.taxes import product_row
from contracts.values import Money, TaxRounding
from doc_service.builtin import load_templates
from doc_service.domain.documents import plan_document, template_inputs
from entity_service.api.products import ProductInput
from entity_service.domain.payments import Payment, is_news
from entity_service.domain.products import chosen, sum_of
from entity_service.store import products as store
from support.acting import act
from support.messages import order
from support.product_rows import RATES, ROUNDINGS
from support.shop import deal

ROWS = TypeAdapter(tuple[ProductContext, ...])
PRICE = st.integers(0, 10**7)
QUANTITY = st.decimals("0.000001", 10**3, places=6)
INPUTS = st.lists(
    st.fixed_dictionaries(
        {
            "name": st.just("x"),
            "price": PRICE,
            "quantity": QUANTITY.map(str),
            "discount_percent": st.decimals(0, 100, places=4).map(str),
            "tax_percent": st.sampled_from(RATES).map(str),
            "tax_included": st.booleans(),
        }
    ),
    min_size=1,
    max_size=30,
)


def rounded(exact: Fraction) -> int:
    """Half up, as people round; every fraction here is short enough for so many digits."""
    context = Context(prec=60, rounding=ROUND_HALF_UP)
    return int(context.divide(Decimal(exact.numerator), Decimal(exact.denominator)).quantize(Decimal(1), ROUND_HALF_UP))


def by_hand(inputs: list[dict[str, Any]], rounding: TaxRounding) -> int:
    """What the rows come to with tax, reckoned in fractions and from nothing but what was typed."""
    told, bases = 0, defaultdict[Fraction, list[int]](list)
    for row in inputs:
        price, discount = row["price"] * Fraction(row["quantity"]), Fraction(row["discount_percent"])
        amount = rounded(price * (100 - discount) / 100)
        told += amount
        if not row["tax_included"]:
            bases[Fraction(row["tax_percent"])].append(amount)
    on_top = {rate: [sum(some)] if rounding == "per_rate" else some for rate, some in bases.items()}
    return told + sum(rounded(base * rate / 100) for rate, some in on_top.items() for base in some)


def kept(rows: list[ProductContext]) -> tuple[ProductContext, ...]:
    """As they come back from the columns of the table, and then over the wire."""
    columns: list[Any] = [store._columns(row) for row in rows]
    return ROWS.validate_json(ROWS.dump_json(tuple(store.product_of(row) for row in columns)))


def printed(rows: tuple[ProductContext, ...], rounding: TaxRounding) -> dict[str, Any]:
    """The sums of the document that the rows are printed on, as numbers and as text."""
    data = {"products": ROWS.dump_python(rows, mode="json"), "item": {"tax_rounding": rounding}}
    asked = CreateDocument(item_id=ID, template="invoice", data=data, created_by="rule:it")
    inputs = template_inputs(plan_document(order(asked, ID, ID), load_templates()["invoice"], "1", NOW))
    return {name: json.loads(inputs[name])["totals"][0] for name in ("data", "printed")}


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(INPUTS, ROUNDINGS)
def test_no_minor_unit_is_lost_on_the_way_from_a_row_to_its_payment(
    inputs: list[dict[str, Any]], rounding: TaxRounding
) -> None:
    made = [product_row(ProductInput.model_validate(row).row("EUR"), UUID(int=at)) for at, row in enumerate(inputs)]
    rows = kept(made)
    assert rows == tuple(made)
    due = sum_of(rows, rounding)
    assert due == Money(amount=by_hand(inputs, rounding), currency="EUR")

    document = printed(rows, rounding)
    sums, text = document["data"], document["printed"]["total"]
    assert sums["total"] == due.model_dump()
    assert sums["net"]["amount"] + sum(tax["amount"]["amount"] for tax in sums["taxes"]) == due.amount
    assert int(re.sub(r"\D", "", text)) == due.amount

    context = deal(products=rows)
    found = act("get_products", {}, context.model_copy(update={"item": with_rounding(context.item, rounding)}))
    assert (found.total, found.count) == (due, len(rows))
    expected = Payment(tenant_id=ID, id=ID, invoice_id=ID, status="pending", amount=due, created_at=NOW, updated_at=NOW)
    assert is_news(expected, "paid", Money.model_validate(sums["total"]))


def with_rounding(item: Any, rounding: TaxRounding) -> Any:
    return item.model_copy(update={"tax_rounding": rounding})


@settings(max_examples=25, deadline=None)
@given(INPUTS, st.sets(st.integers(0, 29)))
def test_rows_that_move_take_what_they_come_to_with_them(inputs: list[dict[str, Any]], numbers: set[int]) -> None:
    """With tax rounded in each row; per rate two items have two roundings."""
    rows = [product_row(ProductInput.model_validate(row).row("EUR"), UUID(int=at)) for at, row in enumerate(inputs)]
    moved, left = chosen(rows, {UUID(int=number) for number in numbers})
    there, here = sum_of(moved, "per_row"), sum_of(left, "per_row")
    assert sum(one.amount for one in (there, here) if one) == by_hand(inputs, "per_row")
    assert sorted(moved + left, key=lambda row: row.id or ID) == rows
