"""The rules of Prometheus as they are committed: a file for any Prometheus, and the chart's, whose words Helm replaces.

`make schemas` writes both; a test compares.
"""

from pathlib import Path
from typing import Any

import yaml

from deployment.alerts import Alert, Timing, alerts
from deployment.alerts.model import span

HEADER = "# Written by `make schemas` from tests/deployment/alerts.\n"
RULES = Path("deploy/alerts/stagewright.yaml")
OF_THE_CHART = Path("deploy/chart/generated/alerts.yaml")
RUNBOOKS = "docs/runbooks"
NAMESPACE = "NAMESPACE"
"""What the chart's template replaces, as it does `RUNBOOKS`."""


def rules(timing: Timing, namespace: str | None = None) -> dict[str, Any]:
    """The content of a rules file; with a namespace, of what runs there alone."""
    return {"groups": [{"name": "stagewright", "rules": [_rule(one, namespace) for one in alerts(timing)]}]}


def _rule(alert: Alert, namespace: str | None) -> dict[str, Any]:
    place = {"namespace": namespace} if namespace else {}
    lasts = {"for": span(alert.lasts)} if alert.lasts else {}
    return {
        "alert": alert.name,
        "expr": _within(alert.expression, namespace) if namespace else alert.expression,
        **lasts,
        "labels": {"severity": alert.severity, **alert.labels, **place},
        "annotations": {"summary": alert.summary, "runbook_url": f"{RUNBOOKS}/{alert.name}.md"},
    }


def _within(expression: str, namespace: str) -> str:
    """Every selector of ours begins with the service."""
    return expression.replace("{service", f'{{namespace="{namespace}", service')


def rule_files() -> dict[Path, str]:
    timing = Timing()
    return {RULES: _text(rules(timing)), OF_THE_CHART: _text(rules(timing, NAMESPACE))}


def _text(content: dict[str, Any]) -> str:
    return HEADER + yaml.safe_dump(content, sort_keys=False, width=10_000)
