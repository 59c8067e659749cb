"""Alertmanager: groups alerts and tells who is to know of them."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from local_stack.part import Part
from local_stack.ports import responds
from local_stack.tools import Tools

NOBODY: Mapping[str, Any] = {"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}
"""Alerts are seen on its page alone."""


class Alertmanager(Part):
    """One server, without a cluster; `config` is what its file holds."""

    def __init__(self, home: Path, port: int, tools: Tools, *, config: Mapping[str, Any] = NOBODY) -> None:
        super().__init__("alertmanager", home, port)
        self._tools = tools
        self._config = config

    def launch(self) -> None:
        program, config = self._tools.alertmanager(), self.home / "alertmanager.yml"
        config.write_text(yaml.safe_dump(dict(self._config), sort_keys=False))
        self.process.spawn(
            [
                program,
                f"--config.file={config}",
                f"--storage.path={self.home / 'data'}",
                f"--web.listen-address={self.address}",
                "--cluster.listen-address=",
                "--log.level=warn",
            ],
            cwd=program.parent,  # where its templates are found from
        )

    def ready(self) -> bool:
        return responds(self.address, "/-/ready")
