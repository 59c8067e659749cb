"""The laws of net amounts, taxes and totals."""

from collections import defaultdict
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.contexts import ProductContext
from contracts.taxes import Totals, tax_of, totals
from contracts.values import TaxRounding
from support.product_rows import RATES, ROUNDINGS, ROWS, row


def one(rows: list[ProductContext], rounding: TaxRounding) -> Totals:
    (found,) = totals(rows, rounding)
    return found


def test_fifty_rows_have_the_tax_of_their_sum_unless_the_tenant_wants_that_of_each_row() -> None:
    rows = [row(24167, Decimal(1), Decimal(0), Decimal(20))] * 50

    per_rate, per_row = one(rows, "per_rate"), one(rows, "per_row")

    assert (per_rate.net, per_rate.tax, per_rate.total) == (1_208_350, 241_670, 1_450_020)
    assert (per_row.net, per_row.tax, per_row.total) == (1_208_350, 241_650, 1_450_000)


@pytest.mark.parametrize(
    ("price", "quantity", "discount", "tax", "net", "total"),
    [
        (9999, "1.5", "10", "19", 13499, 16064),  # 13498.65, and 2564.81 of 13499
        (1, "0.5", "0", "0", 1, 1),  # half up
        (10050, "3", "0", "7", 30150, 32261),  # 2110.5
        (100, "1", "100", "19", 0, 0),
        (10**15, "999999999.999999", "0.0001", "0", 999998999999999000001000, 999998999999999000001000),
    ],
)
def test_a_rows_amounts_are_rounded_half_up_to_minor_units(  # noqa: PLR0913 - a table
    price: int, quantity: str, discount: str, tax: str, net: int, total: int
) -> None:
    made = row(price, Decimal(quantity), Decimal(discount), Decimal(tax))
    assert (made.net.amount, made.total.amount) == (net, total)


@given(st.lists(ROWS, max_size=30), ROUNDINGS)
def test_the_total_is_net_and_tax_and_the_tax_is_that_of_all_rates(
    rows: list[ProductContext], rounding: TaxRounding
) -> None:
    for sums in totals(rows, rounding):
        mine = [made for made in rows if made.net.currency == sums.currency]
        assert sums.net == sum(made.net.amount for made in mine) == sum(tax.net for tax in sums.taxes)
        assert sums.tax == sum(tax.amount for tax in sums.taxes)
        assert sums.total == sums.net + sums.tax
        assert [tax.percent for tax in sums.taxes] == sorted({made.tax_percent for made in mine})


@given(st.lists(ROWS, max_size=30), ROUNDINGS, st.randoms())
def test_the_order_of_rows_does_not_matter(rows: list[ProductContext], rounding: TaxRounding, random: Random) -> None:
    shuffled = sorted(rows, key=lambda _: random.random())
    by_currency = {sums.currency: sums for sums in totals(rows, rounding)}
    assert {sums.currency: sums for sums in totals(shuffled, rounding)} == by_currency


@given(st.lists(ROWS, max_size=30))
def test_per_rate_each_tax_is_the_exact_one_of_the_sum_rounded_once(rows: list[ProductContext]) -> None:
    for sums in totals(rows, "per_rate"):
        for tax in sums.taxes:
            exact = Fraction(tax.net) * Fraction(tax.percent) / 100
            assert -Fraction(1, 2) < tax.amount - exact <= Fraction(1, 2)


@given(st.lists(ROWS, max_size=30))
def test_per_row_the_total_is_the_sum_of_the_rows_totals(rows: list[ProductContext]) -> None:
    printed = defaultdict[str, int](int)
    for made in rows:
        printed[made.total.currency] += made.total.amount
    assert {sums.currency: sums.total for sums in totals(rows, "per_row")} == printed


@given(ROWS, ROUNDINGS)
def test_of_one_row_both_ways_are_one(made: ProductContext, rounding: TaxRounding) -> None:
    assert one([made], rounding).total == made.total.amount


@given(st.integers(-(10**9), 10**9), st.sampled_from(RATES))
def test_a_tax_is_rounded_as_people_round(net: int, rate: Decimal) -> None:
    assert tax_of(net, rate) == int((net * rate / 100).quantize(Decimal(1), ROUND_HALF_UP))
