"""The bench's arithmetic: what a figure is, and when it meets its target."""

import json
from pathlib import Path

import pytest

from bench.figures import Row, at_least_share, at_most, at_most_more, at_most_times, in_turns, p99, published, write


def test_of_a_hundred_values_the_99th_percentile_is_the_second_largest() -> None:
    assert p99([float(n) for n in range(100, 0, -1)]) == 99


def test_of_few_values_the_99th_percentile_is_the_largest() -> None:
    assert p99([3.0, 1.0, 2.0]) == 3


@pytest.mark.parametrize(
    ("row", "met"),
    [
        (at_most_times(1.3, "p", 10, 13, "ms"), True),
        (at_most_times(1.3, "p", 10, 13.1, "ms"), False),
        (at_most_more(10, "p", 2, 12, "ms"), True),
        (at_most_more(10, "p", 2, 12.1, "ms"), False),
        (at_least_share(0.8, "p", 100, 80, "runs/s"), True),
        (at_least_share(0.8, "p", 100, 79, "runs/s"), False),
        (at_most(1, "p", 1, "s"), True),
        (at_most(1, "p", 1.1, "s"), False),
        (published("p", 1, "s"), None),
    ],
)
def test_a_target_is_met_or_not_or_there_is_none(row: Row, met: bool | None) -> None:
    assert row.met is met


def test_programs_get_a_list_of_rows(tmp_path: Path) -> None:
    rows = [at_least_share(0.5, "planner", 3000, 2000, "events/s"), published("late", 1.23456, "s")]
    write(rows, tmp_path / "bench.json")
    assert json.loads((tmp_path / "bench.json").read_text()) == [
        {
            "name": "planner",
            "floor": 3000,
            "ours": 2000,
            "ratio": 0.6667,
            "target": "≥ 50% of floor",
            "unit": "events/s",
            "met": True,
        },
        {
            "name": "late",
            "floor": None,
            "ours": 1.235,
            "ratio": None,
            "target": "published",
            "unit": "s",
            "met": None,
        },
    ]


async def test_both_are_measured_in_turns_and_the_median_counts() -> None:
    order: list[str] = []

    async def floor() -> float:
        order.append("floor")
        return float(len(order))

    async def ours() -> float:
        order.append("ours")
        return float(len(order))

    assert await in_turns(3, floor, ours, lambda: None) == (4, 3)
    assert order == ["floor", "ours", "ours", "floor", "floor", "ours"]
