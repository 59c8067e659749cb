"""Workflows that nobody would write: whatever is nested in whatever."""

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

QUIET = {"path": "item.activity_count", "op": "eq", "value": 0}


BUSY = {"path": "item.activity_count", "op": "gt", "value": 0}


TIMES = st.sampled_from([{"when": "after", "minutes": 5}, {"when": "after", "hours": 2}, {"when": "after", "days": 7}])


def blocks(inner: st.SearchStrategy[Any], most: int = 3) -> st.SearchStrategy[Any]:
    return st.lists(inner, min_size=1, max_size=most)


LEAVES = st.one_of(
    st.fixed_dictionaries({"block": st.just("action"), "type": st.sampled_from(["say", "note"])}).flatmap(
        lambda one: st.fixed_dictionaries(
            {
                **{k: st.just(v) for k, v in one.items()},
                "on_failure": st.sampled_from(["continue", "continue", "stop"]),
                "condition": st.sampled_from([None, None, QUIET, BUSY]),
            }
        )
    ),
    st.fixed_dictionaries({"block": st.just("pause"), "run": TIMES}),
    st.fixed_dictionaries({"block": st.just("set_variables"), "values": st.just({"n": {"expr": "local.n + 1"}})}),
    st.just({"block": "log", "text": "{{ local.n }}"}),
    st.just({"block": "set_status", "status": "at {{ local.n }}"}),
    st.just({"block": "terminate", "reason": "over", "outcome": "cancelled"}),
)


def _around(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    branch = st.fixed_dictionaries({"blocks": blocks(inner, 2)})
    chosen = st.fixed_dictionaries({"blocks": blocks(inner, 2), "condition": st.sampled_from([None, QUIET, BUSY])})
    some = st.lists(branch, min_size=1, max_size=3)
    turns = st.sampled_from([{"expr": "local.n < 3"}, {"expr": "local.n < 1"}])
    counted = {"block": "set_variables", "values": {"n": {"expr": "local.n + 1"}}}
    return st.one_of(
        st.fixed_dictionaries({"block": st.just("if"), "branches": st.lists(chosen, min_size=1, max_size=3)}),
        st.fixed_dictionaries(
            {"block": st.just("parallel"), "branches": some, "wait_for": st.sampled_from(["all", "any", 2])}
        ),
        st.fixed_dictionaries(
            {
                "block": st.just("while"),
                "condition": turns,
                "limit": st.just(5),
                "blocks": blocks(inner, 2).map(lambda some: [*some, counted]),
            }
        ),
        st.fixed_dictionaries(
            {
                "block": st.just("foreach"),
                "values": st.sampled_from([["a", "b"], []]),
                "order": st.sampled_from(["one_by_one", "side_by_side"]),
                "blocks": blocks(inner, 2),
            }
        ),
        *_waits(branch),
    )


def _waits(branch: st.SearchStrategy[Any]) -> Iterator[st.SearchStrategy[Any]]:
    """Blocks that wait for a moment, an event or people, and go on with one of two branches."""

    def two(first: str, second: str) -> st.SearchStrategy[Any]:
        return st.tuples(branch, branch).map(lambda both: [both[0] | {"name": first}, both[1] | {"name": second}])

    yield st.fixed_dictionaries(
        {
            "block": st.just("deadline"),
            "within": TIMES,
            "then": st.sampled_from(["cancel", "go_on"]),
            "branches": two("work", "late"),
        }
    )
    yield st.fixed_dictionaries(
        {
            "block": st.just("lock_item"),
            "timeout": st.one_of(st.none(), TIMES),
            "branches": two("locked", "timed_out"),
        }
    )
    yield st.fixed_dictionaries(
        {
            "block": st.just("approve"),
            "subject": st.just("{{ local.n }}"),
            "voters": st.just(["sam", "warehouse"]),
            "quorum": st.sampled_from(["all", "any", {"percent": 50}]),
            "wait_for_all": st.booleans(),
            "timeout": TIMES,
            "reminders": st.sampled_from([[], [{"when": "after", "hours": 1}]]),
            "branches": two("approved", "rejected"),
        }
    )
    yield st.fixed_dictionaries(
        {
            "block": st.just("wait_event"),
            "event": st.sampled_from(["command.go", "command.stay"]),
            "timeout": TIMES,
            "branches": two("received", "timed_out"),
        }
    )


DOCUMENTS = blocks(st.recursive(LEAVES, _around, max_leaves=8), 4)


def named(written: list[dict[str, Any]], numbers: Iterator[int]) -> list[dict[str, Any]]:
    """With a name for every block."""
    made = []
    for one in written:
        inner = {"blocks": named(one["blocks"], numbers)} if "blocks" in one else {}
        branches = [branch | {"blocks": named(branch["blocks"], numbers)} for branch in one.get("branches", ())]
        params = {"params": {"text": "{{ local.n }}"}} if one["block"] == "action" else {}
        made.append(one | inner | params | {"branches": branches, "name": f"b{next(numbers)}"})
    return made
