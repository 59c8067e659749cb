"""What differs between two versions of a workflow, in words."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import uuid5

from rule_engine.domain.authoring.workflow_compiling import with_block_ids
from rule_engine.domain.authoring.workflow_diff import workflow_changes
from support.runs import RUN
from support.workflows import branch, document, say

QUIET = {"path": "item.activity_count", "op": "eq", "value": 0}


def told(before: Sequence[Mapping[str, Any]], after: Sequence[Mapping[str, Any]], **rest: Any) -> list[str]:
    numbers = iter(range(1000))
    old = with_block_ids(document(*before), [], lambda: uuid5(RUN, str(next(numbers))))
    new = with_block_ids(document(*after, **rest), [old], lambda: uuid5(RUN, str(next(numbers))))
    return [one.what for one in workflow_changes(old, new)]


def test_the_same_has_no_changes() -> None:
    assert told([say("a"), say("b")], [say("a"), say("b")]) == []


def test_what_is_added_removed_and_changed_is_said_where_it_stands() -> None:
    before = [say("a"), say("b")]
    inner = {"block": "if", "name": "i", "branches": [branch(say("c"), name="quiet", condition=QUIET)]}
    assert told(before, [say("a", "Hello"), inner]) == [
        "the workflow: 'b' (action) is removed",
        "'a': params.text is 'Hello', before 'a'",
        "the workflow: 'i' (if) is added",
        "i, branch quiet: 'c' (action) is added",
    ]


def test_what_moves_is_not_told_as_another_block() -> None:
    def around(*inner: Mapping[str, Any]) -> dict[str, Any]:
        return {"block": "if", "name": "i", "branches": [branch(*inner, name="quiet", condition=QUIET)]}

    assert told([say("a"), around(say("b"))], [around(say("b"), say("a"))]) == [
        "i, branch quiet: 'a' was moved here from the workflow"
    ]
    assert told([say("a"), say("b"), say("c")], [say("c"), say("a"), say("b")]) == [
        "the workflow: 'c' is number 1, before 3"
    ]


def test_what_starts_it_and_what_a_branch_asks_for_is_compared_too() -> None:
    def asking(value: int) -> dict[str, Any]:
        condition = {"path": "item.activity_count", "op": "eq", "value": value}
        return {"block": "if", "name": "i", "branches": [branch(say("c"), condition=condition)]}

    assert told([asking(0)], [asking(1)], autorun={"on_create": True}) == [
        "autorun.on_create is True, before False",
        "'i': branches[0].condition.value is 1, before 0",
    ]
