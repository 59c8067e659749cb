"""What a leaf compares with: a constant, another path, a moment or day relative to now, or a period of days."""

import calendar
from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from contracts.issues import Issue, Written, issues_of

PATH = r"^[A-Za-z_]\w*(\.[\w-]+)*$"
Path = Annotated[str, Field(max_length=200), Written(PATH, "a path of names with dots, such as item.fields.colour")]
_SPAN = Field(ge=-36500, le=36500)


class _Operand(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class PathOperand(_Operand):
    """The value at another path."""

    path: Path

    def words(self) -> str:
        return self.path


class Relative(_Operand):
    """A day counted from today (calendar years, months, weeks, days; 31 May less a month is 30 April), or a moment
    counted from now (exact weeks, days, hours, minutes).
    """

    relative: Literal["today", "now"]
    years: Annotated[int, Field(ge=-100, le=100)] = 0
    months: Annotated[int, Field(ge=-1200, le=1200)] = 0
    weeks: Annotated[int, Field(ge=-5200, le=5200)] = 0
    days: Annotated[int, _SPAN] = 0
    hours: Annotated[int, Field(ge=-876000, le=876000)] = 0
    minutes: Annotated[int, Field(ge=-52560000, le=52560000)] = 0

    @model_validator(mode="after")
    def _has_fitting_units(self) -> "Relative":
        if self.relative == "today" and (self.hours or self.minutes):
            raise ValueError("today is a day: count hours and minutes from now")
        if self.relative == "now" and (self.years or self.months):
            raise ValueError("now is a moment: count years and months from today")
        return self

    def resolve(self, start: date) -> str:
        """The day `2026-03-02`, counted from the day `start`; or the moment in RFC 3339, counted from that moment."""
        if not isinstance(start, datetime):
            return moved(start, self.years * 12 + self.months, self.weeks * 7 + self.days).isoformat()
        moment = start + timedelta(weeks=self.weeks, days=self.days, hours=self.hours, minutes=self.minutes)
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")

    def words(self) -> str:
        """`3 days ago`, `now`, `2 months after today`."""
        spans = [(getattr(self, unit), unit) for unit in ("years", "months", "weeks", "days", "hours", "minutes")]
        counted = [(n, unit) for n, unit in spans if n]
        if not counted:
            return self.relative
        if all(n < 0 for n, _ in counted):
            return ", ".join(_counted(-n, unit) for n, unit in counted) + " ago"
        return ", ".join(_counted(n, unit) for n, unit in counted) + f" after {self.relative}"


def _counted(n: int, unit: str) -> str:
    return f"{n} {unit[:-1] if n == 1 else unit}"


_NAMED = {"today": (0, "day"), "yesterday": (-1, "day"), "tomorrow": (1, "day")} | {
    f"{which}_{unit}": (shift, unit)
    for which, shift in (("last", -1), ("this", 0), ("next", 1))
    for unit in ("week", "month", "quarter", "year")
}
PERIODS = (*_NAMED, "last", "next")


class Period(_Operand):
    """Days in a row: `this_month`, or the `last` or `next` so many days, today included. Weeks begin on Monday."""

    period: str
    days: Annotated[int, Field(ge=1, le=36500)] | None = None

    @model_validator(mode="after")
    def _is_known(self) -> "Period":
        if self.period not in PERIODS:
            raise ValueError(f"there is no period {self.period!r:.40}; there are {', '.join(PERIODS)}")
        if (self.period in ("last", "next")) is not (self.days is not None):
            raise ValueError("`last` and `next` take a number of days, other periods take none")
        return self

    def resolve(self, today: date) -> tuple[date, date]:
        """The first and the last day."""
        if self.days is not None:
            far = moved(today, 0, (self.days - 1) * (1 if self.period == "next" else -1))
            return min(today, far), max(today, far)
        shift, unit = _NAMED[self.period]
        return _span(today, shift, unit)

    def words(self) -> str:
        if self.days is not None:
            return f"the {self.period} {_counted(self.days, 'days')}"
        return self.period.replace("_", " ")


def _span(today: date, shift: int, unit: str) -> tuple[date, date]:
    if unit == "day":
        day = moved(today, 0, shift)
        return day, day
    if unit == "week":
        monday = moved(today, 0, 7 * shift - today.weekday())
        return monday, moved(monday, 0, 6)
    length = {"month": 1, "quarter": 3, "year": 12}[unit]
    begun = today.replace(day=1, month=(today.month - 1) // length * length + 1)
    first = moved(begun, shift * length, 0)
    return first, moved(moved(first, length, 0), 0, -1)


def moved(day: date, months: int, days: int) -> date:
    """Calendar arithmetic: months first, to the last day of a shorter month; never outside of years 1 to 9999."""
    count = min(max(day.year * 12 + day.month - 1 + months, 12), 9999 * 12 + 11)
    year, month = divmod(count, 12)
    start = date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))
    return date.fromordinal(min(max(start.toordinal() + days, 1), date.max.toordinal()))


Operand = PathOperand | Relative | Period


def operand(value: Any) -> Operand | None:
    """What a written value stands for; null for a constant. Raises ValueError for one that is written wrongly."""
    match value:
        case {"path": _}:
            return _read(PathOperand, value)
        case {"relative": _}:
            return _read(Relative, value)
        case {"period": _}:
            return _read(Period, value)
        case _:
            return None


def _read[O: _Operand](model: type[O], value: Any) -> O:
    try:
        return model.model_validate(value)
    except ValidationError as error:
        raise ValueError("; ".join(_in_value(one) for one in issues_of(error, model))) from error


def _in_value(issue: Issue) -> str:
    return f"value.{issue}" if issue.where else issue.what


def operands(value: Any) -> list[Operand]:
    """Those of a value and of its elements."""
    found = [operand(one) for one in (value if isinstance(value, list) else [value])]
    return [one for one in found if one is not None]
