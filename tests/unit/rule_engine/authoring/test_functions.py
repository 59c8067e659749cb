"""The functions of authors: each as a filter and in an expression, and how they print in five languages."""

from typing import Any

import orjson
import pytest

from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language import expressions, templates
from rule_engine.domain.language.functions import FUNCTIONS
from rule_engine.domain.language.values import values_of
from support.shop import NOON, SETTINGS, deal

CATALOGUE = """
dateadd datediff addworkdays addworkhours isworkday isworktime date_format to_timezone strtotime settime abs min
 max round ceil floor rand int float number_format money substr strpos strlen lower upper title trim urlencode
 join split merge first randstring shuffle if in printable friendly name link
"""


@pytest.fixture
def values() -> dict[str, Any]:
    return values_of(deal(), {}, NOON) | {"it": None}


def in_language(values: dict[str, Any], language: str) -> dict[str, Any]:
    return values | {"tenant": SETTINGS.model_copy(update={"language": language}).model_dump()}


def by_filter(name: str, arguments: tuple[Any, ...], values: dict[str, Any]) -> Any:
    names = {f"a{number}": one for number, one in enumerate(arguments)}
    rest = ", ".join(list(names)[1:])
    return templates.render(f"{{{{ a0 | {name}{': ' if rest else ''}{rest} }}}}", values | names)


def by_expression(name: str, arguments: tuple[Any, ...], values: dict[str, Any]) -> Any:
    names = {f"a{number}": one for number, one in enumerate(arguments)}
    return expressions.evaluate(f"{name}({', '.join(names)})", values | names)


def test_every_function_of_the_catalogue_exists_under_its_name() -> None:
    assert set(FUNCTIONS) == set(CATALOGUE.split())


ADA = {"name": "Ada Bell", "first_name": "Ada", "last_name": "Bell"}
CASES: list[tuple[str, tuple[Any, ...], Any]] = [
    ("dateadd", ("2026-01-31", "1 month"), "2026-02-28"),
    ("dateadd", ("2026-01-31", "1 month 1 day"), "2026-03-01"),
    ("dateadd", ("2026-03-02", "-1w"), "2026-02-23"),
    ("dateadd", ("2024-02-29", "1 year"), "2025-02-28"),
    ("dateadd", ("2026-03-02", "3 hours"), "2026-03-02T02:00:00.000000Z"),
    ("dateadd", ("2026-03-28T12:00:00Z", "1 day"), "2026-03-29T11:00:00.000000Z"),  # clocks go forward that night
    ("dateadd", ("2026-03-28T12:00:00Z", "24 hours"), "2026-03-29T12:00:00.000000Z"),
    ("dateadd", ("2026-03-28T01:30:00Z", "1 day"), "2026-03-29T01:00:00.000000Z"),  # 02:30 does not exist
    ("dateadd", (None, "1 day"), None),
    ("datediff", ("2026-03-02", "2026-03-09"), 7),
    ("datediff", ("2026-03-09", "2026-03-02", "weeks"), -1),
    ("datediff", ("2026-03-02T22:30:00Z", "2026-03-03", "days"), 1),
    ("datediff", ("2026-03-02T10:00:00Z", "2026-03-02T12:30:00Z", "hours"), 2),
    ("datediff", ("2026-03-02T10:00:00Z", "2026-03-02T12:30:00Z", "minutes"), 150),
    ("datediff", ("2025-03-31", "2026-03-30", "months"), 11),
    ("datediff", ("2025-03-31", "2026-03-31", "years"), 1),
    ("addworkdays", ("2026-03-06", 1), "2026-03-09"),
    ("addworkdays", ("2026-03-09", -1), "2026-03-06"),
    ("addworkdays", ("2026-03-06T13:00:00Z", 3), "2026-03-11T13:00:00.000000Z"),
    ("addworkhours", ("2026-03-06T16:00:00Z", 2), "2026-03-09T09:00:00.000000Z"),
    ("addworkhours", ("2026-03-07T12:00:00Z", 9), "2026-03-09T17:00:00.000000Z"),
    ("addworkhours", ("2026-03-09T09:00:00Z", -2), "2026-03-06T16:00:00.000000Z"),
    ("isworkday", ("2026-03-07",), False),
    ("isworkday", ("2026-03-02T12:00:00Z",), True),
    ("isworktime", ("2026-03-02T08:00:00Z",), True),
    ("isworktime", ("2026-03-02T17:00:00Z",), True),
    ("isworktime", ("2026-03-02T17:00:01Z",), False),
    ("date_format", ("2026-03-02", "d MMMM y"), "2 March 2026"),
    ("date_format", ("2026-03-02T12:00:00Z", "HH:mm"), "13:00"),
    ("date_format", ("2026-03-02T21:00:00+09:00", "HH:mm"), "21:00"),
    ("to_timezone", ("2026-03-02T12:00:00Z", "Asia/Tokyo"), "2026-03-02T21:00:00+09:00"),
    ("date_format", ("2026-03-02T12:00:00Z", "HH:mm"), "13:00"),
    ("date_format", ("2026-03-02T12:00:00+00:00", "HH:mm"), "12:00"),
    ("date_format", ("2026-03-02T21:00:00+09:00", "HH:mm"), "21:00"),
    ("strtotime", ("2026-03-02",), "2026-03-02"),
    ("strtotime", ("02.03.2026 14:00",), "2026-03-02T13:00:00.000000Z"),
    ("strtotime", ("2026-03-02T12:00:00Z",), "2026-03-02T12:00:00.000000Z"),
    ("strtotime", ("tomorrow 14:00",), "2026-03-03T13:00:00.000000Z"),
    ("strtotime", ("yesterday",), "2026-03-01"),
    ("strtotime", ("+2 days",), "2026-03-04T12:00:00.000000Z"),
    ("settime", ("2026-03-02", "14:00"), "2026-03-02T13:00:00.000000Z"),
    ("settime", ("2026-03-29", "02:30"), "2026-03-29T01:00:00.000000Z"),
    ("settime", ("2026-03-02T12:00:00Z", 9, 30), "2026-03-02T08:30:00.000000Z"),
    ("abs", (-7.5,), 7.5),
    ("min", (3, 1, 2), 1),
    ("max", ([3, 9, 2],), 9),
    ("round", (2.5,), 3),
    ("round", (-2.345, 2), -2.35),
    ("ceil", (1.2,), 2),
    ("floor", (-1.2,), -2),
    ("int", ("42.9",), 42),
    ("float", ("1.5",), 1.5),
    ("number_format", (1234567.891, 2), "1,234,567.89"),
    ("number_format", (1234.5,), "1,234.5"),
    ("number_format", (0.005, 2), "0.01"),
    ("money", ({"amount": 123450, "currency": "EUR"},), "€1,234.50"),
    ("money", (1234.5,), "€1,234.50"),
    ("money", (1200, "JPY"), "¥1,200"),
    ("money", (None,), ""),
    ("substr", ("Oak table", 4), "table"),
    ("substr", ("Oak table", -5, 3), "tab"),
    ("strpos", ("Oak table", "table"), 4),
    ("strpos", ("Oak table", "x"), -1),
    ("strlen", ("Stół",), 4),
    ("lower", ("STÓŁ",), "stół"),
    ("upper", ("bàn gỗ",), "BÀN GỖ"),
    ("title", ("oak table o'neil",), "Oak Table O'neil"),
    ("trim", ("  oak ",), "oak"),
    ("urlencode", ("a b&c/d",), "a%20b%26c%2Fd"),
    ("join", (["a", 1, 2.5],), "a, 1, 2.5"),
    ("join", (["a", "b"], "-"), "a-b"),
    ("first", (["a", "b"],), "a"),
    ("if", (True, "yes", "no"), "yes"),
    ("if", (None, "yes", "no"), "no"),
    ("if", ("", "yes", "no"), "no"),
    ("in", ("a", ["a", "b"]), True),
    ("in", ("c", ["a", "b"]), False),
    ("in", ("oak", "an oak table"), True),
    ("printable", (True,), "yes"),
    ("printable", ({"amount": 123450, "currency": "EUR"},), "€1,234.50"),
    ("printable", ([{"name": "Ada Bell"}, {"title": "Bell & Sons"}],), "Ada Bell, Bell & Sons"),
    ("printable", (None,), ""),
    ("printable", ("2026-03-02",), "Mar 2, 2026"),
    ("printable", (1234.5,), "1,234.5"),
    ("friendly", (ADA,), "Ada B."),
    ("friendly", ({"name": "Sam Hill", "first_name": "Sam"},), "Sam H."),
    ("friendly", ("Cher",), "Cher"),
    ("name", ({"name": "invoice.pdf", "file_id": "1"},), "invoice.pdf"),
    ("name", ([{"name": "a.pdf"}, {"name": "b.pdf"}],), "a.pdf, b.pdf"),
    ("link", ({"id": "0197", "title": "Oak table"},), "/items/0197"),
]


def test_a_link_begins_with_where_the_tenants_crm_is(values: dict[str, Any]) -> None:
    there = values | {"tenant": SETTINGS.model_copy(update={"crm_url": "https://crm.example/app"}).model_dump()}
    assert expressions.evaluate("link(item)", there) == f"https://crm.example/app/items/{there['item']['id']}"


@pytest.mark.parametrize(("name", "arguments", "given"), CASES)
def test_a_function_gives_the_same_as_a_filter_and_in_an_expression(
    name: str, arguments: tuple[Any, ...], given: Any, values: dict[str, Any]
) -> None:
    found = by_expression(name, arguments, values)
    assert found == given
    assert type(found) is type(given)
    printed = by_filter(name, arguments, values)
    assert printed == ("" if given is None else given if isinstance(given, str) else orjson.dumps(given).decode())


def test_lists_are_split_merged_and_shuffled(values: dict[str, Any]) -> None:
    assert expressions.evaluate("split('a,b,c')", values) == ["a", "b", "c"]
    assert expressions.evaluate("'ab'.split('')", values) == ["a", "b"]
    assert expressions.evaluate("merge(['a'], ['b', 'a'], 'c')", values) == ["a", "b", "c"]
    assert sorted(expressions.evaluate("shuffle(['a', 'b', 'c'])", values)) == ["a", "b", "c"]
    assert templates.render("{{ 'a,b' | split: ',' | join: '+' }}", values) == "a+b"
    assert templates.render("{{ true | if: 'x | if: y', 'no' }} {{ 'a|in: b' }}", values) == "x | if: y a|in: b"


def test_chance_is_the_same_for_the_same_decision_and_goes_on_within_it(values: dict[str, Any]) -> None:
    text = "{{ 8 | randstring }} {{ 8 | randstring }} {{ 1 | rand: 6 }}"
    once = templates.render(text, values | {"seed": "run/1"})
    first, second, number = once.split()
    assert len(first) == len(second) == 8
    assert first != second
    assert 1 <= int(number) <= 6
    assert templates.render(text, values | {"seed": "run/1"}) == once
    assert templates.render(text, values | {"seed": "run/2"}) != once


NBSP, THIN = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"


@pytest.mark.parametrize(
    ("language", "number", "amount", "day", "long_day", "clock", "yes", "no"),
    [
        ("en", "1,234,567.5", "€1,234.50", "Mar 2, 2026", "Monday, March 2, 2026", f"1:00{THIN}PM", "yes", "no"),
        ("it", "1.234.567,5", f"1.234,50{NBSP}€", "2 mar 2026", "lunedì 2 marzo 2026", "13:00", "sì", "no"),
        (
            "fr",
            f"1{THIN}234{THIN}567,5",
            f"1{THIN}234,50{NBSP}€",
            "2 mars 2026",
            "lundi 2 mars 2026",
            "13:00",
            "oui",
            "non",
        ),
        (
            "pl",
            f"1{NBSP}234{NBSP}567,5",
            f"1{NBSP}234,50{NBSP}€",
            "2 mar 2026",
            "poniedziałek, 2 marca 2026",
            "13:00",
            "tak",
            "nie",
        ),
        (
            "vi",
            "1.234.567,5",
            f"1.234,50{NBSP}€",
            "2 thg 3, 2026",
            "Thứ Hai, 2 tháng 3, 2026",
            "13:00",
            "có",
            "không",
        ),
    ],
)
def test_numbers_money_and_dates_print_in_the_tenants_language(
    language: str,
    number: str,
    amount: str,
    day: str,
    long_day: str,
    clock: str,
    yes: str,
    no: str,
    values: dict[str, Any],
) -> None:
    there = in_language(values, language)
    assert templates.render("{{ 1234567.5 | number_format }}", there) == number
    assert templates.render("{{ item.amount | money }}", there) == amount
    assert templates.render("{{ item.amount | printable }}", there) == amount
    assert templates.render("{{ today | date_format }}", there) == day
    assert templates.render("{{ today | printable }}", there) == day
    assert templates.render("{{ today | date_format: 'full' }}", there) == long_day
    assert long_day in expressions.evaluate("date_format(now, 'full')", there)
    assert templates.render("{{ '13:00' | date_format: 'short' }}", there) == clock
    assert expressions.evaluate("printable([true, false])", there) == f"{yes}, {no}"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("dateadd(now, 'soon')", "dateadd: a span of time is written like '1 month 2 days'"),
        ("dateadd(now, '3 moons')", "dateadd: there is no unit 'moons'"),
        ("dateadd(contact.phone, '1 day')", "dateadd: needs a day or a moment"),
        ("to_timezone(now, 'Mars/Base')", "to_timezone: there is no time zone 'Mars/Base'"),
        ("strtotime(contact.name)", "strtotime: a date is written like"),
        ("round(contact.name)", "round: needs a number"),
        ("name(5)", "name cannot be used like this on this value"),
        ("printable(item.fields)", "printable: has no name to print"),
        ("money(contact.name)", "money: needs money or a number"),
        ("dateadd(now)", "dateadd does not take 1 arguments"),
    ],
)
def test_a_function_that_cannot_be_used_says_why_without_the_value(
    source: str, reason: str, values: dict[str, Any]
) -> None:
    with pytest.raises(ValueFailureError, match=reason) as failure:
        expressions.evaluate(source, values)
    assert "Bell" not in str(failure.value)
    assert "+49" not in str(failure.value)


def test_working_days_and_hours_are_those_of_the_tenants_calendar(values: dict[str, Any]) -> None:
    closed = {"2026-03-03": [], "2026-03-07": [{"opens": "10:00", "closes": "12:00"}]}
    calendar = {"days": closed, "country": "DE", "subdivision": "BE"}
    there = values | {"tenant": values["tenant"] | {"calendar": calendar}}
    assert expressions.evaluate("addworkdays('2026-03-02', 1)", there) == "2026-03-04"
    assert expressions.evaluate("addworkdays('2026-03-06', 1)", there) == "2026-03-07"
    assert expressions.evaluate("isworkday('2026-03-03')", there) is False
    assert expressions.evaluate("isworkday('2026-05-01')", there) is False
    assert expressions.evaluate("addworkhours('2026-03-06T16:00:00Z', 2)", there) == "2026-03-07T10:00:00.000000Z"
    nobody = values | {"tenant": values["tenant"] | {"calendar": {"week": {}}}}
    with pytest.raises(ValueFailureError, match="addworkdays: there is no working time for years"):
        expressions.evaluate("addworkdays(today, 1)", nobody)
