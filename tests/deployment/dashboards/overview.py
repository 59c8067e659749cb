"""For those who watch an installation: the promises first, then what threatens them, then how much goes on."""

from deployment.dashboards.panels import AnyPanel, Rows, Series, graph, number

ALL = Series()
IN_TIME_S = 5
"""An effect is in time when it is no later than this."""


def rows() -> Rows:
    return {
        "Promises: 0 when all is well": _promises(),
        "Late": _late(),
        "Waiting": _waiting(),
        "Errors": _errors(),
        "Tried again": _tried_again(),
        "Saturation": _saturation(),
    }


def _promises() -> list[AnyPanel]:
    runs = "Of the rule engine: first look at Temporal, then at the engine's own dashboard."
    return [
        number(
            "Dead letters",
            "Messages put aside that wait for a decision: `stack dlq`, `docs/dead-letters.md`.",
            f"sum({ALL.table('dead_letters_open', 'service')})",
        ),
        number(
            "Outbox rows parked",
            "The broker refused them for ever; each stops its key.",
            f"sum({ALL.table('outbox_parked_rows', 'service')})",
        ),
        number("Runs overdue", f"Should have been looked at over a minute ago. {runs}", ALL.table("runs_overdue")),
        number("Runs stalled", f"Could not go on three times in a row. {runs}", ALL.table("runs_stalled")),
        number(
            "Executions repaired",
            "Were missing in Temporal, or stray, in the time that is looked at.",
            ALL.times("executions_repaired_total"),
        ),
        number(
            "Steps unwritable",
            "A step that PostgreSQL or the outbox refused although nothing was away: a defect of the engine.",
            ALL.times("steps_unwritable_total"),
        ),
        number(
            "Command ids of two tenants",
            "A producer makes ids up: look at `ce_source` in the logs.",
            ALL.times("command_id_conflicts_total"),
        ),
        number(
            "Work given up",
            "In all its attempts it could not be done; its thing says why.",
            ALL.times("work_total", where='outcome="given_up"'),
        ),
    ]


def _late() -> list[AnyPanel]:
    late = "timer_lateness_seconds"
    in_time = ALL.rate(f"{late}_bucket", where=f'le="{IN_TIME_S}.0"')
    return [
        graph(
            "Rules in time",
            "percentunit",
            f"The share of waiting rules whose step was committed within {IN_TIME_S} s of their due time.",
            (f"{in_time} / {ALL.rate(f'{late}_count')}", "in time"),
        ),
        graph(
            "Lateness of rules",
            "s",
            "From the moment a waiting run was due until its step was committed.",
            (ALL.quantile(0.5, late), "half"),
            (ALL.quantile(0.99, late), "99 of 100"),
        ),
        graph(
            "Age of messages",
            "s",
            "From a message's own time until its effect was committed, for 99 of 100.",
            (ALL.quantile(0.99, "message_age_seconds", "service"), "{{service}}"),
        ),
        graph(
            "Time of requests",
            "s",
            "99 of 100 were faster.",
            (ALL.quantile(0.99, "http_request_seconds", "service"), "{{service}}"),
        ),
        graph(
            "Age of outboxes",
            "s",
            "Of the oldest row: growing, the broker or the relay is slow.",
            (ALL.table("outbox_oldest_seconds", "service"), "{{service}}"),
        ),
        graph(
            "Wait for a worker",
            "s",
            "Of the oldest work that is due.",
            (ALL.table("work_oldest_due_seconds", "service"), "{{service}}"),
        ),
    ]


def _waiting() -> list[AnyPanel]:
    return [
        graph(
            "Lag of consumers",
            "short",
            "Messages that are not taken in yet.",
            (ALL.process("consumer_lag", "service"), "{{service}}"),
        ),
        graph(
            "Rows in outboxes",
            "short",
            "Many rows of few tenants are an import; many of many tenants are a slow broker.",
            (ALL.table("outbox_pending", "service"), "{{service}}"),
            (ALL.table("outbox_tenants", "service"), "{{service}}: tenants"),
        ),
        graph(
            "Work",
            "short",
            "Not done yet, work for later included.",
            (ALL.table("work_pending", "service"), "{{service}}"),
        ),
        graph(
            "Unfinished runs",
            "short",
            "Waits are no fault; overdue runs of one tenant are its own burst.",
            (ALL.table("runs_waiting"), "unfinished"),
            (ALL.table("runs_overdue_tenants"), "tenants with overdue runs"),
        ),
        graph("Messages", "mps", "Taken in.", (ALL.rate("messages_total", "service"), "{{service}}")),
        graph("Requests", "reqps", "Answered.", (ALL.rate("http_request_seconds_count", "service"), "{{service}}")),
    ]


def _errors() -> list[AnyPanel]:
    return [
        graph(
            "Processes that are not ready",
            "short",
            "By the part of readiness that is away.",
            (f"sum by (service, check) (1 - {ALL.of('readiness_check_passes')})", "{{service}} {{check}}"),
        ),
        graph(
            "Requests that failed",
            "reqps",
            "Status 500 and above.",
            (
                ALL.rate("http_request_seconds_count", "service", "status", where='status=~"5.."'),
                "{{service}} {{status}}",
            ),
        ),
        graph(
            "Calls that failed",
            "reqps",
            "Of other services and providers, by who was called; `none`: nobody answered.",
            (
                ALL.rate("http_client_seconds_count", "peer", "status", where='status=~"5..|none"'),
                "{{peer}} {{status}}",
            ),
        ),
        graph(
            "Dead letters",
            "short",
            "Messages put aside in the time that is looked at.",
            (ALL.times("dead_letters_total", "service", "topic", "reason"), "{{service}} {{topic}} {{reason}}"),
        ),
        graph(
            "Commands that failed",
            "short",
            "In the time that is looked at; `by data`: they raised, and would raise again.",
            (ALL.times("commands_finished_total", "type", where='outcome="failed"'), "{{type}}"),
            (ALL.times("poison_commands_total", "type"), "{{type}} by data"),
        ),
    ]


def _tried_again() -> list[AnyPanel]:
    return [
        graph(
            "Runs put off",
            "short",
            "In the time that is looked at: by an outage of another service, a newer release's state, a defect.",
            (ALL.times("runs_put_off_total", "cause"), "{{cause}}"),
        ),
        graph(
            "Work tried again",
            "short",
            "In the time that is looked at.",
            (ALL.times("work_total", "service", "kind", where='outcome="retried"'), "{{service}} {{kind}}"),
        ),
    ]


def _saturation() -> list[AnyPanel]:
    return [
        graph(
            "Processor",
            "none",
            "Cores in use.",
            (ALL.rate("process_cpu_seconds_total", "service", "instance"), "{{service}} {{instance}}"),
        ),
        graph(
            "Memory",
            "bytes",
            "Resident.",
            (ALL.process("process_resident_memory_bytes", "service", "instance"), "{{service}} {{instance}}"),
        ),
        graph(
            "Places in use",
            "short",
            "Of work that tenants share, and requests that wait for one.",
            (ALL.process("share_places_held", "kind"), "{{kind}}"),
            (ALL.process("share_requests_waiting", "kind"), "{{kind}}: waiting"),
        ),
        graph(
            "Work in workers' hands",
            "short",
            "Near the number of workers while work is due: more replicas.",
            (ALL.table("work_leased", "service"), "{{service}}"),
        ),
        *_ends(),
        graph(
            "Refused by quota",
            "short",
            "In the time that is looked at; see `docs/security.md`.",
            (ALL.times("quota_refusals_total", "service", "quota"), "{{service}} {{quota}}"),
        ),
    ]


def _ends() -> list[AnyPanel]:
    return [
        graph(
            "Certificates end in",
            "s",
            "The first that ends, by service and setting; 0: it has ended, or its file cannot be read.",
            (
                f"clamp_min(min by (service, setting) ({ALL.of('certificate_ends_timestamp_seconds')}) - time(), 0)",
                "{{service}} {{setting}}",
            ),
        ),
        graph(
            "Service tokens end in",
            "s",
            "The first that ends, by service and whom it asks; 0: it has ended, or its file cannot be read.",
            (
                f"clamp_min(min by (service, called) ({ALL.of('service_token_ends_timestamp_seconds')}) - time(), 0)",
                "{{service}} {{called}}",
            ),
        ),
    ]
