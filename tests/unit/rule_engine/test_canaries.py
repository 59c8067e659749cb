"""Which items try a version, and when it is worse than the rest."""

from uuid import UUID, uuid5

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rule_engine.domain.execution.canaries import Counts, Share, Thresholds, too_bad
from rule_engine.domain.execution.planning import Head, Published, plan
from support.runs import ITEM, TENANT, TIMES
from unit.rule_engine.test_planning import RULES, moved

ITEMS = [uuid5(TENANT, f"item {number}") for number in range(10_000)]
WHEN = Thresholds(failed=0.05, refused=0.1, after=20)


def taken(percent: int, version: int = 2, tenant: UUID = TENANT, code: str = "sales") -> set[UUID]:
    share = Share(version, percent)
    return {item for item in ITEMS if share.takes(tenant, code, item)}


@pytest.mark.parametrize("percent", [1, 10, 50, 99])
def test_a_share_of_ten_thousand_items_is_the_share_that_was_asked_for(percent: int) -> None:
    """Four standard deviations of a fair draw."""
    fair, deviation = 100 * percent, (percent * (100 - percent)) ** 0.5
    assert abs(len(taken(percent)) - fair) < 4 * deviation


@settings(max_examples=15)  # each draws for ten thousand items, twice
@given(st.integers(1, 98), st.integers(1, 50), st.integers(1, 50))
def test_a_growing_share_keeps_those_it_had_whatever_the_version(percent: int, one: int, other: int) -> None:
    assert taken(percent, one) < taken(percent + 1, other)


def test_other_rule_sets_and_tenants_try_on_other_items() -> None:
    both = len(taken(50) & taken(50, code="service"))
    assert 2_200 < both < 2_800
    assert taken(50) != taken(50, tenant=ITEM)


@pytest.mark.parametrize("percent", [1, 99])
def test_an_entry_is_planned_on_the_version_that_its_item_tries(percent: int) -> None:
    tried = Published("sales", 4, RULES.programs, canary_share=percent)
    published = Published("sales", 3, RULES.programs, tried)
    (entry,) = plan(Head(), [moved(1)], [], {"sales": published}, TIMES).entries
    assert entry.published is not None
    chosen = Share(4, percent).takes(entry.event.tenant, "sales", ITEM)
    assert (entry.published.version, entry.published.canary_share) == ((4, percent) if chosen else (3, None))


@pytest.mark.parametrize(
    ("canary", "rest", "why"),
    [
        (Counts(done=15, failed=4), Counts(done=100), None),
        (
            Counts(done=15, failed=5),
            Counts(done=100),
            "25.0% of 20 rules failed, of the rest 0.0%: more than 5.0% above",
        ),
        (Counts(done=15, failed=5), Counts(done=75, failed=25), None),
        (
            Counts(done=70, skipped=10, refused=20),
            Counts(done=95, refused=5),
            "20.0% of 100 rules were refused, of the rest 5.0%: more than 10.0% above",
        ),
        (Counts(done=80, failed=20), Counts(), "20.0% of 100 rules failed, of the rest 0.0%: more than 5.0% above"),
    ],
)
def test_it_is_too_bad_when_enough_has_ended_and_more_fails_than_of_the_rest(
    canary: Counts, rest: Counts, why: str | None
) -> None:
    assert too_bad(WHEN, canary, rest) == why


def test_without_thresholds_only_people_roll_back() -> None:
    assert too_bad(Thresholds(None, None, 1), Counts(failed=100), Counts(done=100)) is None
