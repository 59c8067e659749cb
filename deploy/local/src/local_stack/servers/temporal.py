"""Temporal's development server, with its database in a file."""

import os
import subprocess
from pathlib import Path

from local_stack.part import Part
from local_stack.ports import HOST, answers
from local_stack.tools import Tools

NAMESPACE = "default"


class Temporal(Part):
    """A server with the namespace `default`; with `ui_port` also its web interface."""

    def __init__(self, home: Path, port: int, tools: Tools, *, ui_port: int | None = None) -> None:
        super().__init__("temporal", home, port)
        self._tools = tools
        self._ui_port = ui_port
        self._environment = {"HOME": str(home)}  # a person's own CLI settings shall not matter

    def launch(self) -> None:
        interface = ["--headless"] if self._ui_port is None else [f"--ui-port={self._ui_port}"]
        self.process.spawn(
            [
                self._tools.temporal(),
                "server",
                "start-dev",
                f"--ip={HOST}",
                f"--port={self.port}",
                *interface,
                f"--db-filename={self.home / 'temporal.db'}",
                f"--namespace={NAMESPACE}",
                "--sqlite-pragma=journal_mode=wal",
                "--sqlite-pragma=synchronous=2",
                "--dynamic-config-value=matching.enableFairness=true",
                "--log-level=warn",
            ],
            cwd=self.home,
            env=self._environment,
        )

    def ready(self) -> bool:
        return answers(self.port) and self._has_namespace()

    def _has_namespace(self) -> bool:
        asked = subprocess.run(  # noqa: S603 - our own argument list
            [
                str(self._tools.temporal()),
                "operator",
                "namespace",
                "describe",
                f"--namespace={NAMESPACE}",
                f"--address={self.address}",
                "--command-timeout=3s",
            ],
            check=False,
            capture_output=True,
            env={**os.environ, **self._environment},
        )
        return asked.returncode == 0
