"""What the kit counts, and how it is exposed. Services define theirs beside the code that counts."""

from opentelemetry import trace
from prometheus_client import REGISTRY, Counter, Gauge, Histogram
from prometheus_client.exposition import choose_encoder

from contracts.kit.telemetry.traces import trace_id

AGES = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)

OUTBOX_PUBLISHED = Counter("outbox_published_total", "Outbox rows acknowledged by the broker")
OUTBOX_PARKED = Counter("outbox_parked_total", "Outbox rows the broker refuses for ever; each parks its key")
OUTBOX_PENDING = Gauge("outbox_pending", "Outbox rows waiting for the relay")
OUTBOX_PARKED_ROWS = Gauge("outbox_parked_rows", "Outbox rows that the broker refused for ever and that park their key")
OUTBOX_OLDEST = Gauge("outbox_oldest_seconds", "Age of the oldest outbox row that no parked one holds up")
OUTBOX_TENANTS = Gauge("outbox_tenants", "Tenants that rows in the outbox are of")
OUTBOX_LARGEST = Gauge("outbox_of_one_tenant", "The most rows of one tenant in the outbox")
READINESS = Gauge("readiness_check_passes", "1 while this part of readiness is there, else 0", ["check"])
INBOX_DAYS_AHEAD = Gauge("inbox_days_ahead", "Days to come that the inbox has a partition for")
INBOX_PARTITIONS = Gauge("inbox_partitions", "Days that the inbox has a partition for")
WORK_PENDING = Gauge("work_pending", "Leased work that is not done yet")
WORK_LEASED = Gauge("work_leased", "Leased work in a worker's hands")
WORK_OLDEST_DUE = Gauge("work_oldest_due_seconds", "How long the work that is due and not leased is overdue")
WORK_DUE = Gauge("work_due", "Work that is due and not leased", ["kind"])
WORK_TENANTS_DUE = Gauge("work_tenants_due", "Tenants of which work is due and not leased", ["kind"])
WORK_RUNNING = Gauge("work_running", "Leased work in a worker's hands, by kind", ["kind"])
WORK_LARGEST = Gauge("work_running_of_one_tenant", "The most work of one tenant in workers' hands", ["kind"])
WORK = Counter("work_total", "Leased work", ["kind", "outcome"])
WORK_SECONDS = Histogram("work_seconds", "Duration of an attempt at leased work", ["kind"])
MESSAGES = Counter("messages_total", "Messages consumed", ["topic", "outcome"])
EVENT_AGE = Histogram("message_age_seconds", "Age of a message when its effect is committed", ["topic"], buckets=AGES)
CONSUMER_LAG = Gauge("consumer_lag", "Messages of the assigned partitions that are not taken in yet", ["topic"])
DEAD_LETTERS = Counter("dead_letters_total", "Messages put aside", ["topic", "reason"])
DEAD_LETTERS_OPEN = Gauge("dead_letters_open", "Dead letters that wait for a decision, or for their replay")
COMMANDS_RECEIVED = Counter("commands_received_total", "Commands taken in, each once", ["type"])
COMMANDS_FINISHED = Counter("commands_finished_total", "Commands with a final result", ["type", "outcome"])
POISON_COMMANDS = Counter("poison_commands_total", "Commands answered as failed since their data raised", ["type"])
COMMAND_ID_CONFLICTS = Counter("command_id_conflicts_total", "Command ids that came under two tenants", ["type"])
QUOTA_REFUSALS = Counter("quota_refusals_total", "What was refused because a tenant's quota is used up", ["quota"])
CERTIFICATE_ENDS = Gauge("certificate_ends_timestamp_seconds", "When the certificate of a file ends", ["setting"])
SERVICE_TOKEN_ENDS = Gauge(
    "service_token_ends_timestamp_seconds", "When the token ends that another service is shown", ["called"]
)
HTTP_SECONDS = Histogram("http_request_seconds", "Duration of requests", ["method", "route", "status"])
HTTP_CLIENT_SECONDS = Histogram("http_client_seconds", "Duration of calls to others", ["peer", "method", "status"])


def observe(histogram: Histogram, value: float, traceparent: str | None = None) -> None:
    """Observes `value` with the trace it belongs to as its exemplar: that of `traceparent`, else the present one."""
    id = trace_id(traceparent) if traceparent else _present_trace()
    histogram.observe(value, {"trace_id": id} if id else None)


def _present_trace() -> str | None:
    span = trace.get_current_span().get_span_context()
    return format(span.trace_id, "032x") if span.is_valid else None


def expose(accept: str) -> tuple[bytes, str]:
    """All metrics and their media type: OpenMetrics, with exemplars, for who asks for it; else Prometheus' text."""
    encode, media_type = choose_encoder(accept)
    return encode(REGISTRY), media_type
