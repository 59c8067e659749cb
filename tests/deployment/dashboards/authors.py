"""For those who write rules and triggers: what became of them, and why something did not."""

from deployment.dashboards.panels import AnyPanel, Rows, Series, graph, note

ENGINE, TRIGGERS, COMMS, ALL = Series("rule-engine"), Series("trigger-service"), Series("comms-service"), Series()

_REASONS = (
    "Metrics count; they do not say whose or why. **The reason of a rule** is at `GET /v1/automation/items/{id}` and "
    "`GET /v1/runs/{id}` (`stack why <id>`), that of an arrival at `GET /v1/arrivals`. A text over its limit is in the "
    "rule's reason and, before it is published, among the issues of its draft (`stack apply`)."
)


def rows() -> Rows:
    return {
        "Where the reasons are": [note("Reasons", _REASONS)],
        "Rules": _rules(),
        "Refused, failed, over limits": _refusals(),
        "Triggers and messages": _outside(),
        "Waits": _waits(),
    }


def _rules() -> list[AnyPanel]:
    return [
        graph(
            "Rules by state",
            "short",
            "Rules that came to a state in the time that is looked at.",
            (ENGINE.times("rule_states_total", "state"), "{{state}}"),
        ),
        graph(
            "Rules done, by type",
            "short",
            "In the time that is looked at.",
            (ENGINE.times("rule_states_total", "type", where='state="done"'), "{{type}}"),
        ),
        graph(
            "Rules skipped or cancelled, by type",
            "short",
            "A condition was false, or the item left the stage.",
            (
                ENGINE.times("rule_states_total", "type", "state", where='state=~"skipped|cancelled"'),
                "{{type}} {{state}}",
            ),
        ),
    ]


def _refusals() -> list[AnyPanel]:
    return [
        graph(
            "Rules refused or failed, by type",
            "short",
            "`refused`: the owner said no, with a reason; `failed`: it could not be done.",
            (ENGINE.times("rule_states_total", "type", "state", where='state=~"refused|failed"'), "{{type}} {{state}}"),
        ),
        graph(
            "Commands refused, by owner",
            "short",
            "What rules asked for and their owners refused.",
            (
                ALL.times("commands_finished_total", "service", "type", where='outcome="refused"'),
                "{{service}} {{type}}",
            ),
        ),
        graph(
            "Over limits",
            "short",
            "Texts, lists, loops and conditions that took more work than one decision may: `docs/values.md`, Limits.",
            (ENGINE.times("decisions_over_budget_total"), "decisions"),
            (TRIGGERS.times("arrivals_over_budget_total"), "arrivals"),
        ),
        graph(
            "Over quotas",
            "short",
            "Used up for now: `GET /v1/quotas`.",
            (ALL.times("quota_refusals_total", "quota"), "{{quota}}"),
        ),
    ]


def _outside() -> list[AnyPanel]:
    return [
        graph(
            "Arrivals by verdict",
            "short",
            "What became of forms, calls and events, by trigger type.",
            (TRIGGERS.times("arrivals_total", "type", "verdict"), "{{type}} {{verdict}}"),
        ),
        graph(
            "Messages by status",
            "short",
            "What became of mails and SMS.",
            (COMMS.times("message_statuses_total", "kind", "status"), "{{kind}} {{status}}"),
        ),
    ]


def _waits() -> list[AnyPanel]:
    return [
        graph("Unfinished runs", "short", "Rules that wait.", (ENGINE.table("runs_waiting"), "runs")),
        graph(
            "Assignments open",
            "short",
            "What workflows ask employees and nobody has answered yet.",
            (ENGINE.table("assignments_open"), "assignments"),
        ),
        graph(
            "Oldest assignment",
            "s",
            "People, not machines, are slow when it grows.",
            (ENGINE.table("assignments_oldest_seconds"), "oldest"),
        ),
    ]
