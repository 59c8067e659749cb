"""Money, quantities and discounts on their way through the services: no minor unit is lost from a row to its payment.

Random drafts, all on one shop at once. What must come of them is reckoned here, from nothing but what was typed.
"""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from io import BytesIO
from random import Random
from typing import Any

import pytest
from pypdf import PdfReader

from local_stack.demo.shop import Shop, open_shop
from local_stack.stack import Stack
from support.waiting import until

pytestmark = [pytest.mark.e2e, pytest.mark.verify]

DRAFTS = 12
CURRENCIES = ("EUR", "JPY", "KWD")
"""With two, no and three digits behind the point."""
QUANTITIES = ("1", "3", "0.333", "2.5", "17.000001", "1000")
DISCOUNTS = ("0", "0", "10", "12.5", "33.3333")
RATES = ("0", "5.5", "7", "7.00", "19", "20")
ANY = {"If-Match": "*"}
MONEY = re.compile(r"\d(?:[\d.,\u00a0\u202f]*\d)?")
PIPELINE = {
    "name": "Money",
    "kind": "deal",
    "stages": [{"code": "draft", "name": "Draft"}, {"code": "billed", "name": "Billed"}],
}


def printing(pipeline: str, stage: str) -> Mapping[str, Any]:
    """Rules by which whatever enters the stage is printed."""
    rule = {"name": "print", "type": "create_document", "params": {"template": "invoice"}}
    return {"pipeline": pipeline, "stages": {stage: {"rules": [rule]}}, "publish": True}


@dataclass(frozen=True)
class Draft:
    """What somebody typed, and how their firm rounds tax."""

    number: int
    currency: str
    rounding: str
    rows: Sequence[Mapping[str, Any]]

    @classmethod
    def random(cls, number: int) -> "Draft":
        chance = Random(f"money/{number}")
        rows = [
            {
                "name": f"Row {at}",
                "price": chance.randrange(100, 10 ** chance.randrange(3, 8)),
                "quantity": chance.choice(QUANTITIES),
                "discount_percent": chance.choice(DISCOUNTS),
                "tax_percent": chance.choice(RATES),
                "tax_included": chance.random() < 0.4,
            }
            for at in range(chance.randrange(1, 13))
        ]
        rounding = "per_rate" if number < DRAFTS // 2 else "per_row"
        return cls(number, CURRENCIES[number % len(CURRENCIES)], rounding, rows)

    def amounts(self) -> list[int]:
        """Of the rows: price times quantity less discount, as each is printed."""
        return [
            half_up(row["price"] * Decimal(row["quantity"]) * (100 - Decimal(row["discount_percent"])) / 100)
            for row in self.rows
        ]

    def taxes(self) -> dict[Decimal, tuple[int, int]]:
        """By rate: what comes on top, and what the prices had in them."""
        found = dict[Decimal, tuple[int, int]]()
        for rate in {Decimal(row["tax_percent"]) for row in self.rows}:
            on_top, inside = (
                sum(
                    half_up(base * rate / (100 + rate if included else 100))
                    for base in self._bases(rate, included=included)
                )
                for included in (False, True)
            )
            found[rate] = on_top, inside
        return found

    def _bases(self, rate: Decimal, *, included: bool) -> list[int]:
        those = [
            amount
            for row, amount in zip(self.rows, self.amounts(), strict=True)
            if (Decimal(row["tax_percent"]), row["tax_included"]) == (rate, included)
        ]
        return [sum(those)] if self.rounding == "per_rate" else those

    def total(self) -> int:
        return sum(self.amounts()) + sum(on_top for on_top, _ in self.taxes().values())

    def net(self) -> int:
        return sum(self.amounts()) - sum(inside for _, inside in self.taxes().values())

    def printed(self) -> Counter[int]:
        """Every amount that a document shows, as its digits."""
        taxes = [on_top + inside for rate, (on_top, inside) in self.taxes().items() if rate]
        return Counter([*self.amounts(), *taxes, self.net(), self.total()])


def half_up(exact: Decimal) -> int:
    """Of at most 21 digits, so that Python's 28 are enough to reckon with."""
    return int(exact.quantize(Decimal(1), ROUND_HALF_UP))


@dataclass(frozen=True)
class Billed:
    """A draft on its way: the deal, its invoice, and the payment that is expected."""

    draft: Draft
    deal: str
    invoice: str
    payment: str


@pytest.fixture(scope="module")
def shop(stack: Stack) -> Iterator[Shop]:
    stack.start(["all"])
    with closing(open_shop(stack)) as shop:
        shop.owner.put("entity-service", "/v1/pipelines/money", PIPELINE)
        for pipeline, stage in (("money", "billed"), ("invoices", "issued")):
            shop.owner.put("rule-engine", f"/v1/rule-sets/{pipeline}", printing(pipeline, stage))
        yield shop


@pytest.fixture(scope="module")
def billed(shop: Shop) -> list[Billed]:
    """Rows are typed under the firm's rounding of then; it is another one when half of them are billed."""
    typed = [(draft, type_in(shop, draft)) for draft in map(Draft.random, range(DRAFTS))]
    rounds(shop, "per_rate")
    return [bill(shop, draft, deal) for draft, deal in typed]


def type_in(shop: Shop, draft: Draft) -> str:
    rounds(shop, draft.rounding)
    body = {"kind": "deal", "title": f"Draft {draft.number}", "pipeline": "money"}
    deal = str(shop.manager.post("entity-service", "/v1/items", body)["id"])
    rows = {"rows": draft.rows, "currency": draft.currency}
    path = f"/v1/items/{deal}/products"
    found = shop.manager.send("PUT", "entity-service", path, json=rows, headers=ANY).json()
    assert found["amount"] == money(draft, draft.total()), draft
    assert is_typed(draft, found["rows"])
    return deal


def rounds(shop: Shop, rounding: str) -> None:
    before = shop.owner.get("entity-service", "/v1/tenant")
    if before["tax_rounding"] != rounding:
        kept = {name: value for name, value in before.items() if name != "id"}
        shop.owner.put("entity-service", "/v1/tenant", kept | {"tax_rounding": rounding})


def bill(shop: Shop, draft: Draft, deal: str) -> Billed:
    path = f"/v1/items/{deal}"
    shop.manager.send("PUT", "entity-service", f"{path}/stage", json={"stage": "billed"}, headers=ANY)
    made = shop.manager.post("entity-service", f"{path}/invoices", {})
    assert made["invoice"]["amount"] == money(draft, draft.total()), draft
    return Billed(draft, deal, made["invoice"]["id"], made["payment_id"])


def money(draft: Draft, amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": draft.currency}


def is_typed(draft: Draft, rows: Sequence[Mapping[str, Any]]) -> bool:
    """Whether rows say what was typed, and come to what they must."""
    for typed, amount, found in zip(draft.rows, draft.amounts(), rows, strict=True):
        assert found["price"] == money(draft, typed["price"])
        assert found["total" if typed["tax_included"] else "net"] == money(draft, amount), (draft, typed)
        for name in ("quantity", "discount_percent", "tax_percent"):
            assert Decimal(found[name]) == Decimal(typed[name])
    return True


def test_an_invoice_has_the_rows_that_were_typed(shop: Shop, billed: Sequence[Billed]) -> None:
    for one in billed:
        found = shop.manager.get("entity-service", f"/v1/items/{one.invoice}/products")
        assert is_typed(one.draft, found["rows"])
        assert found["amount"] == money(one.draft, one.draft.total())


def test_the_documents_of_deal_and_invoice_print_what_is_to_be_paid(shop: Shop, billed: Sequence[Billed]) -> None:
    for one in billed:
        for item in (one.deal, one.invoice):
            missing = one.draft.printed() - Counter(printed(shop, item))
            assert not missing, f"{one.draft}: {'deal' if item == one.deal else 'invoice'} does not print {missing}"


def printed(shop: Shop, item: str) -> list[int]:
    """All numbers in the text of an item's only document, as their digits."""

    def documents() -> list[dict[str, Any]]:
        found = shop.manager.list("doc-service", "/v1/documents", item_id=item)
        return [one for one in found if one["status"] == "ready"]

    until(lambda: bool(documents()), f"the document of item {item}")
    (document,) = documents()
    link = shop.manager.post("doc-service", f"/v1/documents/{document['id']}/links", {})["public_link"]
    path = link.removeprefix(shop.visitor.url("doc-service", ""))
    pdf = shop.visitor.send("GET", "doc-service", f"{path}/pdf", params={"download": "1"}).content
    text = "\n".join(page.extract_text() for page in PdfReader(BytesIO(pdf)).pages)
    return [int(re.sub(r"\D", "", one)) for one in MONEY.findall(text)]


def test_only_the_whole_amount_pays_and_it_pays_once(shop: Shop, billed: Sequence[Billed]) -> None:
    """A unit less, a unit more and another currency are refused; the provider tells of the right one twice."""
    paid = Counter[str]()
    for one in billed:
        due = one.draft.total()
        for amount, currency in ((due - 1, one.draft.currency), (due + 1, one.draft.currency), (due, "USD")):
            assert pay(shop, one, amount, currency, times=1) == [409]
        assert pay(shop, one, due, one.draft.currency, times=2) == [204, 204]
        found = shop.manager.get("entity-service", f"/v1/payments/{one.payment}")
        assert (found["status"], found["amount"]) == ("paid", money(one.draft, due))
        paid[found["amount"]["currency"]] += found["amount"]["amount"]
    assert paid == sum((Counter({one.draft.currency: one.draft.total()}) for one in billed), Counter())
    for one in billed:
        assert shop.manager.get("entity-service", f"/v1/items/{one.invoice}")["stage"] == "paid"


def pay(shop: Shop, one: Billed, amount: int, currency: str, times: int) -> list[int]:
    """What entity-service answers to the provider's calls."""
    order = {"amount": amount, "currency": currency, "times": times, "callback_url": shop.payment_callback}
    calls: list[int] = shop.visitor.post("payments", f"/payments/{one.payment}/pay", order)["calls"]
    return calls
