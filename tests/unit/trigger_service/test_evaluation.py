"""Which triggers fire, why the others stay silent, and what a command's result makes of an arrival."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from contracts.asking import TooLarge
from contracts.contexts import ContactContext, ItemContext, MyCompany, PipelineContext, TenantSettings
from contracts.messages.results import CommandDone, CommandFailed, CommandRefused, FinalResult
from contracts.values import ItemSnapshot
from trigger_service.domain.evaluation import Note, could_fire, judge, read_result
from trigger_service.domain.triggers import Trigger, TriggerSpec
from trigger_service.triggers.base import Occurrence

NOW = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)
ITEM = UUID("00000000-0000-7000-8000-000000000001")
MANAGER = UUID("00000000-0000-7000-8000-0000000000aa")
PAID = Occurrence(type="invoice_paid", items=(ITEM,), facts={"amount": {"amount": 5000, "currency": "EUR"}})


def context(*, responsible: UUID | None = MANAGER, pipeline: str = "sales", activities: int = 2) -> ItemContext:
    client = ContactContext(id=ITEM, first_name="Client", last_name="One", name="Client One", phone="+4930123456")
    return ItemContext(
        tenant_id=ITEM,
        tenant=TenantSettings(name="Shop"),
        item=ItemSnapshot(
            id=ITEM,
            kind="deal",
            title="Order",
            pipeline=pipeline,
            stage="new",
            version=1,
            entry_seq=1,
            responsible_id=responsible,
            activity_count=activities,
            created_at=NOW,
            updated_at=NOW,
        ),
        contact=client,
        contacts=(client,),
        pipeline=PipelineContext(code=pipeline, name=pipeline),
        my_company=MyCompany(),
        read_at=NOW,
    )


def trigger(code: str = "paid", change_as: UUID | None = None, **changes: Any) -> Trigger:
    spec = {"name": code, "type": "invoice_paid", "pipeline": "sales", "stage": "prepayment", **changes}
    return Trigger(code=code, spec=TriggerSpec.model_validate(spec), change_as=change_as)


def test_all_triggers_that_match_become_candidates_of_one_move() -> None:
    judgement = judge([trigger("a"), trigger("b", stage="won", allow_moving_back=True)], PAID, context())
    assert judgement.verdict == "pending"
    assert [(c.stage, c.pipeline, c.reference, c.forward_only) for c in judgement.candidates] == [
        ("prepayment", "sales", "a", True),
        ("won", "sales", "b", False),
    ]


def test_the_stage_is_changed_as_the_responsible_person_unless_the_trigger_names_another() -> None:
    other = UUID("00000000-0000-7000-8000-0000000000bb")
    assert judge([trigger()], PAID, context()).actor == str(MANAGER)
    assert judge([trigger(change_as=other)], PAID, context()).actor == str(other)
    assert judge([trigger()], PAID, context(responsible=None)).actor == "trigger:paid"


def test_every_candidate_says_for_itself_as_whom_the_stage_is_changed() -> None:
    other = UUID("00000000-0000-7000-8000-0000000000bb")
    judgement = judge([trigger("a"), trigger("b", change_as=other)], PAID, context())
    assert [candidate.actor for candidate in judgement.candidates] == [str(MANAGER), str(other)]


def test_a_false_condition_says_which_leaf() -> None:
    leaf = {"path": "item.activity_count", "op": "eq", "value": 0}
    judgement = judge([trigger(condition=leaf)], PAID, context())
    assert judgement.verdict == "condition_false"
    assert judgement.notes == (Note("paid", "condition_false", "item.activity_count = 0 is false: it is 2"),)


def test_an_explanation_quotes_no_value_of_a_closed_path_it_compares_with() -> None:
    leaf = {"path": "item.title", "op": "eq", "value": {"path": "contact.phone"}}
    judgement = judge([trigger(condition=leaf)], PAID, context())
    assert judgement.notes[0].reason == "item.title = … is false"


def test_an_explanation_repeats_no_personal_data() -> None:
    leaf = {"path": "contact.phone", "op": "starts", "value": "+7"}
    judgement = judge([trigger(condition=leaf)], PAID, context())
    assert judgement.notes[0].reason == "contact.phone starts with +7 is false"


def test_a_condition_sees_the_facts_under_the_name_of_the_type() -> None:
    leaf = {"path": "payment.amount", "op": "ge", "value": {"amount": 4000, "currency": "EUR"}}
    assert judge([trigger(condition=leaf)], PAID, context()).verdict == "pending"


def test_values_that_do_not_compare_are_a_recorded_refusal() -> None:
    leaf = {"path": "payment.amount", "op": "ge", "value": {"amount": 4000, "currency": "USD"}}
    judgement = judge([trigger(condition=leaf)], PAID, context())
    assert judgement.verdict == "refused"
    assert "EUR does not compare with USD" in judgement.reason


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"enabled": False}, "the trigger is disabled"),
        ({"pipeline": "repairs"}, "the item is in the pipeline 'sales', the trigger in 'repairs'"),
        (
            {"settings": {"minimum": {"amount": 5001, "currency": "EUR"}}},
            "5000 was paid, the minimum is 5001 (minor units of EUR)",
        ),
        (
            {"settings": {"minimum": {"amount": 1, "currency": "USD"}}},
            "it was paid in EUR, the minimum is in USD",
        ),
    ],
)
def test_a_trigger_that_does_not_match_says_why(changes: dict[str, Any], reason: str) -> None:
    judgement = judge([trigger(**changes)], PAID, context())
    assert (judgement.verdict, judgement.notes[0].reason) == ("not_matched", reason)


def test_the_verdict_is_that_of_the_trigger_that_came_closest() -> None:
    false = trigger("b", condition={"path": "item.title", "op": "eq", "value": "Other"})
    judgement = judge([trigger("a", enabled=False), false], PAID, context())
    assert (judgement.verdict, len(judgement.notes)) == ("condition_false", 2)


def test_where_no_trigger_could_fire_the_item_is_not_looked_at() -> None:
    judgement = judge([trigger("a", enabled=False)], PAID, None)
    assert (judgement.verdict, judgement.reason) == ("not_matched", "trigger 'a': the trigger is disabled")


def test_an_arrival_none_of_whose_triggers_won_says_which_one_did() -> None:
    outputs = done(verdict="moved", stage="prepayment", reference="of-another-type")
    judgement, winner = read_result(outputs, PENDING)
    assert (judgement.verdict, winner) == ("not_matched", None)
    assert judgement.reason == "the trigger 'of-another-type' moved it, to this stage or an earlier one"
    assert [note.verdict for note in judgement.notes] == ["not_matched", "not_matched", "condition_false"]


def test_without_triggers_nothing_matches_and_a_missing_item_is_gone() -> None:
    assert judge([], PAID, context()).verdict == "not_matched"
    assert judge([trigger()], PAID, None).verdict == "gone"


def test_a_form_is_worth_asking_for_items_only_when_an_enabled_trigger_waits_for_it() -> None:
    submitted = Occurrence(type="form_submitted", items=(), facts={"code": "order", "fields": {}})
    waiting = trigger(type="form_submitted", settings={"form": "order"})
    assert could_fire([waiting], submitted)
    assert not could_fire([trigger(type="form_submitted", settings={"form": "other"})], submitted)
    assert not could_fire([trigger(type="form_submitted", enabled=False)], submitted)
    assert not could_fire([], submitted)


PENDING = (Note("a", "pending", "matched"), Note("b", "pending", "matched"), Note("c", "condition_false", "no"))


def done(**outputs: Any) -> CommandDone:
    return CommandDone(command_id=ITEM, outputs=outputs)


def test_a_move_settles_the_winner_and_says_of_the_others_that_an_earlier_stage_won() -> None:
    judgement, winner = read_result(done(verdict="moved", stage="prepayment", reference="b"), PENDING)
    assert (judgement.verdict, winner) == ("moved", "b")
    assert [note.verdict for note in judgement.notes] == ["not_matched", "moved", "condition_false"]


@pytest.mark.parametrize("verdict", ["behind", "same", "gone"])
def test_without_a_move_every_trigger_that_fired_has_the_verdict(verdict: str) -> None:
    judgement, winner = read_result(done(verdict=verdict, stage=None, reference="a"), PENDING)
    assert (judgement.verdict, winner) == (verdict, None)
    assert [note.verdict for note in judgement.notes] == [verdict, verdict, "condition_false"]


@pytest.mark.parametrize(
    ("result", "verdict", "reason"),
    [
        (CommandRefused(command_id=ITEM, reason="no such stage"), "refused", "no such stage"),
        (CommandFailed(command_id=ITEM, reason="defect", retryable=False), "refused", "it failed: defect"),
        (done(item_id=str(ITEM), duplicate=False), "created", "created an item"),
        (done(item_id=str(ITEM), duplicate=True), "created", "created an item of a client who was known"),
    ],
)
def test_the_verdict_follows_the_result(result: FinalResult, verdict: str, reason: str) -> None:
    judgement, _ = read_result(result, ())
    assert (judgement.verdict, judgement.reason) == (verdict, reason)


def test_a_caller_of_a_webhook_cannot_make_its_conditions_take_long() -> None:
    """A question in a question about 500 elements ends with its budget; what was judged before stays."""
    inner: dict[str, Any] = {"path": "each.x", "op": "eq", "value": 1}
    rows = [{"x": 2} for _ in range(500)]
    costly = trigger(
        "costly", type="webhook", condition={"some": "body.rows", "where": {"some": "body.rows", "where": inner}}
    )
    cheap = trigger("cheap", type="webhook", condition={"path": "item.activity_count", "op": "eq", "value": 2})
    called = Occurrence(type="webhook", items=(ITEM,), facts={"rows": rows})
    judgement = judge([cheap, costly], called, context())
    assert [note.verdict for note in judgement.notes] == ["pending", "refused"]
    assert "takes too much work" in judgement.notes[1].reason
    assert judgement.over_budget


def test_an_item_whose_context_is_too_large_is_refused_with_the_reason() -> None:
    judgement = judge([trigger()], PAID, TooLarge())
    assert judgement.verdict == "refused"
    assert "more than 2,000,000 bytes" in judgement.reason
