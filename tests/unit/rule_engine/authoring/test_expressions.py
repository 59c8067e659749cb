"""Expressions: what they give, what they read, what is refused, and how hostile ones end."""

import resource
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from contracts.budget import BudgetError
from contracts.conditions import ConditionError
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language import expressions
from rule_engine.domain.language.value_types import Shape, names, shape_of
from rule_engine.domain.language.values import paths_of, resolve, values_of
from support import hostile
from support.shop import NOON, SCHEMA, deal


@pytest.fixture
def values() -> dict[str, Any]:
    own = {"var": {"count": 3}, "const": {"signer": "Kim Lane"}, "long": "a" * 5000}
    return values_of(deal(company=None), {"pay": {"sum": 7.5}}, NOON) | own


@pytest.mark.parametrize(
    ("source", "given"),
    [
        ("item.activity_count + 1", 1),
        ("steps.pay.sum * 2", 15),
        ("var.count * 1.5", 4.5),
        ("const.signer == 'Kim Lane'", True),
        ("products.exists(p, p.quantity > 3)", True),
        ("products.filter(p, p.quantity > 3)[0].name", "Chair"),
        ("products.map(p, p.quantity * 2)", [4, 9]),
        ("products.map(p, p.name).join('; ')", "Oak table; Chair"),
        ("size(products) + 1", 3),
        ("products.size() > 1", True),
        ("item['title']", "Oak table"),
        ("item.fields.wood in ['oak', 'ash']", True),
        ("item.fields.never_filled == null", True),
        ("has(item.fields.never_filled)", False),
        ("company.title == null", True),
        ("company == null", True),
        ("company == null ? 'person' : company.title", "person"),
        ("if(item.amount.amount >= 100000, 'large', 'small')", "large"),
        ("in('oak', lower(item.title))", True),
        ("timestamp(now) + duration('90m') > timestamp(now)", True),
        ("timestamp(now).getHours() == 12", True),
        ("datediff(today, dateadd(today, '2 weeks'))", 14),
        ("item.title.matches('^Oak')", True),
        ("'in (x), var.y, 1' + \"if(1)\"", "in (x), var.y, 1if(1)"),
        ("{'a': [1, 2]}.a[1]", 2),
        ("int(7.9) + 0.5", 7.5),
        ("-item.activity_count - 1", -1),
        ("true || 1 / 0 > 1", True),
        ("null", None),
        ("[3, 1, 2].filter(a, a > 1).map(a, a * 2).filter(a, a > 4)", [6]),
    ],
)
def test_an_expression_gives_a_value(source: str, given: Any, values: dict[str, Any]) -> None:
    assert expressions.evaluate(source, values) == given


def test_a_parameter_is_made_by_an_expression(values: dict[str, Any]) -> None:
    params: Any = {"rows": [{"n": {"expr": "var.count + 1"}}], "const": {"const": {"expr": "1"}}}
    assert resolve(params, values) == {"rows": [{"n": 4}], "const": {"expr": "1"}}
    assert paths_of(params) == {"var.count"}
    with pytest.raises(ValueFailureError, match=r"params\.it: an? .*expression a text"):
        resolve({"it": {"expr": 5}}, values)


@pytest.mark.parametrize(
    ("source", "paths"),
    [
        ("item.amount.amount > 3 && has(company.title)", {"item.amount.amount", "company.title"}),
        ("products.exists(p, p.price.amount > var.least)", {"products", "var.least"}),
        ("contacts[0].phones.map(x, x.number)", {"contacts"}),
        ("item['fields']['wood']", {"item.fields.wood"}),
        ("item.fields[stage.code]", {"item.fields", "stage.code"}),
        ("1 + ", set()),
    ],
)
def test_an_expression_tells_what_it_reads(source: str, paths: set[str]) -> None:
    assert expressions.paths_of(source) == paths


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("item.titel", "there is no name 'titel' in item: did you mean 'title'?"),
        ("products.exists(p, p.nam == 'x')", "there is no name 'nam': did you mean 'name'?"),
        ("item[0]", "item.0: an object has no elements"),
        ("items.title", "there is no name 'items': did you mean 'item'?"),
        ("item.", "the expression cannot be read: "),
        ("nope(1)", "there is no function 'nope'"),
        ("item.title.nope()", "there is no function 'nope'"),
        ("dateadd(now)", "dateadd does not take 1 arguments"),
        ("7 % 2", "there is no operator % here"),
        ("google.protobuf.Duration{seconds: 1}", "there are no message types here"),
        ("[[[1]]].map(a, a.map(b, b.map(c, c)))", "nested at most 2 deep"),
        ("+".join(["1"] * 100), "nested too deeply"),
        ("(" * 400 + "1" + ")" * 400, "nested too deeply"),
        ("x" * 2001, "at most 2000 characters"),
        ("'" + "\\" * 1000, "cannot be read"),
        ("\x00", "cannot be read"),
    ],
)
def test_what_cannot_be_meant_is_refused_when_it_is_written(source: str, reason: str) -> None:
    issues = list(expressions.issues(source, names("deal", SCHEMA, {})))
    assert len(issues) == 1
    assert reason in issues[0]


def test_elements_of_made_lists_may_be_anything() -> None:
    root = Shape("object", {"tags": shape_of(tuple[str, ...])})
    assert list(expressions.issues("tags.map(t, {'a': t}).exists(x, x.a == 'b')", root)) == []


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("item.title + 1", r"\+ does not take a text and a number"),
        ("item.title.size() > item.title", "> does not take a number and a text"),
        ("steps.pay['none'] > 1", "> does not take an empty value and a number"),
        ("1 / 0", "it divides by zero"),
        ("timestamp(contact.name)", "timestamp takes a moment such as 2026-03-02T14:00:00Z"),
        ("contacts[5].name", "there is no element 5: the list has 1, counted from 0"),
        ("item.title.matches(contact.phone)", "matches takes a regular expression after the text"),
    ],
)
def test_what_cannot_be_computed_says_why_without_the_values(source: str, reason: str, values: dict[str, Any]) -> None:
    with pytest.raises(ValueFailureError, match=reason) as failure:
        expressions.evaluate(source, values)
    assert "Bell" not in str(failure.value)
    assert "+49" not in str(failure.value)


def test_as_a_leaf_it_fails_as_conditions_do(values: dict[str, Any]) -> None:
    assert expressions.as_leaf("var.count > 2")(values) is True
    with pytest.raises(ConditionError, match="there is no function"):
        expressions.as_leaf("nope()")
    with pytest.raises(ConditionError, match=r"item\.title > 1: .*> does not take a text and a number"):
        expressions.as_leaf("item.title > 1")(values)


@pytest.mark.timeout(10)
@pytest.mark.parametrize("source", hostile.EXPRESSIONS.values(), ids=hostile.EXPRESSIONS.keys())
def test_a_hostile_expression_is_refused_or_stopped(source: str, values: dict[str, Any]) -> None:
    with pytest.raises((ValueFailureError, BudgetError), match=r"too much work|too long|too deeply"):
        expressions.evaluate(source, values)


def test_an_honest_expression_over_many_rows_is_computed(values: dict[str, Any]) -> None:
    values["products"] = values["products"] * 100
    dear = "products.filter(p, p.total.amount > 30000 && p.name.startsWith('Oak'))"
    assert expressions.evaluate(f"{dear}.map(p, p.name).join(', ')", values).count("Oak table") == 100


MEMORY = """
import resource, sys
sys.path[:0] = {paths!r}
from rule_engine.domain.language import expressions, templates
from contracts.budget import BudgetError
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.values import values_of
from support import hostile
from support.shop import NOON, deal
values = values_of(deal(), {{"create_document": {{"number": "7"}}}}, NOON) | {{"long": "a" * 5000}}
expressions.evaluate("money(item.amount)", values)
templates.render("{{{{ item.amount | money }}}}", values)
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
for run, sources in ((expressions.evaluate, hostile.EXPRESSIONS), (templates.render, hostile.TEXTS)):
    for source in sources.values():
        try:
            run(source, values)
        except (BudgetError, ValueFailureError):
            continue
        sys.exit("not stopped: " + source[:80])
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


def test_hostile_expressions_and_texts_take_less_than_50_mb_together() -> None:
    script = MEMORY.format(paths=[str(Path(__file__).parents[3])])

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_CPU, (60, 60))

    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, preexec_fn=limit, check=False)  # noqa: S603
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 50 * 1024
