"""Another version of the services: a commit's files with an environment of their own, as its lock file says."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local_stack.errors import StackError
from local_stack.layout import WORKSPACE
from local_stack.programs import Service

NOT_OURS = ("PYTHONPATH", "VIRTUAL_ENV", "UV_PROJECT_ENVIRONMENT")
"""Variables that would lead it to this version's code."""


@dataclass(frozen=True)
class Version:
    """`commit` in full; its files are in `folder`."""

    commit: str
    folder: Path

    @property
    def python(self) -> Path:
        return self.folder / ".venv/bin/python"

    def run(self, *command: str | Path, environment: Mapping[str, str]) -> None:
        """Raises StackError with what the command said."""
        _run(command, self.folder, environment)


class VersionedService(Service):
    """A service of that version, migrated and run by its own Python."""

    def __init__(self, version: Version, name: str, *service: Any) -> None:
        super().__init__(name, *service)
        self._version = version

    def launch(self) -> None:
        command: list[str | Path] = [self._version.python, "-m", self._package, "run"]
        self.process.spawn(command, env={**dict.fromkeys(NOT_OURS, ""), **self._run()}, cwd=self._version.folder)

    def migrate(self) -> None:
        self._version.run(self._version.python, "-m", self._package, "migrate", environment=self._migrate())


def check_out(commit: str, uv: Path, folder: Path) -> Version:
    """Raises StackError for no such commit, or one that cannot be installed."""
    full = _run(["git", "rev-parse", "--verify", f"{commit}^{{commit}}"], WORKSPACE).strip()
    folder.mkdir(parents=True)
    archive = folder / "archive.tar"
    _run(["git", "archive", f"--output={archive}", full], WORKSPACE)
    _run(["tar", "--extract", f"--file={archive}"], folder)
    archive.unlink()
    _run([uv.absolute(), "sync", "--frozen", "--no-dev", "--all-packages", "--quiet"], folder)
    return Version(full, folder)


def _run(command: Sequence[str | Path], where: Path, environment: Mapping[str, str] | None = None) -> str:
    ours = {name: value for name, value in os.environ.items() if name not in NOT_OURS}
    done = subprocess.run(  # noqa: S603 - our own argument lists
        [str(part) for part in command],
        cwd=where,
        env=ours | dict(environment or {}),
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise StackError(f"{Path(command[0]).name} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout
