"""How parameters of rules say when something is to be, such as a deadline."""

from datetime import UTC, date, datetime, timedelta
from typing import Annotated

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field, model_validator
from whenever import Instant, PlainDateTime, Time

from contracts.calendars import Clock
from rule_engine.domain.schedule.clock import at_local


class Span(BaseModel):
    """A length of time: months, weeks and days of the company's calendar, hours and minutes by the clock."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    months: Annotated[int, Field(ge=0, le=1200)] = 0
    weeks: Annotated[int, Field(ge=0, le=5200)] = 0
    days: Annotated[int, Field(ge=0, le=36500)] = 0
    hours: Annotated[int, Field(ge=0, le=876000)] = 0
    minutes: Annotated[int, Field(ge=0, le=52560000)] = 0


class TimeExpression(BaseModel):
    """`{"in": {"days": 1}, "at": "14:00"}`: tomorrow at two in the company's zone. Without `at`: so long from now.

    With `from`, such as `{"path": "item.fields.delivery"}`, it counts from that day or moment.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    in_: Annotated[Span, Field(alias="in")] = Span()
    at: Clock | None = None
    from_: Annotated[AwareDatetime | date | None, Field(alias="from")] = None

    @model_validator(mode="after")
    def _is_one_moment(self) -> "TimeExpression":
        if self.at is None and self.from_ is None and self.in_ == Span():
            raise ValueError("say in how long, at what time, from when, or several of them")
        if self.at is not None and (self.in_.hours or self.in_.minutes):
            raise ValueError("a time of day goes with months, weeks and days, not with hours and minutes")
        return self

    def moment(self, now: datetime, zone: str) -> datetime:
        """The moment meant, as UTC."""
        span, clock, now = self.in_, self.at, self._begin(now, zone)
        if clock or span.months or span.weeks or span.days:
            local = Instant(now).to_tz(zone).to_plain()
            local = local.add(months=span.months, weeks=span.weeks, days=span.days)
            now = at_local(local.replace_time(Time.parse_iso(clock)) if clock else local, zone)
        return now.astimezone(UTC) + timedelta(hours=span.hours, minutes=span.minutes)

    def _begin(self, now: datetime, zone: str) -> datetime:
        if self.from_ is None or isinstance(self.from_, datetime):
            return self.from_ or now
        return at_local(PlainDateTime(self.from_.year, self.from_.month, self.from_.day), zone)
