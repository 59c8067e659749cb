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


def test_a_price_with_the_tax_in_it_is_the_total_and_the_tax_is_taken_out_of_it() -> None:
    made = row(9999, Decimal("1.5"), Decimal(10), Decimal(19), included=True)
    assert (made.net.amount, made.total.amount) == (11344, 13499)  # 13498.65, of which 2155.30
    three = [row(99, Decimal(1), Decimal(0), Decimal(19), included=True)] * 3
    assert [(one(three, how).total, one(three, how).tax) for how in ("per_rate", "per_row")] == [(297, 47), (297, 48)]


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
        assert sums.net == sum(tax.net for tax in sums.taxes)
        assert sums.tax == sum(tax.amount for tax in sums.taxes)
        assert sums.total == sums.net + sums.tax
        assert [tax.percent for tax in sums.taxes] == sorted({made.tax_percent for made in mine})


@given(st.lists(ROWS, max_size=30), ROUNDINGS, st.randoms())
def test_the_order_of_rows_does_not_matter(rows: list[ProductContext], rounding: TaxRounding, random: Random) -> None:
    shuffled = sorted(rows, key=lambda _: random.random())
    by_currency = {sums.currency: sums for sums in totals(rows, rounding)}
    assert {sums.currency: sums for sums in totals(shuffled, rounding)} == by_currency


@given(st.lists(ROWS, max_size=30), ROUNDINGS)
def test_what_was_told_to_the_client_adds_up_whatever_is_rounded(
    rows: list[ProductContext], rounding: TaxRounding
) -> None:
    """Net amounts where the tax comes on top, totals where it is included."""
    told = {True: defaultdict[str, int](int), False: defaultdict[str, int](int)}
    for made in rows:
        told[made.tax_included][made.net.currency] += made.total.amount if made.tax_included else made.net.amount
    for included, sums in told.items():
        found = totals([made for made in rows if made.tax_included == included], rounding)
        assert {one.currency: one.total if included else one.net for one in found} == sums


@given(st.lists(ROWS, max_size=30))
def test_per_rate_each_tax_is_the_exact_one_of_the_sum_rounded_once(rows: list[ProductContext]) -> None:
    for included in (True, False):
        for sums in totals([made for made in rows if made.tax_included == included], "per_rate"):
            for tax in sums.taxes:
                base, whole = (tax.net + tax.amount, 100 + tax.percent) if included else (tax.net, Decimal(100))
                exact = base * Fraction(tax.percent) / Fraction(whole)
                assert -Fraction(1, 2) < tax.amount - exact <= Fraction(1, 2)


@given(st.lists(ROWS, max_size=30), ROUNDINGS)
def test_rows_of_both_kinds_have_the_taxes_of_each_kind(rows: list[ProductContext], rounding: TaxRounding) -> None:
    apart = defaultdict[tuple[str, Decimal], int](int)
    at_once = dict[tuple[str, Decimal], int]()
    for included in (True, False):
        for sums in totals([made for made in rows if made.tax_included == included], rounding):
            for tax in sums.taxes:
                apart[sums.currency, tax.percent] += tax.amount
    for sums in totals(rows, rounding):
        at_once |= {(sums.currency, tax.percent): tax.amount for tax in sums.taxes}
    assert at_once == apart


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
