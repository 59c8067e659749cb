"""When a rule is due. Calendar arithmetic happens on local time in the company's zone, safe across clock changes."""

from datetime import UTC, datetime, time, timedelta

from whenever import Instant, PlainDateTime, RepeatedTime, SkippedTime, ZonedDateTime

from rule_engine.domain.document import After, Now, RunTime


def due_at(run: RunTime, entered_at: datetime, zone: str) -> datetime | None:
    """The moment (UTC) from which the rule may act; null: as soon as its turn comes."""
    match run:
        case Now():
            return None
        case After():
            day = _calendar_step(run, entered_at, zone)
            return day + timedelta(hours=run.hours, minutes=run.minutes, seconds=run.seconds)


def _calendar_step(run: After, entered_at: datetime, zone: str) -> datetime:
    if not (run.months or run.weeks or run.days):
        return entered_at
    local = Instant(entered_at).to_tz(zone).to_plain()
    return at_local(local.add(months=run.months, weeks=run.weeks, days=run.days), zone)


def at_clock(moment: datetime, zone: str, *, days: int, clock: time) -> datetime:
    """`days` after the local date of `moment`, at a clock time of the zone, as UTC: tomorrow 14:00."""
    date = Instant(moment).to_tz(zone).date().add(days=days)
    return at_local(PlainDateTime(date.year, date.month, date.day, clock.hour, clock.minute, clock.second), zone)


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
