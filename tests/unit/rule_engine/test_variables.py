"""Variables: what fits their types, what a run can read, and the rules that set them."""

from contextlib import suppress
from typing import Any, get_args
from uuid import UUID, uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rule_engine.blocks import BLOCKS
from rule_engine.domain.authoring.checks import RuleSetCheck
from rule_engine.domain.authoring.compiling import compile_document, with_ids
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.execution.advance import advance, begin
from rule_engine.domain.execution.program import Program
from rule_engine.domain.execution.state import Entry
from rule_engine.domain.execution.step import RunFacts, Step
from rule_engine.domain.language.variables import (
    Assigned,
    Definition,
    MisfitError,
    Stored,
    Type,
    VariableDocument,
    by_name,
    fitting,
    misfits,
)
from rule_engine.domain.schedule.due import times_in
from rule_engine.rules import REGISTRY
from support.shop import NOON, SCHEMA, deal, rule, rule_set

ID = "00000000-0000-0000-0000-000000000001"
FILE = {"file_id": ID, "name": "a.pdf", "sha256": "0" * 64, "media_type": "application/pdf"}


def variable(type_: Any, **more: Any) -> VariableDocument:
    return VariableDocument(type=type_, **more)


@pytest.mark.parametrize(
    ("type_", "given", "kept"),
    [
        ("string", "oak", "oak"),
        ("string", 7, "7"),
        ("string", True, "yes"),
        ("text", "long " * 100, "long " * 100),
        ("int", " 7 ", 7),
        ("int", 7.0, 7),
        ("number", "7.50", 7.5),
        ("bool", "Yes", True),
        ("bool", 0, False),
        ("date", "2026-03-02T12:00:00Z", "2026-03-02"),
        ("datetime", "2026-03-02T14:00:00+02:00", "2026-03-02T12:00:00.000000Z"),
        ("time", "14:00", "14:00"),
        ("money", {"amount": 5, "currency": "EUR"}, {"amount": 5, "currency": "EUR"}),
        ("user", ID, ID),
        ("link", {"id": ID, "title": "Oak table"}, ID),
        ("file", FILE, FILE),
        ("int", "", None),
        ("int", None, None),
        ("int", [7], 7),
    ],
)
def test_a_value_is_kept_in_the_form_of_its_type(type_: str, given: Any, kept: Any) -> None:
    assert fitting(given, variable(type_)) == kept


@pytest.mark.parametrize(
    ("type_", "given", "wanted"),
    [
        ("string", "x" * 501, "takes a text of at most 500 characters"),
        ("string", {"a": 1}, "takes a text"),
        ("int", 7.5, "takes a whole number"),
        ("int", "1e40", "takes a whole number"),
        ("number", "NaN", "takes a number"),
        ("number", True, "takes a number"),
        ("bool", "perhaps", "takes yes or no"),
        ("date", "02.03.2026", "takes a date such as"),
        ("datetime", "2026-03-02T14:00:00", "takes a moment such as"),
        ("time", "25:00", "takes a time of day such as"),
        ("money", {"amount": 1.5, "currency": "EUR"}, "takes an amount in minor units"),
        ("user", "sam", "takes the id of an employee"),
        ("file", "a.pdf", "takes a file"),
        ("int", [1, 2], "takes one value, not 2"),
    ],
)
def test_what_does_not_fit_is_told_without_the_value(type_: str, given: Any, wanted: str) -> None:
    with pytest.raises(MisfitError, match=wanted):
        fitting(given, variable(type_))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=30) | st.sampled_from(["id", "amount"]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["id", "amount", "currency", "name", "x"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(type_=st.sampled_from(get_args(Type)), value=JSON, multiple=st.booleans())
def test_any_value_fits_or_is_told_not_to(type_: str, value: Any, multiple: bool) -> None:
    with suppress(MisfitError):
        fitting(value, variable(type_, multiple=multiple, options=("oak",) if type_ == "list" else ()))


def test_a_date_takes_the_day_that_a_moment_is_in_a_zone() -> None:
    assert fitting("2026-03-02T23:30:00Z", variable("date"), "Europe/Berlin") == "2026-03-03"
    assert fitting("2026-03-02", variable("date"), "Europe/Berlin") == "2026-03-02"


def test_several_values_and_options() -> None:
    woods = variable("list", options=("oak", "ash"), multiple=True)
    assert fitting("oak", woods) == ["oak"]
    assert fitting(None, woods) == []
    assert fitting(["ash", "oak"], woods) == ["ash", "oak"]
    with pytest.raises(MisfitError, match="takes one of its options"):
        fitting(["elm"], woods)
    with pytest.raises(MisfitError, match="has at most 1000 values"):
        fitting(["oak"] * 1001, woods)


def test_a_migration_says_whose_values_would_not_fit() -> None:
    kept = [("item 1", "7"), ("item 2", "many"), ("item 3", None)]
    assert misfits(kept, variable("int")) == [("item 2", "takes a whole number")]


COUNT = Definition("variable", "count", variable("int", value=0))
DEFINITIONS = [
    COUNT,
    Definition("variable", "sum", variable("number", scope="run")),
    Definition("variable", "leads_only", variable("int", visible_for="lead")),
    Definition("variable", "old", variable("int", archived=True)),
    Definition("constant", "signer", variable("string", value="Kim Lane")),
    Definition("constant", "least", variable("money", value={"amount": 50000, "currency": "EUR"})),
]
STORED = Stored(by_name(DEFINITIONS), {"count": 4}, {"count": 2})


def test_names_are_values_that_were_set_and_else_what_the_definition_says() -> None:
    named = STORED.named()
    assert named["var"] == {"count": 4, "sum": None, "leads_only": None, "old": None}
    assert named["const"]["signer"] == "Kim Lane"
    assert Stored(by_name([COUNT])).named() == {"var": {"count": 0}, "const": {}}


def issues(*rules: dict[str, Any]) -> list[str]:
    document = RuleSetDocument.model_validate(rule_set(new=list(rules)))
    return [issue.what for issue in RuleSetCheck(document, SCHEMA, REGISTRY, definitions=DEFINITIONS).issues()]


def conditioned(condition: Any) -> dict[str, Any]:
    return rule("it", "send_sms", text="Hello", condition=condition)


def leaf(path: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"path": path, "op": op} | ({} if value is None else {"value": value})


DOLLARS = {"amount": 1, "currency": "USD"}


@pytest.mark.parametrize(
    ("rules", "what"),
    [
        ([rule("it", "send_sms", text="{{ var.count }} {{ const.signer }} {{ const.least | money }}")], []),
        ([rule("it", "send_sms", text="{{ var.cuont }}")], ["there is no name 'cuont' in var: did you mean 'count'?"]),
        (
            [rule("it", "send_sms", text="{{ var.leads_only }}")],
            ["there is no name 'leads_only' in var: there are count, sum"],
        ),
        ([rule("it", "send_sms", text="{{ var.old }}")], ["there is no name 'old' in var: there are count, sum"]),
        ([conditioned(leaf("var.count", "gt", 3))], []),
        (
            [conditioned(leaf("var.count", "gt", "many"))],
            ["var.count is a number: 'many' does not compare with it"],
        ),
        (
            [conditioned(leaf("const.least", "gt", DOLLARS))],
            ["const.least is in EUR: USD does not compare with it"],
        ),
        (
            [conditioned(leaf("item.amount", "between", [DOLLARS, {"amount": 5, "currency": "EUR"}]))],
            ["item.amount: EUR and USD do not compare"],
        ),
        ([conditioned(leaf("item.amount", "gt", {"path": "const.least"}))], []),
        (
            [conditioned(leaf("item.amount", "gt", {"path": "var.count"}))],
            ["item.amount is money, var.count is a number: they do not compare"],
        ),
        ([conditioned({"expr": "var.count > 3 && const.signer != ''"})], []),
        ([conditioned({"expr": "var.cuont > 3"})], ["there is no name 'cuont' in var: did you mean 'count'?"]),
        (
            [conditioned({"some": "products", "where": leaf("each.quantity", "gt", 3)})],
            [],
        ),
        (
            [conditioned({"some": "products", "where": leaf("each.quantty", "gt", 3)})],
            ["there is no name 'quantty' in each: did you mean 'quantity'?"],
        ),
        (
            [conditioned({"every": "item.title", "where": leaf("each", "eq", "x")})],
            ["item.title is a text: only of a list can be asked what its elements are"],
        ),
        ([conditioned(leaf("item.created_at", "during", {"period": "this_month"}))], []),
        ([conditioned(leaf("item.created_at", "between", ["22:00", "06:00"]))], []),
        ([conditioned(leaf("item.fields.delivery_on", "lt", {"relative": "today", "days": 3}))], []),
        (
            [conditioned(leaf("item.title", "eq", {"relative": "today"}))],
            ["item.title is a text: today does not compare with it"],
        ),
        ([conditioned(leaf("item.fields.colours", "contains_any", ["red", "blue"]))], []),
        (
            [rule("it", "set_variable", variable="cuont", value=1)],
            ["there is no variable 'cuont': did you mean 'count'?"],
        ),
        ([rule("it", "set_variable", variable="count", value="many")], ["count takes a whole number"]),
        ([rule("it", "set_variable", variable="count", value={"expr": "var.count + 1"})], []),
        (
            [rule("it", "set_variable", variable="count", value={"expr": "var.count +"})],
            ["the expression cannot be read: Syntax error: mismatched input '<EOF>'"],
        ),
        (
            [rule("it", "calculate", values=[{"name": "a", "value": 1}, {"name": "a", "value": 2}])],
            ["another value has this name"],
        ),
        (
            [
                rule("sums", "calculate", values=[{"name": "double", "value": {"expr": "var.count * 2"}}]),
                rule("tell", "send_sms", text="{{ steps.sums.double }} {{ steps.sums.triple }}"),
            ],
            ["there is no name 'triple' in steps.sums: there are double"],
        ),
    ],
)
def test_what_names_variables_and_constants_is_checked_when_it_is_published(
    rules: list[dict[str, Any]], what: list[str]
) -> None:
    assert issues(*rules) == what


def compiled(*rules: dict[str, Any]) -> Program:
    document = with_ids(RuleSetDocument.model_validate(rule_set(new=list(rules))), [], uuid4)
    return compile_document(document, SCHEMA, REGISTRY)["new"][0].bound(BLOCKS)


def run(program: Program) -> Step:
    context = deal()
    entry = Entry(context.item.id, context.item.entry_seq, NOON, context.item)
    return advance(
        program,
        begin(program, entry, times_in(context)),
        entry,
        context,
        NOON,
        RunFacts(UUID(int=9), REGISTRY, STORED),
    )


def test_a_program_says_whether_it_needs_variables() -> None:
    assert not compiled(rule("it", "send_sms", text="Hello")).stored
    assert compiled(rule("it", "send_sms", text="{{ const.signer }}")).stored
    assert compiled(conditioned({"expr": "var.count > 3"})).stored
    assert compiled(rule("it", "set_variable", variable="count", value=1)).stored


def test_a_rule_sets_a_variable_and_rules_after_it_see_the_new_value() -> None:
    sums = [
        {"name": "next", "value": {"expr": "var.count + 1"}, "variable": "count"},
        {"name": "half", "value": {"expr": "var.count / 8"}, "variable": "sum"},
    ]
    text = "{{ steps.sums.next }} {{ var.count }} {{ var.sum }}"
    step = run(compiled(rule("sums", "calculate", values=sums), rule("tell", "send_sms", text=text)))
    assert step.assigned == (Assigned("count", "tenant", 5), Assigned("sum", "run", 0.5))
    (emission,) = step.emissions
    assert emission.body.model_dump()["text"] == "5 5 0.5"


def test_a_value_that_does_not_fit_fails_the_rule_and_sets_nothing() -> None:
    step = run(compiled(rule("it", "set_variable", variable="count", value="{{ item.title }}")))
    (decision,) = step.decisions
    assert (decision.state, decision.reason) == ("failed", "params.value: takes a whole number")
    assert step.assigned == ()


def test_an_expression_that_takes_too_much_work_fails_the_rule_with_the_reason() -> None:
    characters = f"split({'+'.join(['item.title'] * 20)}, '')"
    hostile = f"{characters}.all(a, {characters}.all(b, a + b != ''))"
    step = run(compiled(conditioned({"expr": hostile})))
    (decision,) = step.decisions
    assert (decision.rule.name, decision.state) == ("it", "failed")
    assert decision.reason is not None
    assert decision.reason.startswith("takes too much work (of what may be done at once: expressions")


def test_the_same_decision_makes_the_same_chance() -> None:
    made = compiled(rule("it", "send_sms", text="{{ 8 | randstring }}"))
    texts = {run(made).emissions[0].body.model_dump()["text"] for _ in range(3)}
    assert len(texts) == 1
