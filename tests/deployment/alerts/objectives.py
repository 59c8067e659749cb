"""Service level objectives, each with the ratio of bad events to all, alerted on by how fast the budget burns."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta

from deployment.alerts.model import BY_SERVICE, EVERY_SERVICE, Alert, Burn, Timing, of, span

FAST_ENOUGH = "5.0"
"""Seconds, a bucket of the histograms."""
FEWEST = 5
"""Bad events in the long window: one failure among a handful of requests wakes nobody."""


@dataclass(frozen=True)
class Objective:
    """`share` of the events shall be good."""

    alert: str
    share: float
    bad: str
    every: str
    """Rates of counters over `WINDOW`."""
    what: str

    def ratio(self, window: timedelta) -> str:
        return f"({self._over(self.bad, window)}) / ({self._over(self.every, window)})"

    def _over(self, counters: str, window: timedelta) -> str:
        return counters.replace("WINDOW", span(window))

    def fired(self, burn: Burn) -> Alert:
        limit = f"{burn.times * (1 - self.share):.6g}"
        many = f"{self._over(self.bad, burn.long)} >= {FEWEST / burn.long.total_seconds():.4g}"
        over = [f"{self.ratio(window)} > {limit}" for window in (burn.long, burn.short)]
        return Alert(
            self.alert,
            burn.severity,
            f"{over[0]} and {over[1]} and {many}",
            f"{self.what}: {{{{ $value | humanizePercentage }}}} in {span(burn.long)}, {burn.times:g} times what"
            f" the objective of {self.share:.1%} allows ({{{{ $labels.service }}}})",
            labels={"long": span(burn.long), "short": span(burn.short)},
        )


def _rates(counter: str) -> str:
    return f"sum by ({BY_SERVICE}) (rate({counter}[WINDOW]))"


def _slow(histogram: str, service: str, *matchers: str) -> tuple[str, str]:
    """Those that took longer, and all."""
    every = _rates(of(f"{histogram}_count", service, *matchers))
    quick = _rates(of(f"{histogram}_bucket", service, *matchers, f'le="{FAST_ENOUGH}"'))
    return f"{every} - {quick}", every


def _failed(service: str, *matchers: str) -> tuple[str, str]:
    """Those that were answered with a 5xx, and all."""
    requests = "http_request_seconds_count"
    return _rates(of(requests, service, *matchers, 'status=~"5.."')), _rates(of(requests, service, *matchers))


ENTITY, TRIGGER = "entity-service", "trigger-service"
OBJECTIVES = (
    Objective(
        "EffectsLate",
        0.999,
        *_slow("timer_lateness_seconds", "rule-engine"),
        "Rules that waited were decided over 5 s after they were due",
    ),
    Objective(
        "EntriesLate",
        0.999,
        *_slow("message_age_seconds", "rule-engine", 'topic="crm.entity.events.v1"'),
        "Events of items were planned over 5 s after they happened",
    ),
    Objective(
        "CommandsLate",
        0.999,
        *_slow("message_age_seconds", EVERY_SERVICE, 'topic=~"crm[.].+[.]commands[.]v1"'),
        "Commands were handled over 5 s after they were given",
    ),
    Objective(
        "StageChangesFail",
        0.999,
        *_failed(ENTITY, 'method="PUT"', 'route="/v1/items/{id}/stage"'),
        "Stage changes were answered with an error of ours",
    ),
    Objective(
        "WebhooksFail",
        0.999,
        *_failed(f"comms-service|{ENTITY}|{TRIGGER}", 'method="POST"', 'route=~"/(hooks|f|public/receipts)/.+"'),
        "Webhooks, forms and receipts were answered with an error of ours",
    ),
)


def objectives(timing: Timing) -> Iterator[Alert]:
    for objective in OBJECTIVES:
        yield from (objective.fired(burn) for burn in timing.burns)
