"""The order in which the automation view shows stages."""

from rule_engine.api.automation import places
from rule_engine.domain.execution.program import Block, Program


def chain(stage: str, position: int) -> list[Program]:
    return [
        Program(
            stage=stage, stage_name=stage, stage_position=position, chain=0, root=Block(block="sequence", blocks=())
        )
    ]


def test_stages_come_in_the_order_of_their_pipeline() -> None:
    published = {"sales": {"new": chain("new", 0), "won": chain("won", 2), "prepayment": chain("prepayment", 1)}}
    assert places([("sales", "won")], published) == [("sales", "new"), ("sales", "prepayment"), ("sales", "won")]


def test_stages_without_rules_come_last_in_the_order_of_entry() -> None:
    entered = [("sales", stage) for stage in ("talks", "new", "lost", "talks")]
    assert places(entered, {"sales": {"new": chain("new", 0)}}) == [
        ("sales", "new"),
        ("sales", "talks"),
        ("sales", "lost"),
    ]


def test_each_pipeline_has_its_stages_together() -> None:
    published = {"sales": {"won": chain("won", 3)}, "installation": {"visit": chain("visit", 4)}}
    assert places([("sales", "new")], published) == [("installation", "visit"), ("sales", "won"), ("sales", "new")]
