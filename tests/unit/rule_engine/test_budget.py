"""One budget for a decision: whatever an author publishes, on whatever values, ends within its work."""

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from contracts.budget import WORK, Budget, BudgetError, spending
from contracts.conditions import Condition, ConditionError
from contracts.contexts import ProductContext
from contracts.values import Money
from rule_engine.domain.authoring.checks import RuleSetCheck
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.authoring.satisfiability import contradiction
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.conditions import compiled
from rule_engine.domain.language.value_types import names
from rule_engine.domain.language.values import resolve, values_of
from rule_engine.rules import REGISTRY
from support.runs import context, go, rule, started, states
from support.shop import NOON, SCHEMA, deal, rule_set

CONDITION: TypeAdapter[Condition] = TypeAdapter(Condition)
ROW = ProductContext(
    name="Oak table",
    quantity=Decimal(1),
    unit="pcs",
    price=Money(amount=1, currency="EUR"),
    discount_percent=Decimal(0),
    tax_percent=Decimal(0),
    net=Money(amount=1, currency="EUR"),
    total=Money(amount=1, currency="EUR"),
)
ROWS = context().model_copy(update={"products": (ROW,) * 500})


def nested(depth: int, inner: Any) -> Any:
    for _ in range(depth):
        inner = {"some": "products", "where": inner}
    return inner


def issues(**changes: Any) -> list[str]:
    written = {"name": "greet", "type": "send_sms", "params": {"text": "Hi"}} | changes
    document = RuleSetDocument.model_validate(rule_set(new=[written]))
    return [f"{issue.where}: {issue.what}" for issue in RuleSetCheck(document, SCHEMA, REGISTRY).issues()]


NOBODYS = {"path": "each.name", "op": "eq", "value": "x"}


def test_questions_are_nested_at_most_two_deep() -> None:
    assert issues(condition=nested(2, NOBODYS)) == []
    deeper = issues(condition=nested(7, NOBODYS))
    assert deeper == ["stages.new.rules[0].condition: some, every and none are nested at most 2 deep"]


def test_a_question_in_a_question_about_500_rows_fails_the_rule_with_what_took_the_work() -> None:
    made, state = started(rule("greet", condition=CONDITION.validate_python(nested(2, NOBODYS))), rule("then"))
    step = go(made, state, seen=ROWS)
    assert states(step)["greet"] == "failed"
    assert step.over_budget == 1
    assert "takes too much work (of what may be done at once: conditions 100 %)" in str(step.decisions[0].reason)
    assert "shorten lists, loops and texts" in str(step.decisions[0].reason)


def test_all_texts_of_a_rule_spend_of_one_budget() -> None:
    loop = "{% for row in products %}{{ row.name | upcase }}{{ row.total | money }}{% endfor %}"
    values = values_of(ROWS, {}, NOON)
    with spending() as budget:
        resolve({"one": "{% for row in products %}{{ row.name }}{% endfor %}"}, values)
        assert 0 < budget.total() < WORK / 2
    with pytest.raises(BudgetError, match=r"params.t\d+: takes too much work") as failure:
        resolve({f"t{n}": f"{loop}{n}" for n in range(100)}, values)
    assert "functions" in str(failure.value)


def test_what_no_decision_can_afford_is_refused_when_it_is_published() -> None:
    long = "{{ item.title | upcase | downcase }}" * 150
    assert issues(params={"text": long}) == []
    (what,) = issues(params={"text": [f"{long}{n}" for n in range(3)]})
    assert what.startswith("stages.new.rules[0]: params.text[1]: takes too much work")
    (what,) = issues(params={"text": [f"{{{{ item.title }}}} {n}" for n in range(301)]})
    assert "a rule has at most 300" in what


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{{ item.title" + "[now" * 390 + "]" * 390 + " }}", "more than 200 names, texts and signs"),
        ("{{ item.title" + "[now" * 5 + "]" * 5 + " }}", "brackets are nested more than 4 deep"),
        ("{{ item.title }}" * 501, "more than 500 insertions and tags"),
    ],
)
def test_a_text_that_liquid_would_look_at_for_seconds_never_comes_to_it(text: str, reason: str) -> None:
    (what,) = issues(params={"text": text})
    assert reason in what


def test_a_rule_set_is_looked_through_up_to_a_limit() -> None:
    letter = "{{ item.title | upcase | downcase }}" * 150
    stages = {
        stage: {"rules": [{"name": f"r{n}", "type": "send_sms", "params": {"text": f"{letter}{n}"}} for n in range(60)]}
        for stage in ("new", "won")
    }
    document = RuleSetDocument.model_validate({"pipeline": "sales", "stages": stages})
    found = RuleSetCheck(document, SCHEMA, REGISTRY).issues()
    assert [one.where for one in found] == ["stages"]
    assert "too much work to look through" in found[0].what


def test_what_would_take_too_long_to_be_proven_impossible_is_taken_for_possible() -> None:
    many = {"path": "item.activity_count", "op": "in", "value": list(range(1000))}
    least = {"path": "item.activity_count", "op": "gt", "value": 1000}
    condition = CONDITION.validate_python({"all": [many, least] + [{"any": [many, least]}] * 7})
    assert contradiction(condition, names("deal", SCHEMA, {}), {}) is None
    document = RuleSetDocument.model_validate(
        rule_set(new=[{"name": "greet", "type": "send_sms", "params": {"text": "Hi"}, "condition": condition}])
    )
    assert RuleSetCheck(document, SCHEMA, REGISTRY).warnings() == []


# whatever is published, on whatever values

texts = st.one_of(st.text(max_size=40), st.integers(0, 10_000).map(lambda n: "ab " * (n // 3)))
scalars = st.one_of(st.none(), st.booleans(), st.integers(-(10**15), 10**15), texts, st.just("2026-03-02T12:00:00Z"))
PATHS = ("item.title", "item.fields.long", "item.fields.many", "each.name", "each", "products", "item.amount")
leaves = st.one_of(
    st.builds(
        lambda path, op, value: {"path": path, "op": op, "value": value},
        st.sampled_from(PATHS),
        st.sampled_from(("eq", "ne", "contains", "starts", "lt", "ge")),
        scalars.filter(lambda value: value is not None),
    ),
    st.builds(
        lambda path, op, values, times: {"path": path, "op": op, "value": (values * times)[:1000]},
        st.sampled_from(PATHS),
        st.sampled_from(("in", "not_in", "contains_any", "contains_all", "contains_none")),
        st.lists(scalars, max_size=20),
        st.sampled_from((1, 50)),
    ),
    st.builds(
        lambda path, pattern: {"path": path, "op": "matches", "value": pattern},
        st.sampled_from(PATHS),
        st.sampled_from((r"^a+b", r"(a|ab)+(.*b){20}c", r"\pL{3}", "[ab ]*a[ab ]{99}x")),
    ),
    st.sampled_from(
        (
            {"expr": "products.exists(p, p.name == item.title)"},
            {"expr": "item.fields.many.map(a, item.fields.many.map(b, a == b)).size() > 0"},
            {"expr": "item.fields.long.matches('(a|ab)+(.*b){20}c')"},
        )
    ),
)
conditions = st.recursive(
    leaves,
    lambda inner: st.one_of(
        st.lists(inner, max_size=4).map(lambda parts: {"all": parts * 8}),
        st.lists(inner, max_size=4).map(lambda parts: {"any": parts}),
        inner.map(lambda part: {"not": part}),
        st.builds(
            lambda which, path, where: {which: path, "where": where},
            st.sampled_from(("some", "every", "none")),
            st.sampled_from(("products", "item.fields.many")),
            inner,
        ),
    ),
    max_leaves=12,
)
bodies = st.sampled_from(
    (
        "{{ item.title }}",
        "{{ item.fields.long | upcase | replace: 'a', 'bb' | url_encode }}",
        "{{ item.fields.many | join: item.title | size }}",
        "{{ row.total | money }}",
        "{% assign all = all | append: row.name %}",
        "{% if row.name contains 'a' and item.title == row.name %}x{% endif %}",
        "{{ now | addworkdays: 30 | date_format: 'full' }}",
        "{{ item.fields.many | merge: item.fields.many | shuffle | printable | squish }}",
    )
)
written_texts = st.builds(
    lambda parts, loops, times: "{% for row in products %}" * loops + "".join(parts) * times + "{% endfor %}" * loops,
    st.lists(bodies, min_size=1, max_size=5),
    st.integers(0, 3),
    st.sampled_from((1, 30)),
)
values_seen = st.builds(
    lambda title, long, many, times, rows: (
        deal(products=(ROW,) * rows).model_dump(mode="json")
        | {
            "now": "2026-03-02T12:00:00Z",
            "item": {
                "title": title,
                "amount": {"amount": 5, "currency": "EUR"},
                "fields": {"long": long[:10_000], "many": (many * times)[:200]},
            },
        }
    ),
    texts.map(lambda text: text[:500]),
    texts,
    st.lists(scalars, max_size=20),
    st.sampled_from((1, 10)),
    st.sampled_from((0, 1, 30, 500)),
)


class Counted(Budget):
    """Counts how often something was still asked for once nothing was left."""

    __slots__ = ("after",)

    def __init__(self) -> None:
        super().__init__()
        self.after = 0

    def spend(self, units: int, kind: Any) -> None:
        self.after += self.overdrawn
        super().spend(units, kind)


@settings(max_examples=150)
@given(conditions, st.lists(written_texts, max_size=4), values_seen)
def test_nothing_that_is_published_does_more_than_its_budget_on_any_values(
    condition: Any, bodies: list[str], values: dict[str, Any]
) -> None:
    parsed = CONDITION.validate_python(condition)
    budget = Counted()
    with spending(budget):
        try:
            compiled(parsed)(values)
            resolve({str(n): text for n, text in enumerate(bodies)}, values)
        except BudgetError:
            assert budget.overdrawn
        except (ConditionError, ValueFailureError):
            assert not budget.overdrawn
    assert budget.overdrawn or budget.total() <= WORK
    assert budget.after <= WORK / 10_000
