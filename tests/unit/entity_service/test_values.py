"""Values: custom fields, assignments, sums, addresses, payments, departments."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

import pytest

from contracts.contexts import FieldSchema, ProductContext
from contracts.messages.entity_commands import FieldAssignment
from contracts.values import Money
from entity_service.domain.addresses import normalise_email, normalise_phone
from entity_service.domain.departments import Department, check_parent
from entity_service.domain.errors import ConflictError, InvalidError
from entity_service.domain.fields import apply_values, check_replacement
from entity_service.domain.items import Item, Mentions, References, assign, changed_names, mentions_in
from entity_service.domain.payments import Payment, is_news
from entity_service.domain.products import sum_of

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ID, PERSON, OTHER_PERSON = UUID(int=1), UUID(int=2), UUID(int=3)


def eur(amount: int) -> Money:
    return Money(amount=amount, currency="EUR")


def schema(type_: Any, **more: Any) -> FieldSchema:
    return FieldSchema(code="f", name="F", kind="deal", type=type_, **more)


FILE = {"file_id": str(ID), "name": "a.pdf", "sha256": "0" * 64, "media_type": "application/pdf"}


@pytest.mark.parametrize(
    ("field", "value", "kept"),
    [
        (schema("text"), "oak", "oak"),
        (schema("number"), 1.5, 1.5),
        (schema("boolean"), False, False),
        (schema("money"), {"amount": 5, "currency": "EUR"}, {"amount": 5, "currency": "EUR"}),
        (schema("date"), "2028-02-29", "2028-02-29"),
        (schema("datetime"), "2026-03-29T02:30:00+01:00", "2026-03-29T01:30:00.000000Z"),
        (schema("list", options=("a", "b")), "a", "a"),
        (schema("user"), str(PERSON), str(PERSON)),
        (schema("file"), FILE, FILE),
        (schema("text", multiple=True), ["a", "b"], ["a", "b"]),
    ],
)
def test_a_value_of_the_fields_type_is_kept(field: FieldSchema, value: Any, kept: Any) -> None:
    assert apply_values({}, {"f": value}, {"f": field}, {PERSON}) == ({"f": kept}, [])


@pytest.mark.parametrize(
    ("field", "value"),
    [
        (schema("text"), 5),
        (schema("text"), "x" * 10_001),
        (schema("number"), "5"),
        (schema("number"), True),
        (schema("number"), float("nan")),
        (schema("number"), 10**16),
        (schema("boolean"), 1),
        (schema("money"), {"amount": 1.5, "currency": "EUR"}),
        (schema("money"), {"amount": 1, "currency": "euro"}),
        (schema("date"), "2026-02-29"),
        (schema("date"), 20260201),
        (schema("datetime"), "2026-03-29T02:30:00"),
        (schema("list", options=("a",)), "b"),
        (schema("user"), str(OTHER_PERSON)),
        (schema("file"), {"name": "a.pdf"}),
        (schema("text", multiple=True), "a"),
        (schema("text", multiple=True), ["a", 5]),
        (schema("text"), ["a"]),
    ],
)
def test_a_value_of_another_type_is_an_error_at_its_field(field: FieldSchema, value: Any) -> None:
    _, errors = apply_values({}, {"f": value}, {"f": field}, {PERSON})

    assert [where for where, _ in errors] == ["fields.f"]


def test_null_and_an_empty_list_empty_a_field() -> None:
    fields = {"a": schema("text"), "b": schema("text", multiple=True)}

    assert apply_values({"a": "x", "b": ["y"]}, {"a": None, "b": []}, fields, set()) == ({}, [])


def test_fields_hold_a_limited_sum_of_bytes() -> None:
    values = {f"f{n}": "x" * 9_999 for n in range(21)}

    _, errors = apply_values({}, values, {code: schema("text") for code in values}, set())

    assert errors == [("fields", "have more than 200000 bytes together")]


def test_a_field_keeps_type_and_multiplicity_and_has_options_exactly_as_a_list() -> None:
    check_replacement(schema("list", options=("a",)), schema("list", options=("b",)))
    with pytest.raises(ConflictError):
        check_replacement(schema("text"), schema("text", multiple=True))
    for wrong in (schema("list"), schema("text", options=("a",))):
        with pytest.raises(InvalidError, match="options"):
            check_replacement(None, wrong)


REFERENCES = References(
    tenant=ID,
    pipelines={},
    fields={("deal", "size"): schema("text"), ("deal", "tags"): schema("text", multiple=True)},
    employees={PERSON},
    contacts={PERSON, OTHER_PERSON},
    companies=set(),
)
DEAL = Item(
    tenant_id=ID,
    id=ID,
    kind="deal",
    title="Oak table",
    pipeline="sales",
    stage="new",
    version=1,
    entry_seq=1,
    contact_ids=(PERSON,),
    fields={"tags": ["a"]},
    created_at=NOW,
    updated_at=NOW,
)


def setting(field: str, value: Any, append: bool = False) -> FieldAssignment:
    return FieldAssignment(field=field, value=value, append=append)


def test_assignments_set_plain_and_custom_fields_and_name_what_changed() -> None:
    after = assign(
        DEAL,
        [
            setting("title", " Elm "),
            setting("amount", {"amount": 5, "currency": "EUR"}),
            setting("fields.size", "large"),
            setting("source", None),
        ],
        REFERENCES,
    )

    assert (after.title, after.amount, after.amount_by_hand, after.fields["size"]) == ("Elm", eur(5), True, "large")
    assert changed_names(DEAL, after) == ("title", "amount", "fields.size")


def test_appending_adds_what_is_not_there_yet_also_one_after_another() -> None:
    after = assign(
        DEAL,
        [
            setting("fields.tags", ["a", "b"], append=True),
            setting("fields.tags", "c", append=True),
            setting("contact_ids", str(OTHER_PERSON), append=True),
        ],
        REFERENCES,
    )

    assert after.fields["tags"] == ["a", "b", "c"]
    assert after.contact_ids == (PERSON, OTHER_PERSON)


def test_everything_that_is_wrong_is_said_at_once() -> None:
    wrong = [
        setting("title", ""),
        setting("stage", "won"),
        setting("responsible_id", str(OTHER_PERSON)),
        setting("fields.size", "x", append=True),
        setting("fields.moon", 1),
    ]

    with pytest.raises(InvalidError) as caught:
        assign(DEAL, wrong, REFERENCES)

    assert {where for where, _ in caught.value.errors} == {
        "title",
        "stage",
        "responsible_id",
        "fields.size",
        "fields.moon",
    }


def test_ids_that_assignments_mention_are_looked_for_where_they_may_belong() -> None:
    found = mentions_in([setting("contact_ids", [str(PERSON)]), setting("fields.boss", str(OTHER_PERSON))])

    assert found == Mentions(contacts=frozenset({PERSON}), employees=frozenset({OTHER_PERSON}))


def row(total: int, currency: str = "EUR") -> ProductContext:
    money = Money(amount=total, currency=currency)
    zero = Decimal(0)
    return ProductContext(
        name="x",
        quantity=Decimal(1),
        unit="pcs",
        price=money,
        discount_percent=zero,
        tax_percent=zero,
        net=money,
        total=money,
    )


def test_rows_are_summed_in_one_currency() -> None:
    assert sum_of([row(1), row(2)], "per_rate") == eur(3)
    assert sum_of([], "per_rate") is None
    with pytest.raises(InvalidError, match="different currencies: EUR, USD"):
        sum_of([row(1), row(2, "USD")], "per_rate")
    with pytest.raises(InvalidError, match="come to more"):
        sum_of([row(10**15), row(1)], "per_rate")


@pytest.mark.parametrize("text", ["+4930123456", "+49 30 12 34 56", "0049 (30) 123-456", " +49 30 123456 "])
def test_a_number_is_kept_in_one_form(text: str) -> None:
    assert normalise_phone(text) == "+4930123456"


@pytest.mark.parametrize("text", ["", "030 123456", "+49", "+49 30 1234567890123456", "call me"])
def test_what_is_no_international_number_is_refused_without_repeating_it(text: str) -> None:
    with pytest.raises(InvalidError) as caught:
        normalise_phone(text)
    assert not text.strip() or text.strip() not in str(caught.value)


def test_an_address_is_kept_in_lower_case() -> None:
    assert normalise_email(" Anna.Adler@Example.COM ") == "anna.adler@example.com"


@pytest.mark.parametrize("text", ["", "anna", "anna@", "anna@nowhere", "a b@example.com", "anna@example.com\r\nTo: b"])
def test_what_is_no_address_is_refused(text: str) -> None:
    with pytest.raises(InvalidError, match="is not an e-mail address"):
        normalise_email(text)


def payment(status: Any) -> Payment:
    return Payment(tenant_id=ID, id=ID, invoice_id=ID, status=status, amount=eur(5), created_at=NOW, updated_at=NOW)


@pytest.mark.parametrize(
    ("present", "news"),
    [
        ("pending", {"paid", "failed", "refunded"}),
        ("failed", {"paid"}),
        ("paid", {"refunded"}),
        ("refunded", set()),
    ],
)
def test_a_payment_never_goes_back(present: Any, news: set[str]) -> None:
    statuses: tuple[Any, ...] = ("pending", "paid", "failed", "refunded")

    assert {status for status in statuses if is_news(payment(present), status, eur(5))} == news


@pytest.mark.parametrize("amount", [eur(6), Money(amount=5, currency="USD")])
def test_a_report_of_other_money_is_refused(amount: Money) -> None:
    with pytest.raises(ConflictError, match="differs"):
        is_news(payment("pending"), "paid", amount)


def test_departments_stay_a_tree() -> None:
    tree = [Department(code="a", name="A"), Department(code="b", name="B", parent="a")]

    check_parent(tree, Department(code="c", name="C", parent="b"))
    for parent, what in (("b", "lies below"), ("a", "lies below"), ("x", "no department")):
        with pytest.raises(InvalidError, match=what):
            check_parent(tree, Department(code="a", name="A", parent=parent))
