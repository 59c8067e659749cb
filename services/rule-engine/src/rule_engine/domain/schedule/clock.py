"""Local clocks that never run backwards: from moments to local time and back, safe across clock changes."""

from datetime import UTC, datetime, timedelta
from functools import lru_cache

from whenever import Instant, PlainDateTime, RepeatedTime, SkippedTime, ZonedDateTime

MAX_STEP = timedelta(hours=48)
"""No zone's clock was ever set further back than that."""


@lru_cache(maxsize=1_000)  # the rules of a stage count from one moment
def local_time(moment: datetime, zone: str) -> PlainDateTime:
    """The local time; when the clocks are set back it stands still until it is later than it has been."""
    now = Instant(moment).to_tz(zone)
    latest, transition = now.to_plain(), now.add(nanoseconds=1).prev_transition()
    while transition is not None and transition.to_stdlib() > moment - MAX_STEP:
        old = transition.subtract(nanoseconds=1).offset
        latest = max(latest, transition.to_instant().to_fixed_offset(old).to_plain())
        transition = transition.prev_transition()
    return latest


def at_local(local: PlainDateTime, zone: str) -> datetime:
    """A local time in its zone, as UTC.

    One that does not exist becomes the first instant after the gap, one that occurs twice is the first of the two.
    """
    try:
        moment = local.assume_tz(zone, disambiguation="raise")
    except RepeatedTime:
        moment = local.assume_tz(zone, disambiguation="earlier")
    except SkippedTime:
        moment = _after_gap(local.assume_tz(zone, disambiguation="earlier"))
    return moment.to_instant().to_stdlib().astimezone(UTC)


def _after_gap(before: ZonedDateTime) -> ZonedDateTime:
    after = before.next_transition()
    return before if after is None else after
