"""Alerts ask for metrics that there are, and each has a page that says what to do."""

import re
from pathlib import Path

import pytest
import yaml

from contract.test_observability import documented
from deployment.alerts import Timing, alerts
from deployment.chart import SECURED, merged, of_kind, render
from local_stack.layout import WORKSPACE

PAGES = WORKSPACE / "docs/runbooks"
ALERTS = alerts(Timing())
NAMES = sorted({alert.name for alert in ALERTS})
OF_PROMETHEUS = {"up"}
SECTIONS = ["## First look", "## First aid"]


def metrics_of(expression: str) -> set[str]:
    """Metrics that are selected, histograms without the suffix of a part."""
    bare = re.sub(r'"[^"]*"|\b(?:by|on) \([^)]*\)|\[\w+\]|\{[^}]*\}', "", expression)
    found = set(re.findall(r"\b[a-z]+_[a-z_]+\b|\bup\b", bare)) - {"label_replace", "histogram_quantile"}
    return {re.sub(r"_(bucket|count|sum)$", "", name) for name in found}


def promql_of(page: Path) -> list[str]:
    return re.findall(r"^```promql\n(.*?)\n```$", page.read_text(), re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name}-{'-'.join(alert.labels.values())}")
def test_an_alert_asks_for_metrics_that_there_are(alert: object) -> None:
    asked = metrics_of(getattr(alert, "expression", ""))
    assert asked
    assert asked - documented().keys() <= OF_PROMETHEUS


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    assert sorted(page.stem for page in PAGES.glob("*.md")) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_page_says_what_is_meant_where_to_look_and_what_to_do(name: str) -> None:
    page = PAGES / f"{name}.md"
    text = page.read_text()
    assert text.startswith(f"# {name}\n")
    assert [line for line in text.splitlines() if line.startswith("## ")] == SECTIONS
    assert promql_of(page) or "```sh" in text
    asked = {metric for expression in promql_of(page) for metric in metrics_of(expression)}
    assert asked - documented().keys() <= OF_PROMETHEUS
    for target in re.findall(r"\]\(([^)#]+)\)", text):
        assert (PAGES / target).exists(), target


def test_the_chart_s_rules_look_at_their_own_namespace_and_link_to_the_pages() -> None:
    values = {"alerts": {"enabled": True, "labels": {"release": "prometheus"}, "runbooks": "https://example.com/r/"}}
    (rule,) = of_kind(render(merged(SECURED, values)), "PrometheusRule")
    assert rule["metadata"]["labels"]["release"] == "prometheus"
    (group,) = rule["spec"]["groups"]
    assert len(group["rules"]) == len(ALERTS)
    for one in group["rules"]:
        assert one["annotations"]["runbook_url"] == f"https://example.com/r/{one['alert']}.md"
        assert one["labels"]["namespace"] == "crm"
        selectors = re.findall(r"\{(?!\{)([^}]*)\}", re.sub(r'"/[^"]*"', '""', one["expr"]))
        assert selectors
        assert all(selector.startswith('namespace="crm", service') for selector in selectors)
    assert "NAMESPACE" not in yaml.safe_dump(rule)
    assert list(of_kind(render(SECURED), "PrometheusRule")) == []
