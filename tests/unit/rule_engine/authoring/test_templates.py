"""Authors' texts: what they print, and how hostile ones end."""

from typing import Any

import pytest

from contracts.budget import BudgetError
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language import templates
from rule_engine.domain.language.values import values_of
from support import hostile
from support.shop import NOON, SETTINGS, deal


@pytest.fixture
def values() -> dict[str, Any]:
    return values_of(deal(company=None), {"create_document": {"number": "7"}}, NOON) | {"long": "a" * 5000}


@pytest.mark.parametrize(
    ("text", "printed"),
    [
        ("Hello {{ contact.first_name }}, a manager will", "Hello Ada, a manager will"),
        ("no template {at} all", "no template {at} all"),
        ("[{{ company.title }}]", "[]"),
        ("[{{ company.title | upcase }}]", "[]"),
        ("[{{ item.fields.wood }}{{ item.fields.never_filled }}]", "[oak]"),
        ("{% if company %}firm{% else %}person{% endif %}", "person"),
        ("{{ contacts[0].phones.last.number }}", "+491701234567"),
        ("{{ item.amount | money }}", "€1,234.50"),
        ("{{ company | money }}", ""),
        ("{{ now | date_format: 'HH:mm' }}", "13:00"),
        ("{{ today | date_format: 'long' }}", "March 2, 2026"),
        ("{{ item.source | date_format }}", ""),
        ("{% for row in products %}{{ row.quantity }} x {{ row.name }}; {% endfor %}", "2 x Oak table; 4.5 x Chair; "),
        ("{{ steps.nothing.at_all | default: 'none' }}", "none"),
        ("{{ products | map: 'name' | join: ', ' }}", "Oak table, Chair"),
        ("{{ contact.last_name | prepend: '<b>' }}", "<b>Bell"),
    ],
)
def test_a_text_prints_values_and_nothing_for_what_is_empty(text: str, printed: str, values: dict[str, Any]) -> None:
    assert templates.render(text, values) == printed


def test_money_and_dates_print_in_the_tenants_language(values: dict[str, Any]) -> None:
    values["tenant"] = SETTINGS.model_copy(update={"language": "de"}).model_dump()
    assert templates.render("{{ item.amount | money }}", values) == "1.234,50\N{NO-BREAK SPACE}€"
    assert templates.render("{{ today | date_format: 'long' }}", values) == "2. März 2026"


def test_a_language_nobody_knows_prints_in_english(values: dict[str, Any]) -> None:
    values["tenant"] = SETTINGS.model_copy(update={"language": "x!"}).model_dump()
    assert templates.render("{{ item.amount | money }}", values) == "€1,234.50"


def test_money_without_cents_has_none(values: dict[str, Any]) -> None:
    values["item"]["amount"] = {"amount": 1200, "currency": "JPY"}
    assert templates.render("{{ item.amount | money }}", values) == "¥1,200"


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ contact.frist_name }}", "contact.frist_name is unknown"),
        ("{{ steps.other.number }}", "steps.other is unknown"),
        ("{{ item.title", "never closed"),
        ("{% include 'secrets' %}", "include"),
        ("{% render 'secrets' %}", "render"),
        ("{% raw %}{{ item }}{% endraw %}", "no tag raw"),
        ("{{ item.title | nonsense }}", "no filter nonsense"),
        ("{% if item.title %}", "if"),
        ("{{ item.title | money }}", "money: needs money or a number"),
        ("{{ 1 | divided_by: 0 }}", "divided_by: it divides by zero"),
    ],
)
def test_a_wrong_text_ends_with_its_reason(text: str, reason: str, values: dict[str, Any]) -> None:
    with pytest.raises(ValueFailureError, match=reason):
        templates.render(text, values)


def test_a_reason_never_shows_the_value(values: dict[str, Any]) -> None:
    with pytest.raises(ValueFailureError) as failure:
        templates.render("{{ contact.phone | date_format }}", values)
    assert "+49" not in str(failure.value)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("text", hostile.TEXTS.values(), ids=hostile.TEXTS.keys())
def test_a_hostile_text_ends_early_with_an_error(text: str, values: dict[str, Any]) -> None:
    with pytest.raises((ValueFailureError, BudgetError)):
        templates.render(text, values)


def test_an_honest_letter_with_many_rows_is_rendered(values: dict[str, Any]) -> None:
    values["products"] = values["products"] * 200
    row = "<tr><td>{{ row.name | escape }}</td><td>{{ row.quantity }}</td><td>{{ row.total | money }}</td></tr>"
    letter = "<style>p { margin: 0 }</style>" * 300 + f"{{% for row in products %}}{row}{{% endfor %}}"
    assert templates.render(letter, values).count("<tr>") == 400


def test_a_text_tells_what_it_reads() -> None:
    text = templates.parse(
        "{{ contact.name }}{% for row in products %}{{ row.name }}{% endfor %}"
        "{% assign other = company.title %}{{ other }}{{ item.fields[stage.code] }}{{ forloop }}"
    )
    assert {"contact.name", "products", "company.title", "item.fields", "stage.code"} <= text.paths
    assert text.loops == {"row": "products"}
    assert text.loop_paths == {"row.name"}
    assert "products" not in text.printed
