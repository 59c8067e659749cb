"""What a running stack is looked at with: Prometheus, Alertmanager, Zipkin, and the queries of the dashboards."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from local_stack.addresses import SERVICES, Addresses
from local_stack.layout import WORKSPACE
from local_stack.part import Part
from local_stack.servers import Alertmanager, Monitored, Prometheus, Zipkin
from local_stack.tools import Tools

DASHBOARDS = WORKSPACE / "deploy/chart/dashboards"
ALERTS = WORKSPACE / "deploy/alerts/stagewright.yaml"
_EVERY = "2s"
_VARIABLES = {"$namespace": ".*", "$__rate_interval": "5m", "$__range": "1h"}
"""What Grafana would put in their place."""


@dataclass(frozen=True)
class Query:
    """One of a panel's expressions, as Prometheus takes it."""

    dashboard: str
    panel: str
    kind: str
    """Grafana's name: `stat`, `timeseries`."""
    expression: str


def make_monitors(folder: Path, addresses: Addresses, tools: Tools) -> list[Part]:
    targets = {name: [addresses.address(f"{name} internal")] for name in SERVICES}
    monitored = Monitored(targets, [ALERTS], addresses.address("alertmanager"), _EVERY)
    return [
        Prometheus(folder / "prometheus", addresses.port("prometheus"), tools, monitored),
        Alertmanager(folder / "alertmanager", addresses.port("alertmanager"), tools),
        Zipkin(folder / "zipkin", addresses.port("zipkin"), tools),
    ]


def queries() -> Iterator[Query]:
    """Those of every dashboard."""
    for file in sorted(DASHBOARDS.glob("*.json")):
        for panel in json.loads(file.read_text())["panels"]:
            for target in panel.get("targets", ()):
                yield Query(file.stem, panel["title"], panel["type"], _plain(target["expr"]))


def _plain(expression: str) -> str:
    for variable, value in _VARIABLES.items():
        expression = expression.replace(variable, value)
    return expression


def links(addresses: Addresses) -> Iterator[tuple[str, str]]:
    """Pages by what they show: the programs' own, and what is 0 when all is well."""
    yield "metrics", addresses.url("prometheus")
    yield "alerts", addresses.url("alertmanager")
    yield "traces", addresses.url("zipkin") + "/zipkin/"
    yield "runs that wait", addresses.url("temporal-ui")
    for query in queries():
        if query.kind == "stat":
            graph = urlencode({"g0.expr": query.expression, "g0.tab": 0, "g0.range_input": "15m"})
            yield query.panel, f"{addresses.url('prometheus')}/graph?{graph}"
