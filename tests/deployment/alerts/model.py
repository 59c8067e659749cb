"""What an alert is, and the windows of time that all of them share."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from contract.openapi import SERVICES

type Severity = Literal["page", "ticket"]
"""Whether somebody is woken, or finds it on a working day."""

EVERY_SERVICE = "|".join(sorted(SERVICES))
BY_SERVICE = "namespace, service"


@dataclass(frozen=True)
class Burn:
    """An error budget is used up `times` as fast as it lasts, over `long` and still over `short`."""

    severity: Severity
    long: timedelta
    short: timedelta
    times: float


BURNS = (
    Burn("page", timedelta(hours=1), timedelta(minutes=5), 14.4),
    Burn("page", timedelta(hours=6), timedelta(minutes=30), 6),
    Burn("ticket", timedelta(days=1), timedelta(hours=2), 3),
    Burn("ticket", timedelta(days=3), timedelta(hours=6), 1),
)
"""For a budget of 30 days: 2 % in an hour, 5 % in six, 10 % in one day and in three.

Source: Google, The Site Reliability Workbook, chapter 5, "Alerting on SLOs", table 5-8.
"""


@dataclass(frozen=True)
class Timing:
    """Windows and ages; tests shorten them."""

    burns: tuple[Burn, ...] = BURNS
    soon: timedelta = timedelta(minutes=2)
    """For so long what nobody waits out must last."""
    later: timedelta = timedelta(minutes=10)
    """For so long what may mend itself must last."""
    recent: timedelta = timedelta(minutes=15)
    """What a counter did in this time."""
    old: timedelta = timedelta(minutes=2)
    """What is published or worked on in a moment is not so old."""


@dataclass(frozen=True)
class Alert:
    """A rule of Prometheus; several of one name differ in their labels, and share the runbook."""

    name: str
    severity: Severity
    expression: str
    summary: str
    """A sentence; Prometheus fills in `{{ $labels.… }}` and `{{ $value }}`."""
    lasts: timedelta = timedelta(0)
    labels: Mapping[str, str] = field(default_factory=dict)


def of(metric: str, service: str = EVERY_SERVICE, *matchers: str) -> str:
    """The metric's series of our services alone."""
    own = f'service="{service}"' if "|" not in service else f'service=~"{service}"'
    return f"{metric}{{{', '.join((own, *matchers))}}}"


def span(length: timedelta) -> str:
    """As Prometheus writes it: `90s`, `5m`, `3d`."""
    seconds = int(length.total_seconds())
    units = (("d", 86_400), ("h", 3600), ("m", 60), ("s", 1))
    unit, size = next((unit, size) for unit, size in units if seconds % size == 0)
    return f"{seconds // size}{unit}"
