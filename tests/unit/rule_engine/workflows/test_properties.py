"""Random workflows: whatever is nested in whatever, the journal is the same however the run is driven.

Driven straight through; with every step thrown away once before it is committed, as a crash does; with every result and
event twice. What is compared is the journal: which blocks and rules ended how, in which turn of which loop, and what
was sent.
"""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.execution.state import ROOT, State
from support.driving import EXAMPLES, FEWER, FINALS, Drive
from support.random_workflows import DOCUMENTS, named
from support.runs import T0
from support.workflows import compiled


@given(written=DOCUMENTS, finals=FINALS)
@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.simulation
def test_the_journal_is_the_same_however_the_run_is_driven(written: list[dict[str, Any]], finals: list[str]) -> None:
    body = {"kind": "deal", "variables": {"n": {"type": "int", "value": 0}}, "blocks": named(written, count())}
    program = compiled(WorkflowDocument.model_validate(body))
    straight = Drive(program, finals)
    journal = straight.run()
    for other in (Drive(program, finals, crash=True), Drive(program, finals, twice=True)):
        assert other.run() == journal
        assert other.state == straight.state
    _is_tidy(straight.state)


JUMPS = st.dictionaries(st.integers(0, 8), st.integers(0, 12).map(lambda number: f"b{number}"), min_size=1, max_size=4)


@given(written=DOCUMENTS, finals=FINALS, jumps=JUMPS)
@settings(max_examples=FEWER, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@pytest.mark.simulation
def test_the_journal_is_the_same_where_operators_jump(
    written: list[dict[str, Any]], finals: list[str], jumps: dict[int, str]
) -> None:
    body = {"kind": "deal", "variables": {"n": {"type": "int", "value": 0}}, "blocks": named(written, count())}
    program = compiled(WorkflowDocument.model_validate(body))
    straight = Drive(program, finals, jumps=jumps)
    journal = straight.run()
    for other in (Drive(program, finals, crash=True, jumps=jumps), Drive(program, finals, twice=True, jumps=jumps)):
        assert other.run() == journal
        assert other.state == straight.state
    _is_tidy(straight.state)


def _is_tidy(state: State) -> None:
    """What has ended has left nothing open behind."""
    if state.finished:
        assert set(state.frames) == {ROOT}
        assert all(one.ended for one in state.executions.values())
    for frame in state.frames.values():
        assert frame.parent is None or frame.parent in state.frames


def test_a_long_loop_keeps_the_state_small() -> None:
    counted = {"block": "set_variables", "name": "count", "values": {"n": {"expr": "local.n + 1"}}}
    note = {"block": "action", "name": "tell", "type": "note", "params": {"text": "{{ local.n }}"}}
    loop = {"block": "while", "name": "l", "condition": {"expr": "local.n < 2000"}, "blocks": [counted, note]}
    body = {"kind": "deal", "variables": {"n": {"type": "int", "value": 0}}, "blocks": [loop]}
    drive = Drive(compiled(WorkflowDocument.model_validate(body)), ["done"])
    sizes = []
    commit = drive._commit

    def measured(make: Any) -> None:
        commit(make)
        sizes.append(len(str(drive.state.stored())))

    drive._commit = measured  # type: ignore[method-assign]
    drive.run()
    assert drive.state.outcome == "done"
    assert max(sizes) < 2_000
    assert sum(1 for one in drive.journal if one[1] == "tell") == 2_000
    assert drive.now - T0 < timedelta(seconds=1)
