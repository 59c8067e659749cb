"""Prometheus: asks the services for their metrics, and evaluates rules."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from local_stack.part import Part
from local_stack.ports import responds
from local_stack.tools import Tools

_KEPT_FOR, _KEPT_AT_MOST = "7d", "512MB"


@dataclass(frozen=True)
class Monitored:
    """What a Prometheus looks at, which rules it evaluates, and which Alertmanager it tells."""

    targets: Mapping[str, Sequence[str]]
    """Addresses that serve `/metrics`, by what becomes the label `service` of their series."""
    rules: Sequence[Path] = ()
    alertmanager: str | None = None
    """Its address."""
    every: str = "5s"
    """How often it looks and evaluates."""

    def config(self) -> dict[str, Any]:
        """The configuration file."""
        looked_at = [{"targets": [*each], "labels": {"service": name}} for name, each in self.targets.items()]
        told = [{"static_configs": [{"targets": [self.alertmanager]}]}] if self.alertmanager else []
        return {
            "global": dict.fromkeys(("scrape_interval", "scrape_timeout", "evaluation_interval"), self.every),
            "rule_files": [str(rule.absolute()) for rule in self.rules],
            "alerting": {"alertmanagers": told},
            "scrape_configs": [{"job_name": "stagewright", "static_configs": looked_at}],
        }


class Prometheus(Part):
    """A server, ready before it has looked for the first time."""

    def __init__(self, home: Path, port: int, tools: Tools, monitored: Monitored) -> None:
        super().__init__("prometheus", home, port)
        self._tools = tools
        self._monitored = monitored

    def launch(self) -> None:
        program, config = self._tools.prometheus(), self.home / "prometheus.yml"
        config.write_text(yaml.safe_dump(self._monitored.config(), sort_keys=False))
        self.process.spawn(
            [
                program,
                f"--config.file={config}",
                f"--storage.tsdb.path={self.home / 'data'}",
                f"--storage.tsdb.retention.time={_KEPT_FOR}",
                f"--storage.tsdb.retention.size={_KEPT_AT_MOST}",
                f"--web.listen-address={self.address}",
                "--enable-feature=exemplar-storage",
                "--log.level=warn",
            ],
            cwd=program.parent,  # where its pages are found from
        )

    def ready(self) -> bool:
        return responds(self.address, "/-/ready")
