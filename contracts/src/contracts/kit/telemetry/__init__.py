"""Traces (OTLP), metrics (Prometheus) and logs (JSON lines) of every service; `docs/observability.md` lists them.

No tenant or item id is a metric label. Logs and spans carry ids, never names, addresses, texts or secrets.
"""

from opentelemetry.sdk.trace import TracerProvider

from contracts.kit.settings import ServiceSettings
from contracts.kit.telemetry.context import about, note
from contracts.kit.telemetry.logs import redacted, set_up_logs
from contracts.kit.telemetry.metrics import (
    CERTIFICATE_ENDS,
    COMMAND_ID_CONFLICTS,
    COMMANDS_FINISHED,
    COMMANDS_RECEIVED,
    CONSUMER_LAG,
    DEAD_LETTERS,
    DEAD_LETTERS_OPEN,
    EVENT_AGE,
    HTTP_CLIENT_SECONDS,
    HTTP_SECONDS,
    INBOX_DAYS_AHEAD,
    INBOX_PARTITIONS,
    MESSAGES,
    OUTBOX_LARGEST,
    OUTBOX_OLDEST,
    OUTBOX_PARKED,
    OUTBOX_PARKED_ROWS,
    OUTBOX_PENDING,
    OUTBOX_PUBLISHED,
    OUTBOX_TENANTS,
    POISON_COMMANDS,
    QUOTA_REFUSALS,
    READINESS,
    SERVICE_TOKEN_ENDS,
    WORK,
    WORK_DUE,
    WORK_LARGEST,
    WORK_LEASED,
    WORK_OLDEST_DUE,
    WORK_PENDING,
    WORK_RUNNING,
    WORK_SECONDS,
    WORK_TENANTS_DUE,
    expose,
    observe,
)
from contracts.kit.telemetry.requests import TraceRequests
from contracts.kit.telemetry.traces import (
    SAME_TRACE_FOR,
    concerning,
    failed,
    handling,
    published,
    set_up_traces,
    span,
    stamped,
    trace_id,
    traceparent,
)
from contracts.kit.telemetry.zeros import show, show_commands, show_topics, show_work


def set_up(service: str, settings: ServiceSettings) -> TracerProvider:
    """Configures logs and traces of this process; returns the provider, to be shut down at the end."""
    set_up_logs(service, settings.log_level)
    return set_up_traces(service, settings.otlp_endpoint)


__all__ = [
    "CERTIFICATE_ENDS",
    "COMMANDS_FINISHED",
    "COMMANDS_RECEIVED",
    "COMMAND_ID_CONFLICTS",
    "CONSUMER_LAG",
    "DEAD_LETTERS",
    "DEAD_LETTERS_OPEN",
    "EVENT_AGE",
    "HTTP_CLIENT_SECONDS",
    "HTTP_SECONDS",
    "INBOX_DAYS_AHEAD",
    "INBOX_PARTITIONS",
    "MESSAGES",
    "OUTBOX_LARGEST",
    "OUTBOX_OLDEST",
    "OUTBOX_PARKED",
    "OUTBOX_PARKED_ROWS",
    "OUTBOX_PENDING",
    "OUTBOX_PUBLISHED",
    "OUTBOX_TENANTS",
    "POISON_COMMANDS",
    "QUOTA_REFUSALS",
    "READINESS",
    "SAME_TRACE_FOR",
    "SERVICE_TOKEN_ENDS",
    "WORK",
    "WORK_DUE",
    "WORK_LARGEST",
    "WORK_LEASED",
    "WORK_OLDEST_DUE",
    "WORK_PENDING",
    "WORK_RUNNING",
    "WORK_SECONDS",
    "WORK_TENANTS_DUE",
    "TraceRequests",
    "about",
    "concerning",
    "expose",
    "failed",
    "handling",
    "note",
    "observe",
    "published",
    "redacted",
    "set_up",
    "show",
    "show_commands",
    "show_topics",
    "show_work",
    "span",
    "stamped",
    "trace_id",
    "traceparent",
]
