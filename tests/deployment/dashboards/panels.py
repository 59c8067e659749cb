"""What dashboards are made of: queries of one kind each, graphs, numbers, rows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from grafana_foundation_sdk.builders import common, dashboard, prometheus, stat, text, timeseries
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.common import LegendDisplayMode, LegendPlacement

SOURCE = models.DataSourceRef(type_val="prometheus", uid="${datasource}")
_WIDTH, _HEIGHT = 8, 8
_NUMBER_WIDTH, _NUMBER_HEIGHT = 3, 4

type AnyPanel = timeseries.Panel | stat.Panel | text.Panel
type Rows = Mapping[str, Sequence[AnyPanel]]
"""Panels by the title of their row."""


@dataclass(frozen=True)
class Series:
    """Expressions over the series of one service, or of all."""

    service: str | None = None

    def of(self, metric: str, where: str = "") -> str:
        service = f'service="{self.service}"' if self.service else ""
        matchers = ",".join(filter(None, ('namespace=~"$namespace"', service, where)))
        return f"{metric}{{{matchers}}}"

    def rate(self, metric: str, *by: str, where: str = "") -> str:
        """How often a second."""
        return f"sum by ({', '.join(by)}) (rate({self.of(metric, where)}[$__rate_interval]))"

    def times(self, metric: str, *by: str, where: str = "") -> str:
        """How often in the time that is looked at."""
        return f"sum by ({', '.join(by)}) (increase({self.of(metric, where)}[$__range]))"

    def table(self, metric: str, *by: str) -> str:
        """A gauge that is read from a database, and so is the same at each replica."""
        return f"max by ({', '.join(by)}) ({self.of(metric)})"

    def process(self, metric: str, *by: str) -> str:
        """A gauge that each process has its own of."""
        return f"sum by ({', '.join(by)}) ({self.of(metric)})"

    def quantile(self, share: float, metric: str, *by: str) -> str:
        return f"histogram_quantile({share}, {self.rate(f'{metric}_bucket', 'le', *by)})"


def graph(title: str, unit: str, about: str, *queries: tuple[str, str]) -> timeseries.Panel:
    """A line for each series; `queries` are expressions with the text of their legend."""
    panel = timeseries.Panel().title(title).description(about).datasource(SOURCE).unit(unit).min(0)
    panel.span(_WIDTH).height(_HEIGHT).fill_opacity(10).line_width(1).no_value("0").legend(
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(True)
        .calcs([])
    )
    for query in _targets(queries):
        panel.with_target(query)
    return panel


def number(title: str, about: str, expression: str, unit: str = "none") -> stat.Panel:
    """Green while it is 0."""
    thresholds = [models.Threshold(color="green", value=None), models.Threshold(color="red", value=1)]
    panel = stat.Panel().title(title).description(about).datasource(SOURCE).unit(unit).decimals(0).no_value("0")
    panel.span(_NUMBER_WIDTH).height(_NUMBER_HEIGHT)
    panel.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(thresholds))
    for query in _targets([(expression, "")]):
        panel.with_target(query)
    return panel


def note(title: str, markdown: str) -> text.Panel:
    return text.Panel().title(title).content(markdown).span(3 * _WIDTH).height(_NUMBER_HEIGHT)


def _targets(queries: Sequence[tuple[str, str]]) -> list[prometheus.Dataquery]:
    return [
        prometheus.Dataquery()
        .ref_id(chr(ord("A") + number))
        .expr(expression)
        .legend_format(legend or "__auto")
        .exemplar("_bucket{" in expression)
        for number, (expression, legend) in enumerate(queries)
    ]


def assemble(code: str, title: str, about: str, rows: Rows) -> dashboard.Dashboard:
    """A dashboard that asks the Prometheus and looks at the namespace that its reader chooses."""
    every = models.VariableOption(text="All", value="$__all")
    made = dashboard.Dashboard(f"Stagewright: {title}").uid(f"stagewright-{code}").description(about)
    made.tags(["stagewright"]).readonly().refresh("30s").time("now-1h", "now").timezone("utc")
    made.with_variable(dashboard.DatasourceVariable("datasource").label("Prometheus").type("prometheus"))
    made.with_variable(
        dashboard.QueryVariable("namespace")
        .label("Namespace")
        .datasource(SOURCE)
        .query("label_values(http_request_seconds_count, namespace)")
        .include_all(True)
        .all_value(".*")
        .current(every)
        .refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED)
    )
    made.link(
        dashboard.DashboardLink("Stagewright")
        .type(models.DashboardLinkType.DASHBOARDS)
        .tags(["stagewright"])
        .as_dropdown(True)
        .keep_time(True)
        .include_vars(True)
    )
    for name, panels in rows.items():
        made.with_row(dashboard.Row(name))
        for panel in panels:
            made.with_panel(panel)
    return made
