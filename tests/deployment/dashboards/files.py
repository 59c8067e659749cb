"""The files of the dashboards, as the chart ships them and Grafana reads them."""

from pathlib import Path

from grafana_foundation_sdk.cog.encoder import JSONEncoder

from contract.openapi import SERVICES
from deployment.dashboards import authors, overview
from deployment.dashboards.panels import assemble
from deployment.dashboards.services import rows_of

FOLDER = Path("deploy/chart/dashboards")


def dashboards() -> dict[Path, str]:
    made = [
        assemble("overview", "overview", "Promises, what threatens them, and how much goes on.", overview.rows()),
        assemble("authors", "rules and triggers", "What became of rules and triggers.", authors.rows()),
        *(assemble(service, service, f"What {service} does and waits for.", rows_of(service)) for service in SERVICES),
    ]
    built = [one.build() for one in made]
    encoder = JSONEncoder(sort_keys=True, indent=1)
    return {FOLDER / f"{str(one.uid).removeprefix('stagewright-')}.json": encoder.encode(one) + "\n" for one in built}
