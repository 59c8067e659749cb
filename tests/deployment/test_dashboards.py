"""Dashboards show every metric that is exported and no other one; the chart ships them for Grafana's sidecar."""

import json
import re
from typing import Any

import pytest

from contract.test_observability import registered
from deployment.chart import SECURED, merged, of_kind, render
from deployment.dashboards.files import FOLDER
from local_stack.layout import WORKSPACE
from local_stack.observability import queries

OF_THE_CLIENT = {
    "process_cpu_seconds_total",
    "process_max_fds",
    "process_open_fds",
    "process_resident_memory_bytes",
}
"""What the Prometheus client counts, and a dashboard shows."""
PANELS = {"row", "stat", "timeseries", "text"}
DASHBOARDS: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text()) for file in sorted((WORKSPACE / FOLDER).glob("*.json"))
}


def shown() -> set[str]:
    """The families that the queries name; of a histogram without the ending of its series."""
    names = {name for query in queries() for name in re.findall(r"(\w+)\{", query.expression)}
    histograms = {name for name, (kind, _) in registered().items() if kind == "histogram"}
    whole = {name: re.sub(r"_(bucket|count|sum)$", "", name) for name in names}
    return {whole[name] if whole[name] in histograms else name for name in names}


def test_dashboards_show_every_metric_and_no_other_one() -> None:
    assert shown() == registered().keys() | OF_THE_CLIENT


@pytest.mark.parametrize("name", DASHBOARDS)
def test_a_dashboard_can_be_read(name: str) -> None:
    dashboard = DASHBOARDS[name]
    assert dashboard["uid"] == f"stagewright-{name}"
    assert {panel["type"] for panel in dashboard["panels"]} <= PANELS
    places = [panel["gridPos"] for panel in dashboard["panels"]]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert len({(place["x"], place["y"]) for place in places}) == len(places)
    for panel in dashboard["panels"]:
        assert panel["title"]
        if panel["type"] in ("stat", "timeseries"):
            assert panel["description"]
            assert panel["datasource"]["uid"] == "${datasource}"
            assert [target["refId"] for target in panel["targets"]] == sorted(
                {one["refId"] for one in panel["targets"]}
            )
            assert all('namespace=~"$namespace"' in target["expr"] for target in panel["targets"])


def test_titles_of_a_dashboard_tell_its_panels_apart() -> None:
    for name, dashboard in DASHBOARDS.items():
        titles = [(panel["title"], panel["type"]) for panel in dashboard["panels"]]
        assert sorted(set(titles)) == sorted(titles), name


def test_the_chart_ships_each_dashboard_when_it_is_asked_to() -> None:
    assert not list(of_kind(render(SECURED), "ConfigMap"))
    values = merged(SECURED, {"dashboards": {"enabled": True, "labels": {"grafana_dashboard": "yes"}}})
    maps = list(of_kind(render(values), "ConfigMap"))
    shipped = {name: json.loads(text) for one in maps for name, text in one["data"].items()}
    assert shipped == {f"stagewright-{name}.json": dashboard for name, dashboard in DASHBOARDS.items()}
    assert {one["metadata"]["labels"]["grafana_dashboard"] for one in maps} == {"yes"}
