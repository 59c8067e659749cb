"""Series that are shown before anything is counted: one that appears with its first event never rose for Prometheus."""

from collections.abc import Iterable
from itertools import product

from prometheus_client.metrics import MetricWrapperBase

from contracts.kit.telemetry import metrics

_REASONS = ("undecodable", "invalid", "failed", "outside_inbox", "unreadable")
_RESULTS = ("done", "refused", "failed")
_ATTEMPTS = ("done", "retried", "given_up")


def show(metric: MetricWrapperBase, *labels: Iterable[str]) -> None:
    """Every combination of the labels' values, 0 until it is counted; without labels, as it is."""
    for values in product(*labels):
        metric.labels(*values)


def show_work(kinds: Iterable[str]) -> None:
    known = tuple(kinds)
    show(metrics.WORK, known, _ATTEMPTS)
    show(metrics.WORK_SECONDS, known)


def show_commands(types: Iterable[str]) -> None:
    known = tuple(types)
    show(metrics.COMMANDS_FINISHED, known, _RESULTS)
    for metric in (metrics.COMMANDS_RECEIVED, metrics.POISON_COMMANDS, metrics.COMMAND_ID_CONFLICTS):
        show(metric, known)


def show_topics(topics: Iterable[str]) -> None:
    show(metrics.DEAD_LETTERS, topics, _REASONS)
