"""The moments the story expects, reckoned by the standard library's calendar and apart from the services' own code."""

from calendar import monthrange
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


def months_after(moment: datetime, months: int, zone: str) -> datetime:
    """The same day and clock time so many calendar months later; a day that month has not is the end of its last."""
    local = moment.astimezone(ZoneInfo(zone))
    year, month = divmod(local.year * 12 + local.month - 1 + months, 12)
    last = monthrange(year, month + 1)[1]
    if local.day > last:
        return _at(date(year, month + 1, last) + timedelta(days=1), time(), zone)
    return _at(date(year, month + 1, local.day), local.time(), zone)


def tomorrow_at(moment: datetime, clock: time, zone: str) -> datetime:
    """That clock time on the day after."""
    return _at(moment.astimezone(ZoneInfo(zone)).date() + timedelta(days=1), clock, zone)


def _at(day: date, clock: time, zone: str) -> datetime:
    """As UTC. A time that the clocks skip becomes the first instant after the gap; of two equal ones, the first."""
    there = ZoneInfo(zone)
    local = datetime.combine(day, clock, there)
    moment = local.astimezone(UTC)
    if moment.astimezone(there).time() == clock:
        return moment
    skipped = local.replace(fold=0).utcoffset(), local.replace(fold=1).utcoffset()
    return _first_instant(moment, there, skipped[0] or timedelta())


def _first_instant(after: datetime, there: ZoneInfo, offset_before: timedelta) -> datetime:
    """The clocks change on full minutes, less than a day before `after`."""
    moment = after.replace(second=0, microsecond=0)
    while (moment - timedelta(minutes=1)).astimezone(there).utcoffset() != offset_before:
        moment -= timedelta(minutes=1)
    return moment
