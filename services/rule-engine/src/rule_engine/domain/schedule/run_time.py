"""When a rule runs, as its author writes it: at once, so long after or before something, at a date."""

from datetime import date as Date
from typing import Annotated, ClassVar, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from contracts.calendars import Clock
from contracts.issues import Written

WorkingTimeOf = Literal["none", "company", "responsible"]
ZoneOf = Literal["company", "responsible", "client"]

ENTRY = "entry"
_DATE_WORDS = "the path of a date: item.created_at, item.updated_at, or item.fields. and a field's code"
_DATE = r"item\.(created_at|updated_at|fields\.[a-z0-9][a-z0-9_-]{0,63})"
ItemDate = Annotated[str, Written(rf"^{_DATE}$", f"{_DATE_WORDS}")]
From = Annotated[str, Written(rf"^({ENTRY}|{_DATE})$", f"{ENTRY}, or {_DATE_WORDS}")]
"""`entry`, or the path of a date of the item."""


class _Strict(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class _Timed(_Strict):
    """`working_time` moves a moment to the nearest working one: onwards, and for `before` backwards."""

    working_time: WorkingTimeOf = "none"
    time_zone: ZoneOf = "company"
    """Whose clock days, months and clock times are read on. Working time is read on its owner's own."""

    @property
    def working(self) -> WorkingTimeOf:
        """Whose working time counts."""
        return self.working_time


class Now(_Timed):
    """As soon as the rule's turn comes; with working time then or at the next working moment."""

    when: Literal["now"] = "now"


class _Counted(_Timed):
    """Counted from the entry into the stage, or from a date of the item."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    from_: Annotated[From, Field(alias="from")] = ENTRY
    clock: Clock | None = None
    """At this time of the day that the days lead to; without it at the same time of day (a date: at its begin)."""
    date_changes: Literal["follow", "keep"] = "follow"
    """Whether the due time moves with the date while the rule waits."""
    no_date: Literal["skip", "wait", "run_now"] = "skip"
    """What becomes of the rule while the date is empty."""


class Period(_Counted):
    """A length of time. Calendar steps (months, then weeks and days, then working days) are made on the local clock;
    then come working hours, then hours, minutes and seconds as they really pass.

    Working days and hours are the company's, or with `working_time: responsible` the responsible person's.
    """

    months: Annotated[int, Field(ge=0, le=1200)] = 0
    weeks: Annotated[int, Field(ge=0, le=5200)] = 0
    days: Annotated[int, Field(ge=0, le=36500)] = 0
    working_days: Annotated[int, Field(ge=0, le=2500)] = 0
    working_hours: Annotated[int, Field(ge=0, le=10000)] = 0
    hours: Annotated[int, Field(ge=0, le=876000)] = 0
    minutes: Annotated[int, Field(ge=0, le=52560000)] = 0
    seconds: Annotated[int, Field(ge=0, le=3153600000)] = 0

    sign: ClassVar[Literal[-1, 1]] = 1

    @property
    def working(self) -> WorkingTimeOf:
        counts = self.working_time == "none" and (self.working_days or self.working_hours)
        return "company" if counts else self.working_time

    @model_validator(mode="after")
    def _is_some_time(self) -> Self:
        exact = (self.working_hours, self.hours, self.minutes, self.seconds)
        if not any((self.months, self.weeks, self.days, self.working_days, *exact)):
            raise ValueError(
                "give at least one of months, weeks, days, working_days, working_hours, hours, minutes, seconds"
            )
        if self.clock is not None and any(exact):
            raise ValueError("a clock time goes with months, weeks and days, not with hours, minutes and seconds")
        return self


class After(Period):
    """So long after the entry into the stage, or after a date of the item."""

    when: Literal["after"] = "after"


class Before(Period):
    """So long before a date of the item."""

    when: Literal["before"] = "before"
    from_: Annotated[ItemDate, Field(alias="from")]

    sign: ClassVar[Literal[-1, 1]] = -1


class At(_Counted):
    """At a date: one of the item (`from`), or always the same (`date`); with `clock` at that time of it."""

    when: Literal["at"] = "at"
    date: Date | None = None

    @model_validator(mode="after")
    def _is_one_date(self) -> Self:
        if self.date is None and self.from_ == ENTRY and self.clock is None:
            raise ValueError("at: give a date, or from and the path of a date, or a clock time of the day of entry")
        if self.date is not None and self.from_ != ENTRY:
            raise ValueError("at: give a date or from, not both")
        return self


RunTime = Annotated[Now | After | Before | At, Field(discriminator="when")]
