"""Where an item goes: candidates, places, loops."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest

from contracts.contexts import PipelineSchema, StageContext
from contracts.envelope import MAX_CAUSES, Cause
from contracts.loops import find_loop
from contracts.messages.entity_commands import MoveCandidate
from entity_service.domain.errors import ConflictError, InvalidError
from entity_service.domain.items import Item, Place
from entity_service.domain.pipelines import check_replacement, choose, find_place, first_won, place_for_move

NOW = datetime(2026, 3, 1, tzinfo=UTC)
ID = UUID(int=1)


def pipeline(code: str, *stages: str, **more: Any) -> PipelineSchema:
    made = tuple(
        StageContext(code=stage, name=stage, position=position, outcome="won" if stage == "won" else "open")
        for position, stage in enumerate(stages)
    )
    return PipelineSchema(**{"code": code, "name": code, "kind": "deal", "stages": made} | more)


PIPELINES = {
    one.code: one
    for one in (
        pipeline("old", "x", archived=True),
        pipeline("sales", "new", "talks", "offer", "won"),
        pipeline("other", "new", "done"),
        pipeline("leads", "new", kind="lead"),
    )
}


def item(stage: str, in_pipeline: str = "sales") -> Item:
    return Item(
        tenant_id=ID,
        id=ID,
        kind="deal",
        title="Oak table",
        pipeline=in_pipeline,
        stage=stage,
        version=1,
        entry_seq=1,
        created_at=NOW,
        updated_at=NOW,
    )


def to(*stages: str | MoveCandidate) -> list[MoveCandidate]:
    return [MoveCandidate(stage=stage) if isinstance(stage, str) else stage for stage in stages]


@pytest.mark.parametrize(
    ("present", "candidates", "forward_only", "verdict", "place"),
    [
        ("new", to("offer", "talks"), True, "moved", Place("sales", "talks")),
        ("talks", to("new", "talks", "offer"), True, "moved", Place("sales", "offer")),
        ("offer", to("new", "talks"), True, "behind", Place("sales", "new")),
        ("offer", to("new", "offer"), True, "same", Place("sales", "offer")),
        ("offer", to("talks", "new"), False, "moved", Place("sales", "new")),
        ("offer", to(MoveCandidate(stage="new", forward_only=False)), True, "moved", Place("sales", "new")),
        ("offer", to(MoveCandidate(stage="new", forward_only=True)), False, "behind", Place("sales", "new")),
        ("offer", to(MoveCandidate(stage="new", pipeline="other")), True, "moved", Place("other", "new")),
        (
            "offer",
            to(MoveCandidate(stage="new", pipeline="other"), "won"),
            True,
            "moved",
            Place("sales", "won"),
        ),
        (
            "offer",
            to(MoveCandidate(stage="done", pipeline="other"), MoveCandidate(stage="new", pipeline="other")),
            True,
            "moved",
            Place("other", "done"),
        ),
    ],
)
def test_the_earliest_allowed_candidate_is_chosen(
    present: str, candidates: list[MoveCandidate], forward_only: bool, verdict: str, place: Place
) -> None:
    choice = choose(PIPELINES, item(present), candidates, forward_only)

    assert (choice.verdict, choice.place) == (verdict, place)


def test_the_verdict_carries_the_reference_of_its_candidate() -> None:
    candidates = to(MoveCandidate(stage="offer", reference="late"), MoveCandidate(stage="talks", reference="early"))

    assert choose(PIPELINES, item("new"), candidates, True).candidate.reference == "early"


@pytest.mark.parametrize(
    ("candidate", "what"),
    [
        (MoveCandidate(stage="moon"), "has no stage 'moon'"),
        (MoveCandidate(stage="new", pipeline="nowhere"), "there is no pipeline 'nowhere'"),
        (MoveCandidate(stage="new", pipeline="leads"), "is for items of kind lead, not deal"),
        (MoveCandidate(stage="x", pipeline="old"), "is archived"),
    ],
)
def test_a_mistaken_candidate_is_never_passed_over(candidate: MoveCandidate, what: str) -> None:
    with pytest.raises(InvalidError, match=what):
        choose(PIPELINES, item("new"), to("talks", candidate), True)


def test_an_item_may_go_on_within_its_archived_pipeline() -> None:
    archived = {"sales": PIPELINES["sales"].model_copy(update={"archived": True})}

    assert place_for_move(archived, item("new"), None, "talks") == Place("sales", "talks")


def test_a_new_item_goes_to_the_first_stage_of_its_kinds_first_pipeline_in_use() -> None:
    assert find_place(PIPELINES, "deal", None, None) == Place("sales", "new")
    with pytest.raises(InvalidError, match="there is no pipeline for items of kind quote yet"):
        find_place(PIPELINES, "quote", None, None)


def test_the_first_won_stage_is_the_first_in_order() -> None:
    won = first_won(PIPELINES["sales"])
    assert won is not None
    assert won.code == "won"
    assert first_won(PIPELINES["other"]) is None


def test_a_pipeline_is_replaced_only_by_one_that_can_take_its_place() -> None:
    old = PIPELINES["sales"]

    check_replacement(old, pipeline("sales", "new", "offer"), {"offer": 2})
    with pytest.raises(ConflictError, match=r"talks \(2\)"):
        check_replacement(old, pipeline("sales", "new", "offer"), {"talks": 2})
    with pytest.raises(ConflictError, match="of kind deal"):
        check_replacement(old, pipeline("sales", "new", kind="lead"), {})
    with pytest.raises(InvalidError, match="more than once: new"):
        check_replacement(None, pipeline("sales", "new", "new"), {})


def path(*rules: str) -> list[Cause]:
    return [Cause(rule, "item") for rule in rules]


def test_a_pair_seen_before_is_a_loop_and_is_named() -> None:
    loop = find_loop(path("a", "b", "a"))
    assert loop is not None
    assert "rule a acts on this item a second time (a → b → a)" in loop


def test_one_rule_on_two_items_and_a_path_as_long_as_allowed_are_no_loops() -> None:
    assert find_loop([Cause("a", "1"), Cause("a", "2")]) is None
    assert find_loop(path(*(str(n) for n in range(MAX_CAUSES)))) is None
    assert find_loop(()) is None


def test_a_longer_path_than_allowed_is_stopped() -> None:
    assert "more than 16 rules" in (find_loop(path(*(str(n) for n in range(17)))) or "")
