"""What is hardly meant: circles over rule sets and triggers, conditions that never hold, rules without a turn."""

from typing import Any

import pytest

from contracts.triggers import TriggerPlace
from rule_engine.domain.authoring.checks import RuleSetCheck
from rule_engine.domain.authoring.cycles import NO_NEIGHBOURS, Neighbours
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.rules import REGISTRY
from support.shop import FURNITURE_SHOP, SCHEMA, rule, rule_set

SMS = {"text": "Hello"}


def parsed(document: dict[str, Any]) -> RuleSetDocument:
    return RuleSetDocument.model_validate(document)


def issues(document: dict[str, Any], neighbours: Neighbours = NO_NEIGHBOURS) -> list[tuple[str, str]]:
    return [(one.where, one.what) for one in RuleSetCheck(parsed(document), SCHEMA, REGISTRY, neighbours).issues()]


def warned(document: dict[str, Any], neighbours: Neighbours = NO_NEIGHBOURS) -> list[tuple[str, str]]:
    assert issues(document, neighbours) == []
    return [(one.where, one.what) for one in RuleSetCheck(parsed(document), SCHEMA, REGISTRY, neighbours).warnings()]


def move(target: str, **options: Any) -> dict[str, Any]:
    return rule("go", "change_stage", stage=target, **options)


def copy(**options: Any) -> dict[str, Any]:
    return rule("copy", "copy_deal", **options)


def installation(*rules: dict[str, Any]) -> Neighbours:
    """Another published rule set, that of the pipeline installation."""
    return Neighbours(rule_sets=[parsed(rule_set("installation", planned=list(rules)))])


def test_the_furniture_shop_is_warned_of_nothing() -> None:
    assert warned(FURNITURE_SHOP) == []


def test_copies_that_copy_each_other_for_ever_are_refused_with_the_way_they_go() -> None:
    back = installation(copy(pipeline="sales", stage="won"))
    assert issues(rule_set(won=[copy(pipeline="installation")]), back) == [
        (
            "stages.won.rules[0].params",
            "this never ends: sales/won → installation/planned → sales/won (by rule 'copy'); "
            "give one of them a condition or a time",
        )
    ]


def test_a_copy_into_its_own_stage_never_ends() -> None:
    ((where, what),) = issues(rule_set(new=[copy()]))
    assert (where, what.partition(";")[0]) == (
        "stages.new.rules[0].params",
        "this never ends: new → new (by rule 'copy')",
    )


@pytest.mark.parametrize(
    "brake",
    [
        {"run": {"when": "after", "days": 1}},
        {"condition": {"path": "item.title", "op": "filled"}},
    ],
)
def test_a_circle_that_a_condition_or_a_time_holds_up_is_warned_of(brake: dict[str, Any]) -> None:
    back = installation(copy(pipeline="sales", stage="won", **brake))
    ((where, what),) = warned(rule_set(won=[copy(pipeline="installation")]), back)
    assert where == "stages.won.rules[0].params"
    assert what.startswith("this can go round in a circle: sales/won → installation/planned → sales/won (by rule")


def test_a_trigger_that_leads_back_to_a_rule_is_warned_of_by_name() -> None:
    paid = Neighbours(triggers=[TriggerPlace(code="paid", type="invoice_paid", pipeline="sales", stage="prepayment")])
    ((where, what),) = warned(rule_set(prepayment=[move("new")]), paid)
    assert where == "stages.prepayment.rules[0].params"
    assert "prepayment → new → prepayment (by rule 'go', trigger 'paid')" in what


def test_a_trigger_that_only_moves_forward_closes_no_circle_of_moves_forward() -> None:
    paid = [TriggerPlace(code="paid", type="invoice_paid", pipeline="sales", stage="prepayment")]
    back = [one.model_copy(update={"allow_moving_back": True}) for one in paid]
    document = rule_set(prepayment=[move("won", condition={"path": "item.title", "op": "filled"})])
    assert warned(document, Neighbours(triggers=paid)) == []
    assert len(warned(document, Neighbours(triggers=back))) == 1


def test_circles_of_others_are_not_told_again() -> None:
    others = installation(rule("go", "change_stage", stage="planned"), copy(condition={"any": []}))
    assert warned(rule_set(new=[rule("it", "send_sms", **SMS)]), others) == []


def leaf(path: str, op: str, value: Any = None) -> dict[str, Any]:
    return {"path": path, "op": op} | ({} if value is None else {"value": value})


def euros(amount: int) -> dict[str, Any]:
    return {"amount": amount, "currency": "EUR"}


COUNT, WOOD, TITLE, DAY = "item.activity_count", "item.fields.wood", "item.title", "item.fields.delivery_on"


@pytest.mark.parametrize(
    ("condition", "reason"),
    [
        (
            {"all": [leaf(COUNT, "gt", 5), leaf(COUNT, "lt", 3)]},
            "item.activity_count > 5 and item.activity_count < 3 exclude each other",
        ),
        (
            {"all": [leaf(TITLE, "eq", "a"), leaf(TITLE, "eq", "b")]},
            "item.title = a and item.title = b exclude each other",
        ),
        (
            {"all": [leaf(WOOD, "ne", "oak"), leaf(WOOD, "ne", "ash"), leaf(WOOD, "filled")]},
            "item.fields.wood ≠ oak and item.fields.wood ≠ ash and item.fields.wood is filled exclude each other",
        ),
        (
            {"all": [leaf(DAY, "gt", "2026-03-01"), leaf(DAY, "lt", "2026-03-02")]},
            "item.fields.delivery_on > 2026-03-01 and item.fields.delivery_on < 2026-03-02 exclude each other",
        ),
        (
            {"not": {"any": [leaf(TITLE, "filled"), leaf(TITLE, "empty")]}},
            "not item.title is filled and not item.title is empty exclude each other",
        ),
        (leaf("item.stage", "eq", "won"), "item.stage is always 'new' here, and item.stage = won is wanted"),
        ({"any": []}, "`any` of nothing is never true"),
    ],
)
def test_a_condition_that_never_holds_is_warned_of_with_the_reason(condition: dict[str, Any], reason: str) -> None:
    document = rule_set(new=[rule("it", "send_sms", **SMS, condition=condition)])
    assert warned(document) == [
        ("stages.new.rules[0].condition", f"this never holds, so the rule never acts: {reason}"),
    ]


@pytest.mark.parametrize(
    "condition",
    [
        {"all": [leaf(COUNT, "gt", 3), leaf(COUNT, "lt", 5)]},
        {"all": [leaf("item.amount", "ge", euros(100)), leaf("item.amount", "le", euros(100))]},
        {"all": [leaf(TITLE, "starts", "a"), leaf(TITLE, "ends", "b")]},
        {"any": [{"all": [leaf(COUNT, "gt", 5), leaf(COUNT, "lt", 3)]}, leaf(TITLE, "filled")]},
        {"all": [leaf(WOOD, "ne", "oak"), leaf(WOOD, "ne", "ash")]},
        {"not": {"all": [leaf(COUNT, "eq", 1), leaf(COUNT, "eq", 2)]}},
        leaf("item.stage", "eq", "new"),
        {"all": []},
    ],
)
def test_a_condition_that_some_item_meets_is_not_warned_of(condition: dict[str, Any]) -> None:
    assert warned(rule_set(new=[rule("it", "send_sms", **SMS, condition=condition)])) == []


def test_a_rule_that_outlives_the_stage_may_look_for_another_stage() -> None:
    waiting = {"run": {"when": "after", "days": 1}, "on_leave": "finish", "condition": leaf("item.stage", "eq", "won")}
    assert warned(rule_set(new=[rule("it", "send_sms", **SMS, **waiting)])) == []


def test_a_rule_behind_one_that_always_moves_the_item_away_is_unreachable() -> None:
    rules = [move("documents"), rule("later", "send_sms", **SMS), rule("stays", "send_sms", **SMS, on_leave="finish")]
    assert warned(rule_set(new=rules)) == [
        (
            "stages.new.rules[1]",
            "is never reached: 'go' takes the item out of the stage before; "
            "put it before that rule, or let it say on_leave: finish",
        )
    ]


def test_a_rule_that_is_due_after_another_chain_has_moved_the_item_away_is_unreachable() -> None:
    def of(days: int, **mover: Any) -> list[tuple[str, str]]:
        late = rule("later", "send_sms", **SMS, execution="parallel", run={"when": "after", "days": days})
        return warned(rule_set(new=[move("documents", execution="parallel", **mover), late]))

    assert [where for where, _ in of(1)] == ["stages.new.rules[1]"]
    assert [where for where, _ in of(32, run={"when": "after", "months": 1})] == ["stages.new.rules[1]"]
    assert of(30, run={"when": "after", "months": 1}) == []
    assert of(1, run={"when": "now", "working_time": "company"}) == []
    assert of(1, condition=leaf(TITLE, "filled")) == []
    assert of(1, enabled=False) == []
