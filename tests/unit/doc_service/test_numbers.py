"""Document numbers and the series they are counted in."""

from datetime import date

import pytest

from doc_service.domain.errors import PatternError
from doc_service.domain.numbers import check_pattern, default_pattern, document_number, series

DAY = date(2026, 3, 2)


@pytest.mark.parametrize(
    ("pattern", "count", "expected"),
    [
        ("INV-{year}-{number:4}", 1, "INV-2026-0001"),
        ("INV-{year}-{number:4}", 12345, "INV-2026-12345"),
        ("{number}", 7, "7"),
        ("R{year}/{month}/{number:2}", 3, "R2026/03/03"),
    ],
)
def test_a_number_is_its_pattern_filled_in(pattern: str, count: int, expected: str) -> None:
    check_pattern(pattern)
    assert document_number(pattern, DAY, count) == expected


def test_a_new_year_starts_a_new_series() -> None:
    pattern = "INV-{year}-{number:4}"
    assert series(pattern, DAY) == "INV-2026-{number}"
    assert series(pattern, date(2027, 1, 1)) == "INV-2027-{number}"


def test_the_width_of_a_number_does_not_change_its_series() -> None:
    assert series("A{number:4}", DAY) == series("A{number}", DAY)


@pytest.mark.parametrize(
    "pattern", ["INV", "{year}", "{number}{number}", "{number}{item}", "{number", "number}", "{number:0}", "{number}\n"]
)
def test_a_pattern_that_cannot_count_is_refused(pattern: str) -> None:
    with pytest.raises(PatternError):
        check_pattern(pattern)


def test_the_default_pattern_of_every_code_is_usable() -> None:
    for code in ("act", "a" * 64, "0_x-y"):
        check_pattern(default_pattern(code))
