"""Planning: what batches of an item's events become, whatever their order and cut."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contracts.envelope import Body, Envelope, event
from contracts.messages.entity_events import FieldsChanged, ItemDeleted, StageChanged
from contracts.topics import item_key
from rule_engine.domain.authoring.document import RuleDocument
from rule_engine.domain.execution.advance import begin
from rule_engine.domain.execution.operator_actions import postpone
from rule_engine.domain.execution.planning import (
    LEFT_BEFORE_PLANNING,
    NO_RULES,
    NOT_ASKED_FOR,
    Head,
    OpenRun,
    Plan,
    Published,
    entry_of,
    plan,
)
from rule_engine.domain.execution.running import DELETED, LEFT
from rule_engine.domain.execution.state import Entry
from support.runs import ENTRY, HALF_AN_HOUR, ITEM, T0, TENANT, TIMES, program, rule, snapshot, states

RULES = Published("sales", 3, {"new": [program(rule("greet"), rule("remind", run=HALF_AN_HOUR))]})


def moved(entry_seq: int, stage: str = "new", *, automation: bool = True) -> Envelope[Body]:
    at = T0 + timedelta(minutes=entry_seq)
    return _event(
        StageChanged(
            item=snapshot(entry_seq=entry_seq),
            entry_seq=entry_seq,
            from_pipeline=None,
            from_stage=None,
            to_pipeline="sales",
            to_stage=stage,
            origin="user",
            automation=automation,
            changed_by="somebody",
            at=at,
        ),
        f"moved {entry_seq}",
    )


_DATED = {"when": "after", "from": "item.fields.start", "days": 1, "no_date": "wait"}
CHAINS = (
    (rule("greet"), rule("remind", run=HALF_AN_HOUR)),
    (rule("off", enabled=False), rule("dated", run=_DATED), rule("rest")),
    (rule("remind", run=HALF_AN_HOUR), rule("instead", execution="else", run=_DATED)),
)
_DAYS = st.none() | st.integers(-3, 3)


@given(rules=st.sampled_from(CHAINS), starts=st.lists(st.tuples(_DAYS, st.integers(0, 9)), min_size=2, max_size=4))
def test_a_chain_begins_for_every_item_as_it_would_for_the_first(
    rules: tuple[RuleDocument, ...], starts: list[tuple[int | None, int]]
) -> None:
    kept = program(*rules)
    for days, hours in starts:
        fields: dict[str, Any] = {} if days is None else {"start": (T0 + timedelta(days=days)).isoformat()}
        entry = Entry(ITEM, 1, T0 + timedelta(hours=hours), snapshot(**fields))

        assert begin(kept, entry, TIMES).stored() == begin(program(*rules), entry, TIMES).stored()


def test_a_refusal_ends_every_rule_of_a_new_entry_and_touches_no_other_run() -> None:
    made = RULES.programs["new"][0]
    stayed = OpenRun(uuid5(ITEM, "run"), ENTRY, made, begin(made, ENTRY, TIMES))
    refused = plan(Head(1, 1), [moved(2)], [stayed], {"sales": RULES}, TIMES, "too many")

    (entry,) = refused.entries
    assert entry.refused
    assert {progress.state for run in entry.runs for progress in run.state.rules.values()} == {"refused"}
    assert {progress.reason for run in entry.runs for progress in run.state.rules.values()} == {"too many"}
    assert all(run.state.finished for run in entry.runs)
    assert "refused" not in states(stayed.state).values()


def edited(version: int, day: str | None) -> Envelope[Body]:
    item = snapshot(day=day).model_copy(update={"version": version})
    data = FieldsChanged(item=item, changed=("fields.day",), changed_by="somebody", at=T0 + timedelta(minutes=version))
    return _event(data, f"edited {version}")


def deleted() -> Envelope[Body]:
    return _event(ItemDeleted(item_id=ITEM, version=9, deleted_by="somebody", at=T0 + timedelta(hours=1)), "deleted")


def _event(data: Body, name: str) -> Envelope[Body]:
    return event(
        data, source="entity-service", id=uuid5(ITEM, name), tenant=TENANT, key=item_key(TENANT, ITEM), time=T0
    )


def make(*events: Envelope[Body], head: Head | None = None, open_runs: list[OpenRun] | None = None) -> Plan:
    return plan(head or Head(), events, open_runs or [], {"sales": RULES}, TIMES)


def test_an_entry_gets_one_run_per_chain_with_an_id_made_from_its_cause() -> None:
    first, again = make(moved(1)), make(moved(1))
    assert [run.id for run in first.entries[0].runs] == [run.id for run in again.entries[0].runs]
    assert states(first.entries[0].runs[0].state) == {"greet": "planned", "remind": "planned"}
    assert first.head.last_entry_seq == 1


@pytest.mark.invariant(9)
def test_entering_leaving_and_entering_in_one_batch_keeps_what_was_due_on_entry_of_each_entry() -> None:
    made = make(moved(1), moved(2, "other"), moved(3))
    first, other, third = made.entries
    assert states(first.runs[0].state) == {"greet": "planned", "remind": "cancelled"}
    assert first.left == (T0 + timedelta(minutes=2), LEFT)
    assert other.runs == []
    assert states(third.runs[0].state) == {"greet": "planned", "remind": "planned"}
    assert third.left is None


DATED = {"when": "at", "from": "item.fields.day", "no_date": "wait"}
DATED_RULES = Published("sales", 3, {"new": [program(rule("remind", run=DATED))]})


def planned(*batches: list[Envelope[Body]]) -> OpenRun:
    """The one run of the first entry, after batches that were planned one after another."""
    head, run = Head(), None
    for batch in batches:
        made = plan(head, batch, [run] if run else [], {"sales": DATED_RULES}, TIMES)
        run = run or made.entries[0].runs[0]
    assert run is not None
    return run


def test_a_newer_version_of_the_item_moves_the_dates_of_its_runs_however_events_are_cut_into_batches() -> None:
    apart = planned([moved(1)], [edited(2, "2026-04-04")])
    together = planned([moved(1), edited(2, "2026-04-04")])
    # midnight in Rome
    assert apart.state.rules["remind"].due_at == datetime(2026, 4, 3, 22, tzinfo=UTC)
    assert apart.state == together.state


def test_an_older_version_of_the_item_moves_no_date() -> None:
    run = planned([moved(1)], [edited(3, "2026-04-04")], [edited(2, "2026-05-05")])
    assert run.state.rules["remind"].due_at == datetime(2026, 4, 3, 22, tzinfo=UTC)


def test_what_a_date_and_then_leaving_change_is_one_step() -> None:
    run = planned([moved(1)])
    made = plan(Head(1, 1), [edited(2, "2026-04-04"), moved(3, "other")], [run], {"sales": DATED_RULES}, TIMES)
    step = made.changed[run.id]
    assert (states(step), step.wake_at) == ({"remind": "cancelled"}, None)


@pytest.mark.invariant(9)
@given(cuts=st.sets(st.integers(1, 4)))
def test_the_outcome_does_not_depend_on_how_events_are_cut_into_batches(cuts: set[int]) -> None:
    events = [moved(1), moved(2, "other"), moved(3), moved(4, "other"), moved(5)]
    whole = _outcome([events])
    bounds = [0, *sorted(cuts), len(events)]
    assert _outcome([events[a:b] for a, b in pairwise(bounds)]) == whole


def _outcome(batches: list[list[Envelope[Body]]]) -> dict[UUID, dict[str, str]]:
    """What becomes of every run when batches are planned one after another."""
    head = Head()
    known: dict[UUID, OpenRun] = {}
    for batch in batches:
        unfinished = [run for run in known.values() if not run.state.finished]
        made = make(*batch, head=head, open_runs=unfinished)
        known |= {run.id: run for entry in made.entries for run in entry.runs}
    return {run.id: states(run.state) for run in known.values()}


def test_an_entry_older_than_the_last_is_recorded_and_cancelled_rules_due_on_entry_included() -> None:
    made = make(moved(1), head=Head(last_entry_seq=2, last_version=2))
    stale = made.entries[0]
    assert states(stale.runs[0].state) == {"greet": "cancelled", "remind": "cancelled"}
    assert {p.reason for p in stale.runs[0].state.rules.values()} == {LEFT_BEFORE_PLANNING}
    assert made.head.last_entry_seq == 2


def test_a_deleted_item_takes_everything_back() -> None:
    planned = make(moved(1)).entries[0].runs
    made = make(deleted(), head=Head(1, 1), open_runs=planned)
    assert made.head.deleted
    assert states(made.changed[planned[0].id]) == {"greet": "cancelled", "remind": "cancelled"}
    assert planned[0].state.rules["greet"].reason == DELETED


def test_leaving_a_later_stage_does_not_touch_what_stayed_of_an_earlier_one() -> None:
    made = program(rule("remind", run=HALF_AN_HOUR, on_leave="run_now"))
    stayed = OpenRun(uuid5(ITEM, "run"), entry_of(moved(1)), made, begin(made, ENTRY, TIMES))  # type: ignore[arg-type]
    assert make(moved(2), head=Head(1, 1), open_runs=[stayed]).changed.keys() == {stayed.id}
    stayed.state = postpone(made, stayed.state, "remind", T0 + timedelta(days=1), T0).state
    assert make(moved(3), head=Head(2, 2), open_runs=[stayed]).changed == {}


def test_an_entry_that_arrives_after_the_items_end_is_recorded_and_cancelled() -> None:
    stale = make(moved(2), head=Head(last_entry_seq=1, last_version=1, deleted=True)).entries[0]
    assert states(stale.runs[0].state) == {"greet": "cancelled", "remind": "cancelled"}
    assert {p.reason for p in stale.runs[0].state.rules.values()} == {DELETED}


def test_a_deletion_reaches_what_stays_of_an_entry_that_was_left_in_the_same_batch() -> None:
    first, _ = make(moved(1), moved(2, "other"), deleted()).entries
    assert states(first.runs[0].state) == {"greet": "cancelled", "remind": "cancelled"}
    assert first.runs[0].state.rules["greet"].reason == DELETED
    assert first.left == (T0 + timedelta(minutes=2), LEFT)


def test_an_import_without_automation_is_recorded_and_starts_nothing() -> None:
    entry = make(moved(1, automation=False)).entries[0]
    assert (entry.runs, entry.note) == ([], NOT_ASKED_FOR)


def test_a_pipeline_without_published_rules_is_recorded_with_that_reason() -> None:
    entry = plan(Head(), [moved(1)], [], {}, TIMES).entries[0]
    assert (entry.runs, entry.note) == ([], NO_RULES)


def test_changed_fields_only_move_the_version_forward() -> None:
    changed: dict[str, Any] = {"changed": ("title",), "changed_by": "somebody", "at": T0}
    made = make(_event(FieldsChanged(item=snapshot(entry_seq=7), **changed), "fields"), head=Head(1, 3))
    assert (made.head, made.entries, made.changed) == (Head(1, 7), [], {})
