"""The audit of what waits for people and versions: right where all is well, and each thing that goes wrong is found."""

from typing import Any

import pytest

from chaos.audit import Deed
from chaos.people import consents, promises

ANSWERED = {"id": "a", "item_id": "i", "state": "answered", "answer": {"choice": "reject"}}
OPEN = {"id": "b", "item_id": "i", "state": "open", "answer": None}
RUN = {"id": "r", "item_id": "i", "version": 2, "outcome": "done"}


def wrong(deeds: list[Deed]) -> list[tuple[str, int, int]]:
    return [(one.what, one.found, one.expected) for one in deeds if one.found != one.expected]


def asked(
    assignments: list[dict[str, Any]], tasks: dict[tuple[str, str], int], *confirmed: str
) -> list[tuple[str, int, int]]:
    return wrong(list(consents(["i"], assignments, {"a": confirmed}, tasks)))


def test_one_answer_and_its_task_are_as_they_must_be() -> None:
    assert asked([ANSWERED], {("i", "declined"): 1}, "reject") == []
    assert asked([ANSWERED], {("i", "declined"): 1}) == []  # its confirmation was lost on the way


@pytest.mark.parametrize(
    ("assignments", "tasks", "confirmed", "found"),
    [
        ([], {}, (), ["somebody was asked about item i", "answers about item i"]),
        ([ANSWERED, OPEN], {("i", "declined"): 1}, (), ["somebody was asked about item i"]),
        ([OPEN], {}, (), ["answers about item i"]),
        ([ANSWERED], {("i", "declined"): 1}, ("approve",), ["the answer approve about item i was confirmed"]),
        ([ANSWERED], {}, (), ["tasks declined for item i"]),
        ([ANSWERED], {("i", "declined"): 2}, (), ["tasks declined for item i"]),
        ([ANSWERED], {("i", "declined"): 1, ("i", "granted"): 1}, (), ["tasks granted for item i"]),
    ],
    ids=["not asked", "asked twice", "not answered", "another answer", "no effect", "twice", "both branches"],
)
def test_what_goes_wrong_with_an_assignment_is_found(
    assignments: list[dict[str, Any]], tasks: dict[tuple[str, str], int], confirmed: tuple[str, ...], found: list[str]
) -> None:
    assert [what for what, _, _ in asked(assignments, tasks, *confirmed)] == found


@pytest.mark.parametrize(
    ("run", "moved", "tasks", "found"),
    [
        (RUN, ["r"], {("i", "kept"): 1}, []),
        (RUN, ["other"], {("i", "kept"): 1}, []),
        (RUN, [], {("i", "kept"): 1}, ["a run was moved while it waited"]),
        (RUN, ["r", "r"], {("i", "kept"): 1}, ["run r was moved"]),
        (RUN, ["r"], {}, ["tasks kept for item i"]),
        (RUN, ["r"], {("i", "kept"): 2}, ["tasks kept for item i"]),
        (RUN, ["r"], {("i", "kept"): 1, ("i", "promised"): 1}, ["tasks promised for item i"]),
        (
            RUN | {"version": 1, "outcome": None},
            ["r"],
            {},
            ["runs of promise for item i that ended in its second version", "tasks kept for item i"],
        ),
    ],
    ids=["moved", "begun there", "none moved", "moved twice", "no effect", "twice", "both versions", "left behind"],
)
def test_what_goes_wrong_with_a_run_that_is_moved_is_found(
    run: dict[str, Any], moved: list[str], tasks: dict[tuple[str, str], int], found: list[str]
) -> None:
    assert [what for what, _, _ in wrong(list(promises(["i"], [run], moved, tasks)))] == found
