"""When a company and its people work. Entity-service keeps it, the rule engine counts with it.

Hours are read on a local clock: the company's in the company's time zone, an employee's in the employee's own.
"""

from datetime import date
from typing import Annotated, Literal
from zoneinfo import available_timezones

from pydantic import AfterValidator, AwareDatetime, ConfigDict, Field

from contracts.issues import Written
from contracts.values import Value

Weekday = Literal["mon", "tue", "wed", "thu", "fri", "sat", "sun"]
WEEKDAYS: tuple[Weekday, ...] = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
Clock = Annotated[str, Written(r"^([01]\d|2[0-3]):[0-5]\d$", "a time of day such as 09:30")]


class Hours(Value):
    """From opening to closing, both still working time. One that closes no later than it opens closes the next day."""

    opens: Clock
    closes: Clock


type Week = dict[Weekday, tuple[Hours, ...]]
"""Working hours by weekday; a weekday that is not there is free."""
type Days = dict[date, tuple[Hours, ...]]
"""Dates that are not like their weekday: no hours make a day off, hours make a working day, holiday or not."""

NINE_TO_SIX: tuple[Hours, ...] = (Hours(opens="09:00", closes="18:00"),)


class Calendar(Value):
    """A company's working time. Public holidays of the country, and of its subdivision, are days off."""

    week: Week = Field(default_factory=lambda: dict.fromkeys(WEEKDAYS[:5], NINE_TO_SIX))
    country: str | None = None
    """ISO 3166-1 alpha-2."""
    subdivision: str | None = None
    """ISO 3166-2 without the country: `BY` of Germany."""
    days: Days = Field(default_factory=dict)


class Absence(Value):
    """From when until when somebody is away."""

    model_config = ConfigDict(frozen=True, extra="ignore", populate_by_name=True)

    from_: Annotated[AwareDatetime, Field(alias="from")]
    until: AwareDatetime
    reason: str = ""
    substitute: str | None = None
    """The code of the employee who answers for them meanwhile."""


class Schedule(Value):
    """An employee's working time; what is not given is as in the company."""

    time_zone: str | None = None
    week: Week | None = None
    """With a week of one's own the company's extra working days do not count, its days off do."""
    days: Days = Field(default_factory=dict)
    absences: tuple[Absence, ...] = ()
    at_work: bool | None = None
    """Whether the employee has clocked in; null where that is not tracked."""


def _check_zone(name: str) -> str:
    """The name, if it is in the IANA database; raises ValueError otherwise."""
    if name not in available_timezones():
        raise ValueError("is no time zone of the IANA database such as Europe/Berlin")
    return name


Zone = Annotated[str, AfterValidator(_check_zone)]
"""A time zone of the IANA database."""
