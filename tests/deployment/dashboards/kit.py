"""Rows that the dashboards of several services have."""

from deployment.dashboards.panels import AnyPanel, Series, graph


def requests(of: Series) -> list[AnyPanel]:
    by_status = of.rate("http_request_seconds_count", "method", "status")
    return [
        graph(
            "Requests", "reqps", "Answered requests, without health and metrics.", (by_status, "{{method}} {{status}}")
        ),
        graph(
            "Slowest routes",
            "s",
            "99 of 100 requests were faster. The ten slowest routes.",
            (f"topk(10, {of.quantile(0.99, 'http_request_seconds', 'method', 'route')})", "{{method}} {{route}}"),
        ),
    ]


def calls(of: Series) -> list[AnyPanel]:
    return [
        graph(
            "Calls of others",
            "s",
            "99 of 100 calls of another service or a provider were faster.",
            (of.quantile(0.99, "http_client_seconds", "peer"), "{{peer}}"),
        ),
    ]


def messages(of: Series) -> list[AnyPanel]:
    return [
        graph(
            "Messages consumed",
            "mps",
            "`repeated` were taken in before, `skipped` are of a type that the service does not know.",
            (of.rate("messages_total", "topic", "outcome"), "{{topic}} {{outcome}}"),
        ),
        graph(
            "Age of messages",
            "s",
            "From a message's own time until its effect was committed, for 99 of 100.",
            (of.quantile(0.99, "message_age_seconds", "topic"), "{{topic}}"),
        ),
        graph(
            "Lag",
            "short",
            "Messages of the partitions that are not taken in yet.",
            (of.process("consumer_lag", "topic"), "{{topic}}"),
        ),
        graph(
            "Dead letters",
            "short",
            "Messages put aside; see `docs/dead-letters.md`.",
            (of.table("dead_letters_open"), "open"),
            (of.times("dead_letters_total", "topic", "reason"), "{{topic}} {{reason}}"),
        ),
        graph(
            "Partitions of the inbox",
            "short",
            "The days kept, today, and two to come. Without a day ahead nothing is taken in from midnight on.",
            (of.table("inbox_partitions"), "days"),
            (of.table("inbox_days_ahead"), "of them to come"),
        ),
    ]


def outbox(of: Series) -> list[AnyPanel]:
    return [
        graph(
            "Outbox",
            "short",
            "Rows that the relay has yet to publish, and the most of one tenant.",
            (of.table("outbox_pending"), "rows"),
            (of.table("outbox_of_one_tenant"), "of one tenant"),
            (of.table("outbox_tenants"), "tenants"),
        ),
        graph("Age of the outbox", "s", "Of its oldest row.", (of.table("outbox_oldest_seconds"), "oldest")),
        graph(
            "Published",
            "mps",
            "Rows that the broker acknowledged, and those that it refused for ever.",
            (of.rate("outbox_published_total"), "published"),
            (of.times("outbox_parked_total"), "parked in this time"),
            (of.table("outbox_parked_rows"), "parked now"),
        ),
    ]


def commands(of: Series) -> list[AnyPanel]:
    return [
        graph(
            "Commands",
            "mps",
            "Taken in, each once.",
            (of.rate("commands_received_total", "type"), "{{type}}"),
        ),
        graph(
            "Results",
            "mps",
            "`refused` with a reason that the rule shows; `failed` could not be done.",
            (of.rate("commands_finished_total", "type", "outcome"), "{{type}} {{outcome}}"),
        ),
        graph(
            "Commands that failed by their data",
            "short",
            "In the time that is looked at. Ids that two tenants used are a producer's defect.",
            (of.times("poison_commands_total", "type"), "{{type}}"),
            (of.times("command_id_conflicts_total", "type"), "{{type}}, id of another tenant"),
        ),
    ]


def work(of: Series) -> list[AnyPanel]:
    return [
        graph(
            "Work",
            "short",
            "Leased work that is not done yet; work for later is part of it.",
            (of.table("work_pending"), "not done"),
            (of.table("work_leased"), "in workers' hands"),
        ),
        graph("Wait for a worker", "s", "Of the work that is due.", (of.table("work_oldest_due_seconds"), "oldest")),
        graph(
            "Work due",
            "short",
            "Many pieces of few tenants are one tenant's own wait; many tenants mean that the service is too slow.",
            (of.table("work_due", "kind"), "{{kind}}"),
            (of.table("work_tenants_due", "kind"), "{{kind}}: tenants"),
        ),
        graph(
            "Work in hand",
            "short",
            "And the most that one tenant has.",
            (of.table("work_running", "kind"), "{{kind}}"),
            (of.table("work_running_of_one_tenant", "kind"), "{{kind}}: of one tenant"),
        ),
        graph(
            "Attempts",
            "ops",
            "`given_up`: its thing says why.",
            (of.rate("work_total", "kind", "outcome"), "{{kind}} {{outcome}}"),
        ),
        graph("Time of an attempt", "s", "For 99 of 100.", (of.quantile(0.99, "work_seconds", "kind"), "{{kind}}")),
    ]


def shares(of: Series) -> list[AnyPanel]:
    return [
        graph(
            "Places",
            "short",
            "Taken places of work that tenants share, and the most that one tenant holds.",
            (of.process("share_places_held", "kind"), "{{kind}}"),
            (of.table("share_places_of_one_tenant", "kind"), "{{kind}}: of one tenant"),
        ),
        graph(
            "Waiting for a place",
            "short",
            "Requests, and the tenants that they are of.",
            (of.process("share_requests_waiting", "kind"), "{{kind}}"),
            (of.table("share_tenants_waiting", "kind"), "{{kind}}: tenants"),
        ),
    ]


def process(of: Series) -> list[AnyPanel]:
    by = "instance"
    return [
        graph(
            "Ready",
            "none",
            "1 while this part of readiness is there at every process, 0 while it is not.",
            (f"min by (check) ({of.of('readiness_check_passes')})", "{{check}}"),
        ),
        graph("Processor", "none", "Cores in use.", (of.rate("process_cpu_seconds_total", by), "{{instance}}")),
        graph("Memory", "bytes", "Resident.", (of.process("process_resident_memory_bytes", by), "{{instance}}")),
        graph(
            "Open files",
            "percentunit",
            "Of those that the process may have.",
            (f"{of.process('process_open_fds', by)} / {of.process('process_max_fds', by)}", "{{instance}}"),
        ),
        graph(
            "Refused by quota",
            "short",
            "In the time that is looked at, by quota; the tenant sees them at `GET /v1/quotas`.",
            (of.times("quota_refusals_total", "quota"), "{{quota}}"),
        ),
    ]
