"""What an item amounts to is what its document says, to the minor unit."""

from hypothesis import given
from hypothesis import strategies as st

from contracts.contexts import ProductContext
from contracts.values import TaxRounding
from doc_service.domain.totals import totals
from entity_service.domain.products import sum_of
from support.product_rows import ROUNDINGS, product_rows


@given(st.lists(product_rows(1000, ("EUR",)), max_size=50), ROUNDINGS)
def test_an_item_and_its_document_come_to_the_same(rows: list[ProductContext], rounding: TaxRounding) -> None:
    amount = sum_of(rows, rounding)
    printed = totals(rows, {"item": {"tax_rounding": rounding}})

    assert [one["total"] for one in printed] == ([amount.model_dump()] if amount else [])
    for one in printed:
        assert one["net"]["amount"] + sum(tax["amount"]["amount"] for tax in one["taxes"]) == one["total"]["amount"]
