"""Outputs that a rule can never read are refused; those that may be missing are warned of, and named in a failure."""

from datetime import timedelta
from typing import Any

import pytest

from rule_engine.domain.authoring.checks import RuleSetCheck
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.rules import REGISTRY
from support import runs
from support.runs import NO_ACTIVITY, go, snapshot, started, states
from support.shop import SCHEMA, rule, rule_set

BUSY = {"path": "item.activity_count", "op": "gt", "value": 0}
CALC = rule("calc", "calculate", values=[{"name": "x", "value": 1}], condition=BUSY)


def found(*rules: dict[str, Any], refused: bool = False) -> list[tuple[str, str]]:
    document = RuleSetDocument.model_validate(rule_set(new=list(rules)))
    issues = RuleSetCheck(document, SCHEMA, REGISTRY).issues()
    assert refused is bool(issues), issues
    return [(one.where, one.what) for one in issues or RuleSetCheck(document, SCHEMA, REGISTRY).warnings()]


def text(source: Any, **options: Any) -> dict[str, Any]:
    return rule("tell", "send_sms", text=source, **options)


@pytest.mark.parametrize(
    ("options", "below"),
    [
        ({"text": "{{ steps.calc.x }}"}, "params.text"),
        ({"text": "{{ steps.calc.x | default: 0 }}"}, "params.text"),
        ({"text": {"path": "steps.calc.x"}}, "params.text"),
        ({"text": {"expr": "string(steps.calc.x)"}}, "params.text"),
        ({"text": "a", "condition": {"path": "steps.calc.x", "op": "eq", "value": 1}}, "condition.path"),
        ({"text": "a", "condition": {"expr": "steps.calc.x > 1"}}, "condition.expr"),
    ],
)
def test_an_else_rule_cannot_read_what_it_is_the_else_of(options: dict[str, Any], below: str) -> None:
    ((where, what),) = found(CALC, rule("tell", "send_sms", execution="else", **options), refused=True)
    assert where == f"stages.new.rules[1].{below}"
    assert what == "this rule acts only when 'calc' does not, so it never has outputs here: do without them"


def test_the_else_of_an_else_cannot_read_either_of_them() -> None:
    middle = rule("other", "calculate", values=[{"name": "y", "value": 1}], condition=BUSY, execution="else")
    wrong = found(CALC, middle, text("{{ steps.calc.x }} {{ steps.other.y }}", execution="else"), refused=True)
    assert [what.split("'")[1] for _, what in wrong] == ["calc", "other"]


def test_before_an_else_chain_outputs_can_be_read() -> None:
    first = rule("first", "calculate", values=[{"name": "z", "value": 1}])
    assert found(first, CALC, text("{{ steps.first.z }}", execution="else")) == []


@pytest.mark.parametrize("value", ["{{ steps.calc.x }}", "{{ steps.calc.x | round }}", {"path": "steps.calc.x"}])
def test_outputs_of_a_rule_that_may_be_skipped_are_warned_of(value: Any) -> None:
    ((where, what),) = found(CALC, text(value))
    assert where == "stages.new.rules[1].params.text"
    assert what.startswith(
        "'calc' may be skipped by its condition, and this rule fails then: write {{ steps.calc.x | d"
    )


@pytest.mark.parametrize(
    "reading",
    [
        text("{{ steps.calc.x | default: 0 }}"),
        text("{% if steps.calc.x %}{{ steps.calc.x }}{% endif %}"),
        text("{{ steps.calc.x }}", condition={"path": "steps.calc.x", "op": "filled"}),
        text("{{ steps.calc.x }}", condition=BUSY),
        text({"expr": "steps.calc.x == null ? 'none' : 'some'"}),
    ],
)
def test_a_rule_that_says_what_to_do_without_them_is_not(reading: dict[str, Any]) -> None:
    assert found(CALC, reading) == []


def test_outputs_of_a_rule_that_always_acts_are_not() -> None:
    assert found(CALC | {"condition": None}, text("{{ steps.calc.x }}")) == []


@pytest.mark.parametrize("value", ["{{ steps.calc.x }}", {"path": "steps.calc.x"}])
def test_a_failure_for_want_of_a_skipped_rules_outputs_says_so_and_names_the_remedy(value: Any) -> None:
    made, state = started(runs.rule("calc", condition=NO_ACTIVITY), runs.rule("tell", params={"text": value}))
    not_due = state.model_copy(update={"due_on_entry": None})
    step = go(made, not_due, timedelta(0), seen=runs.context(snapshot(activity_count=2)))
    assert states(step) == {"calc": "skipped", "tell": "failed"}
    reason = step.state.rules["tell"].reason
    assert reason is not None
    assert "calc was skipped, so it has no outputs" in reason
    assert "write {{ steps.calc.x | default: … }}" in reason


def test_a_misspelt_output_of_a_rule_that_acted_is_told_as_such() -> None:
    made, state = started(runs.rule("calc", "note"), runs.rule("tell", params={"text": "{{ steps.calc.y }}"}))
    reason = go(made, state).state.rules["tell"].reason
    assert reason is not None
    assert "default" not in reason


def test_a_repeat_lead_needs_a_pipeline_for_leads() -> None:
    document = RuleSetDocument.model_validate(rule_set(won=[rule("again", "create_repeat_lead", name="Again")]))
    without = SCHEMA.model_copy(update={"pipelines": tuple(one for one in SCHEMA.pipelines if one.kind != "lead")})
    (issue,) = RuleSetCheck(document, without, REGISTRY).issues()
    assert (issue.where, issue.what) == (
        "stages.won.rules[0].params.pipeline",
        "there is no open pipeline for leads: make one first",
    )
