"""One reader of moments serves what comes in anywhere: RFC 3339 allows a small t and z."""

from datetime import UTC, datetime

import pytest

from contracts.moments import read_moment

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


@pytest.mark.parametrize("text", ["2026-03-02T12:00:00Z", "2026-03-02t12:00:00z", "2026-03-02t13:00:00+01:00"])
def test_a_moment_is_read_with_large_and_small_letters(text: str) -> None:
    assert read_moment(text) == NOON


def test_without_an_offset_it_is_nobody_s_noon() -> None:
    assert read_moment("2026-03-02t12:00:00").tzinfo is None


@pytest.mark.parametrize("text", ["", "noon", "2026-03-02T25:00:00Z", "2026-03-02zt"])
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"isoformat|must be in"):
        read_moment(text)
