"""For each alert, series with which it fires and others, close to them, with which it does not.

Values are written as promtool reads them: `0+3x60` is 0 and 60 more values, each 3 higher, a step apart.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from contract.openapi import SERVICES

type Series = Mapping[str, str]

STEPS = 440
UP = {f'up{{service="{service}", instance="{service}"}}': f"1x{STEPS}" for service in SERVICES}
"""All is well as far as Prometheus can see."""


@dataclass(frozen=True)
class Case:
    alert: str
    series: Series
    severities: tuple[str, ...] = ()
    """Of the alerts that fire, in order; none: it does not."""
    step: str = "1m"
    at: str = "2h"


def flat(value: float) -> str:
    return f"{value}x{STEPS}"


def rising(each: float, start: float = 0) -> str:
    return f"{start}+{each}x{STEPS}"


def symptom(alert: str, severity: str, metric: str, fires: str, quiet: str) -> list[Case]:
    return [Case(alert, {**UP, metric: fires}, (severity,)), Case(alert, {**UP, metric: quiet})]


def objective(alert: str, bad: tuple[str, ...], every: str, share_is_quick: bool) -> list[Case]:
    """`bad` are names and labels of what counts: for histograms the bucket of what was quick."""

    def series(share: float, events: float = 100) -> Series:
        counted = events * (1 - share) if share_is_quick else events * share
        return {**UP, every: rising(events), **{name: rising(counted) for name in bad}}

    return [
        Case(alert, series(0.1), ("page", "page", "ticket", "ticket")),
        Case(alert, series(0.005), ("ticket", "ticket"), step="10m", at="72h"),
        Case(alert, series(0.0005)),
        Case(alert, series(0.0005), step="10m", at="72h"),
        Case(alert, {**series(0.5, 0.01)}),
    ]


def histogram(alert: str, name: str, labels: str) -> list[Case]:
    return objective(alert, (f'{name}_bucket{{{labels}, le="5.0"}}',), f"{name}_count{{{labels}}}", share_is_quick=True)


def requests(alert: str, service: str, method: str, route: str) -> list[Case]:
    labels = f'service="{service}", method="{method}", route="{route}"'
    name = "http_request_seconds_count"
    return objective(alert, (f'{name}{{{labels}, status="503"}}',), f'{name}{{{labels}, status="200"}}', False)


ENGINE, ENTITY = 'service="rule-engine"', 'service="entity-service"'
CONSUMER = f'{ENTITY}, instance="a", topic="crm.entity.commands.v1"'
STARTED = f'executions_started_total{{{ENGINE}, how="delayed"}}'
DAY, HOUR = 86_400, 3600


def rose(alert: str, metric: str) -> list[Case]:
    return symptom(alert, "ticket", metric, f"0x115 1x{STEPS - 116}", f"0x10 1x{STEPS - 11}")


CASES = [
    *histogram("EffectsLate", "timer_lateness_seconds", ENGINE),
    *histogram("EntriesLate", "message_age_seconds", f'{ENGINE}, topic="crm.entity.events.v1"'),
    *histogram("CommandsLate", "message_age_seconds", f'{ENTITY}, topic="crm.entity.commands.v1"'),
    *requests("StageChangesFail", "entity-service", "PUT", "/v1/items/{id}/stage"),
    *requests("WebhooksFail", "trigger-service", "POST", "/hooks/t/{token}"),
    Case("ServiceDown", {name: flat(1) for name in UP if "doc-service" not in name}, ("page",)),
    Case("ServiceDown", UP | dict.fromkeys([name for name in UP if "doc-service" in name], flat(0)), ("page",)),
    Case("ServiceDown", {**UP, 'up{service="doc-service", instance="b"}': flat(0)}),
    Case("InstanceDown", {**UP, 'up{service="doc-service", instance="b"}': flat(0)}, ("ticket",)),
    Case("InstanceDown", {**UP, 'up{service="doc-service", instance="b"}': f"1x112 0x{STEPS - 113}"}),
    *symptom("DatabaseAway", "page", f'readiness_check_passes{{{ENTITY}, check="database"}}', flat(0), flat(1)),
    *symptom("TemporalAway", "page", f'readiness_check_passes{{{ENGINE}, check="temporal"}}', flat(0), flat(1)),
    *symptom("ConsumersNotReady", "page", f'readiness_check_passes{{{ENTITY}, check="consumers"}}', flat(0), flat(1)),
    *symptom("RunsOverdue", "page", f"runs_overdue{{{ENGINE}}}", flat(1), "0x119 1 1 0x100"),
    *symptom("RunsStalled", "ticket", f"runs_stalled{{{ENGINE}}}", flat(1), flat(0)),
    Case("TemporalBehind", {**UP, f"runs_unscheduled{{{ENGINE}}}": flat(100), STARTED: rising(60)}, ("page",)),
    Case("TemporalBehind", {**UP, f"runs_unscheduled{{{ENGINE}}}": flat(100), STARTED: rising(600)}),
    Case("TemporalBehind", {**UP, f"runs_unscheduled{{{ENGINE}}}": flat(0), STARTED: flat(7)}),
    *rose("ExecutionsRepaired", f'executions_repaired_total{{{ENGINE}, what="missing"}}'),
    *rose("StepsUnwritable", f"steps_unwritable_total{{{ENGINE}}}"),
    *symptom("OutboxParked", "page", f"outbox_parked_rows{{{ENTITY}}}", flat(1), flat(0)),
    *symptom("OutboxOld", "page", f"outbox_oldest_seconds{{{ENTITY}}}", rising(60), flat(119)),
    Case("ConsumerStalled", {**UP, f"consumer_lag{{{CONSUMER}}}": flat(3)}, ("page",)),
    Case(
        "ConsumerStalled",
        {**UP, f"consumer_lag{{{CONSUMER}}}": flat(3), f'messages_total{{{CONSUMER}, outcome="handled"}}': rising(1)},
    ),
    Case(
        "ConsumerStalled",
        {**UP, f"consumer_lag{{{CONSUMER}}}": flat(3), f'dead_letters_total{{{CONSUMER}, reason="failed"}}': rising(1)},
    ),
    Case(
        "ConsumerStalled",
        {
            **UP,
            f"consumer_lag{{{CONSUMER}}}": rising(1),
            f'messages_total{{{CONSUMER.replace("commands", "events")}, outcome="handled"}}': rising(1),
        },
        ("page",),
    ),
    *symptom("DeadLettersOpen", "ticket", f"dead_letters_open{{{ENTITY}}}", flat(1), flat(0)),
    *symptom("DeadLettersGrowing", "page", f"dead_letters_open{{{ENTITY}}}", rising(1), flat(100)),
    *rose("PoisonCommands", f'poison_commands_total{{{ENTITY}, type="crm.item.move.v1"}}'),
    *rose("CommandIdConflicts", f'command_id_conflicts_total{{{ENTITY}, type="crm.item.move.v1"}}'),
    *symptom("WorkOverdue", "page", f"work_oldest_due_seconds{{{ENTITY}}}", rising(60), flat(100)),
    *rose("WorkGivenUp", f'work_total{{{ENTITY}, kind="render", outcome="given_up"}}'),
    *symptom("InboxDaysMissing", "page", f"inbox_days_ahead{{{ENTITY}}}", flat(0), flat(2)),
    *symptom(
        "CertificateEnds",
        "page",
        f'certificate_ends_timestamp_seconds{{{ENTITY}, setting="kafka_ca_file"}}',
        flat(13 * DAY),
        flat(20 * DAY),
    ),
    *symptom(
        "ServiceTokenEnds",
        "page",
        'service_token_ends_timestamp_seconds{service="trigger-service", called="entity-service"}',
        flat(2 * HOUR + 300),
        flat(2 * HOUR + 700),
    ),
]
