"""One dashboard per service: what the kit counts, and what the service counts besides."""

from collections.abc import Iterator

from contracts.topics import TOPICS
from deployment.dashboards import kit
from deployment.dashboards.panels import AnyPanel, Rows, Series, graph

OWNERS_OF_SHARES = ("rule-engine", "doc-service")
CALLERS = ("entity-service", "rule-engine", "comms-service", "trigger-service")
"""Those that ask other services or providers."""
COMMAND_TOPICS = [topic for topic in TOPICS if ".commands." in topic.name]


def rows_of(service: str) -> Rows:
    of = Series(service)
    return {**_own(of), **dict(_shared(of))}


def _shared(of: Series) -> Iterator[tuple[str, list[AnyPanel]]]:
    yield "Requests", [*kit.requests(of), *(kit.calls(of) if of.service in CALLERS else [])]
    yield "Messages", kit.messages(of)
    yield "Outbox", kit.outbox(of)
    if any(of.service in topic.groups for topic in COMMAND_TOPICS):
        yield "Commands", kit.commands(of)
    yield "Work", kit.work(of)
    if of.service in OWNERS_OF_SHARES:
        yield "Shares", kit.shares(of)
    yield "Process", kit.process(of)


def _own(of: Series) -> Rows:
    match of.service:
        case "rule-engine":
            return {"Runs": _runs(of), "Rules": _rules(of)}
        case "comms-service":
            return {"Deliveries": _deliveries(of)}
        case "trigger-service":
            return {"Arrivals": _arrivals(of)}
        case _:
            return {}


def _runs(of: Series) -> list[AnyPanel]:
    return [
        graph(
            "Lateness",
            "s",
            "From the moment a waiting run was due until its step was committed.",
            (of.quantile(0.5, "timer_lateness_seconds"), "half"),
            (of.quantile(0.99, "timer_lateness_seconds"), "99 of 100"),
        ),
        graph(
            "Unfinished runs",
            "short",
            "Overdue runs should have been looked at over a minute ago; stalled ones could not go on three times.",
            (of.table("runs_waiting"), "unfinished"),
            (of.table("runs_overdue"), "overdue"),
            (of.table("runs_overdue_tenants"), "tenants with overdue runs"),
            (of.table("runs_stalled"), "stalled"),
            (of.table("runs_unscheduled"), "not in Temporal yet"),
        ),
        graph(
            "Executions started",
            "ops",
            "In Temporal: at once, or delayed until the rule is due.",
            (of.rate("executions_started_total", "how"), "{{how}}"),
        ),
        graph(
            "Mended and put off",
            "short",
            "In the time that is looked at. `missing` and `stray` executions are 0 when all is well.",
            (of.times("executions_repaired_total", "what"), "{{what}} execution"),
            (of.times("runs_put_off_total", "cause"), "put off: {{cause}}"),
            (of.times("run_states_newer_total"), "state of a newer release"),
            (of.times("steps_unwritable_total"), "step that could not be written"),
        ),
        graph(
            "Commands to owners",
            "ops",
            "Each once; asked again when no final result came.",
            (of.rate("commands_issued_total", "type"), "{{type}}"),
            (of.rate("commands_asked_again_total"), "asked again"),
        ),
    ]


def _rules(of: Series) -> list[AnyPanel]:
    return [
        graph(
            "Decisions", "ops", "By the state that they brought.", (of.rate("decisions_total", "state"), "{{state}}")
        ),
        graph("Rules", "ops", "By the state that they came to.", (of.rate("rule_states_total", "state"), "{{state}}")),
        graph(
            "Decisions over budget",
            "short",
            "In the time that is looked at: they took more work than one may, and failed their rule.",
            (of.times("decisions_over_budget_total"), "decisions"),
        ),
    ]


def _deliveries(of: Series) -> list[AnyPanel]:
    return [
        graph(
            "Messages to people",
            "mps",
            "By the status that they came to.",
            (of.rate("message_statuses_total", "kind", "status"), "{{kind}} {{status}}"),
        ),
        graph(
            "Attempts to hand over",
            "ops",
            "`in_doubt`: the provider did not say whether it took the message.",
            (of.rate("delivery_attempts_total", "kind", "outcome"), "{{kind}} {{outcome}}"),
        ),
    ]


def _arrivals(of: Series) -> list[AnyPanel]:
    return [
        graph(
            "Arrivals",
            "ops",
            "By trigger type and verdict.",
            (of.rate("arrivals_total", "type", "verdict"), "{{type}} {{verdict}}"),
        ),
        graph(
            "Arrivals over budget",
            "short",
            "In the time that is looked at: their conditions took more work than one may.",
            (of.times("arrivals_over_budget_total"), "arrivals"),
        ),
    ]
