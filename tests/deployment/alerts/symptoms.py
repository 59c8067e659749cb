"""What is 0, or there, when all is well."""

from collections.abc import Iterator
from datetime import timedelta

from contract.openapi import SERVICES
from deployment.alerts.model import BY_SERVICE, EVERY_SERVICE, Alert, Timing, of, span

ENGINE = "rule-engine"
CERTIFICATES_AHEAD = timedelta(days=14)
TOKENS_AHEAD = timedelta(minutes=10)
MANY_LETTERS = 10
UNSCHEDULED_S = 60
"""So many seconds' worth of starts is what a scheduler may have before it."""


def symptoms(timing: Timing) -> Iterator[Alert]:
    yield from _servers(timing)
    yield from _runs(timing)
    yield from _messages(timing)
    yield from _work(timing)
    yield from _calendar(timing)


def _servers(timing: Timing) -> Iterator[Alert]:
    yield Alert(
        "ServiceDown",
        "page",
        " or ".join(_without(service) for service in SERVICES),
        "No process of {{ $labels.service }} answers.",
        timing.soon,
    )
    down = f"{of('up')} == 0"
    yield Alert(
        "InstanceDown",
        "ticket",
        down,
        "{{ $labels.instance }} of {{ $labels.service }} does not answer.",
        timing.later,
    )
    parts = {
        "DatabaseAway": ("database", EVERY_SERVICE, "{{ $labels.service }} does not reach its database."),
        "TemporalAway": ("temporal", ENGINE, "rule-engine does not reach Temporal: nothing that waits becomes due."),
        "ConsumersNotReady": (
            "consumers",
            EVERY_SERVICE,
            "A consumer of {{ $labels.service }} has no partitions, or does not hear from Kafka.",
        ),
    }
    for name, (check, service, summary) in parts.items():
        passes = of("readiness_check_passes", service, f'check="{check}"')
        yield Alert(name, "page", f"min by ({BY_SERVICE}) ({passes}) == 0", summary, timing.soon)


def _without(service: str) -> str:
    """0, with the service's label, while no process of it answers; also when none is known."""
    known = f'label_replace(vector(0), "service", "{service}", "", "")'
    return f"(sum by ({BY_SERVICE}) ({of('up', service)}) or on (service) {known}) == 0"


def _runs(timing: Timing) -> Iterator[Alert]:
    overdue, stalled, unscheduled = (_most(of(f"runs_{one}", ENGINE)) for one in ("overdue", "stalled", "unscheduled"))
    yield Alert(
        "RunsOverdue", "page", f"{overdue} > 0", "{{ $value }} runs are overdue by more than a minute.", timing.soon
    )
    yield Alert(
        "RunsStalled",
        "ticket",
        f"{stalled} > 0",
        "{{ $value }} runs could not go on three times in a row.",
        timing.later,
    )
    started = f"sum by ({BY_SERVICE}) (rate({of('executions_started_total', ENGINE)}[{span(timing.recent)}]))"
    yield Alert(
        "TemporalBehind",
        "page",
        f"{unscheduled} > {UNSCHEDULED_S} * {started}",
        "{{ $value }} runs wait for Temporal to take their execution: over a minute's worth.",
        timing.soon,
    )
    yield _rose(timing, "ExecutionsRepaired", "executions_repaired_total", "executions {{ $labels.what }}", "what")
    yield _rose(timing, "StepsUnwritable", "steps_unwritable_total", "steps of runs could not be written")


def _messages(timing: Timing) -> Iterator[Alert]:
    yield Alert(
        "OutboxParked",
        "page",
        f"{_most(of('outbox_parked_rows'))} > 0",
        "Kafka refused {{ $value }} messages of {{ $labels.service }} for ever; their keys stand still.",
        timing.soon,
    )
    yield Alert(
        "OutboxOld",
        "page",
        f"{_most(of('outbox_oldest_seconds'))} > {timing.old.total_seconds():g}",
        "A message of {{ $labels.service }} has waited for {{ $value | humanizeDuration }} to be published.",
        timing.soon,
    )
    yield Alert(
        "ConsumerStalled",
        "page",
        _stalled(timing),
        "{{ $labels.service }} handles nothing of {{ $labels.topic }}, though {{ $value }} messages wait.",
        timing.soon,
    )
    yield Alert(
        "DeadLettersOpen",
        "ticket",
        f"{_most(of('dead_letters_open'))} > 0",
        "{{ $value }} dead letters of {{ $labels.service }} wait for a decision.",
    )
    grown = f"max by ({BY_SERVICE}) (delta({of('dead_letters_open')}[{span(timing.recent)}]))"
    yield Alert(
        "DeadLettersGrowing",
        "page",
        f"{grown} >= {MANY_LETTERS}",
        "{{ $labels.service }} put {{ $value | humanize }} messages aside lately.",
    )
    yield _rose(timing, "PoisonCommands", "poison_commands_total", "{{ $labels.type }} failed by its data", "type")
    yield _rose(
        timing,
        "CommandIdConflicts",
        "command_id_conflicts_total",
        "two tenants sent one {{ $labels.type }}",
        "type",
    )


def _stalled(timing: Timing) -> str:
    """Messages wait at a process that has neither handled nor put aside any lately."""
    by, recent = f"{BY_SERVICE}, instance, topic", span(timing.recent)
    done = " or ".join(
        f"sum by ({by}) (increase({of(name)}[{recent}])) > 0" for name in ("messages_total", "dead_letters_total")
    )
    return f"sum by ({by}) ({of('consumer_lag')}) > 0 unless ({done})"


def _work(timing: Timing) -> Iterator[Alert]:
    yield Alert(
        "WorkOverdue",
        "page",
        f"{_most(of('work_oldest_due_seconds'))} > {timing.old.total_seconds():g}",
        "Work of {{ $labels.service }} has been due for {{ $value | humanizeDuration }}, and nobody does it.",
        timing.later,
    )
    given_up = of("work_total", EVERY_SERVICE, 'outcome="given_up"')
    yield Alert(
        "WorkGivenUp",
        "ticket",
        f"sum by ({BY_SERVICE}, kind) (increase({given_up}[{span(timing.recent)}])) > 0",
        "{{ $labels.kind }} of {{ $labels.service }} was given up.",
    )


def _calendar(timing: Timing) -> Iterator[Alert]:
    yield Alert(
        "InboxDaysMissing",
        "page",
        f"min by ({BY_SERVICE}) ({of('inbox_days_ahead')}) < 1",
        "The inbox of {{ $labels.service }} has no partition for tomorrow: from midnight (UTC) on nothing is taken in.",
        timing.later,
    )
    ends = f"min by ({BY_SERVICE}, setting) ({of('certificate_ends_timestamp_seconds')}) - time()"
    yield Alert(
        "CertificateEnds",
        "page",
        f"{ends} < {CERTIFICATES_AHEAD.total_seconds():.0f}",
        "{{ $labels.setting }} of {{ $labels.service }} ends in {{ $value | humanizeDuration }}.",
        timing.soon,
    )
    left = f"min by ({BY_SERVICE}, called) ({of('service_token_ends_timestamp_seconds')}) - time()"
    yield Alert(
        "ServiceTokenEnds",
        "page",
        f"{left} < {TOKENS_AHEAD.total_seconds():.0f}",
        "The token of {{ $labels.service }} for {{ $labels.called }} ends in {{ $value | humanizeDuration }}.",
        timing.soon,
    )


def _most(metric: str) -> str:
    """Of tables: every replica shows the same."""
    return f"max by ({BY_SERVICE}) ({metric})"


def _rose(timing: Timing, name: str, counter: str, summary: str, *labels: str) -> Alert:
    by = ", ".join((BY_SERVICE, *labels))
    expression = f"sum by ({by}) (increase({of(counter)}[{span(timing.recent)}])) > 0"
    return Alert(name, "ticket", expression, f"{{{{ $labels.service }}}}: {summary}")
