"""The next free time of a resource."""

from datetime import UTC, datetime, timedelta
from itertools import accumulate

from hypothesis import given
from hypothesis import strategies as st

from entity_service.domain.resources import Span, local, next_free

NOON = datetime(2030, 5, 7, 12, tzinfo=UTC)
MINUTES = st.integers(min_value=1, max_value=300)


def minutes(number: int) -> datetime:
    return NOON + timedelta(minutes=number)


def spans(gaps: list[tuple[int, int]]) -> list[Span]:
    """Bookings one after another: so many minutes free, so many taken."""
    ends = list(accumulate(free + taken for free, taken in gaps))
    return [Span(minutes(end - taken), minutes(end)) for end, (_, taken) in zip(ends, gaps, strict=True)]


def overlaps(one: Span, other: Span) -> bool:
    return one.start < other.end and other.start < one.end


@given(gaps=st.lists(st.tuples(st.integers(min_value=0, max_value=120), MINUTES)), length=MINUTES)
def test_it_is_free_and_no_earlier_minute_is(gaps: list[tuple[int, int]], length: int) -> None:
    taken, wanted = spans(gaps), Span(NOON, minutes(length))

    found = next_free(wanted, taken)

    assert not any(overlaps(Span(found, found + timedelta(minutes=length)), one) for one in taken)
    earlier = range(int((found - NOON).total_seconds()) // 60)
    assert all(any(overlaps(Span(minutes(at), minutes(at + length)), one) for one in taken) for at in earlier)


def test_people_read_it_in_their_time_zone() -> None:
    assert local(NOON, "Europe/Berlin") == "2030-05-07 14:00"
