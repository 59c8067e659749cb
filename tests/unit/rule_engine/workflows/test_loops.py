"""Loops: the body again and again, and for each value."""

from support.workflows import Story, note, say

QUIET = {"path": "item.activity_count", "op": "eq", "value": 0}


def test_while_counts_with_a_variable_of_the_workflow_and_leaves_nothing_in_the_state() -> None:
    counted = {"block": "set_variables", "name": "count", "values": {"n": {"expr": "local.n + 1"}}}
    loop = {
        "block": "while",
        "name": "five_times",
        "condition": {"path": "local.n", "op": "lt", "value": 5},
        "blocks": [note("turn", "{{ loop.index }}"), counted],
    }
    story = Story(
        loop, say("after", "{{ local.n }} {{ steps.turn.said }}"), variables={"n": {"type": "int", "value": 0}}
    )
    story.go()
    assert story.said == ["5 4"]
    assert [reason for name, state, reason in story.journal if name == "turn"] == [None] * 5
    assert (len(story.state.frames), len(story.state.executions)) == (1, 1)


def test_the_journal_keeps_what_decided_about_each_turn() -> None:
    counted = {"block": "set_variables", "name": "count", "values": {"n": {"expr": "local.n + 1"}}}
    loop = {"block": "while", "name": "twice", "condition": {"expr": "local.n < 2"}, "blocks": [counted]}
    story = Story(loop, variables={"n": {"type": "int", "value": 0}})
    story.go()
    assert [(one.choice, one.seen) for one in story.chosen] == [
        ("turn", {"local.n": 0}),
        ("turn", {"local.n": 1}),
        ("end", {"local.n": 2}),
    ]


def test_a_loop_that_comes_to_its_limit_fails_the_workflow_with_the_reason() -> None:
    loop = {"block": "while", "name": "again", "condition": QUIET, "limit": 3, "blocks": [note("turn", "x")]}
    story = Story(loop, say("never"))
    story.go()
    assert (story.state.outcome, story.state.reason) == ("failed", "the loop has come to its limit of 3 turns")
    assert story.said == []


def test_foreach_runs_for_each_value_in_order() -> None:
    loop = {"block": "foreach", "name": "each", "values": ["a", "b", "c"], "blocks": [say("tell", "{{ loop.value }}")]}
    story = Story(loop)
    story.go()
    for _ in range(3):
        story.done("tell")
    assert (story.said, story.state.outcome) == (["a", "b", "c"], "done")


def test_foreach_side_by_side_starts_all_and_ends_with_the_last() -> None:
    loop = {
        "block": "foreach",
        "name": "each",
        "values": {"expr": "['a', 'b', 'c']"},
        "order": "side_by_side",
        "blocks": [say("tell", "{{ loop.value }}")],
    }
    story = Story(loop)
    step = story.go()
    assert story.said == ["a", "b", "c"]
    for emission in step.emissions:
        story.commands["tell"] = emission.command_id
        assert not story.state.finished
        story.done("tell")
    assert story.state.outcome == "done"
