"""The local stack whose services are containers of their images: servers and peers are as ever.

Testcontainers drives podman by the API that podman shares with Docker, and does without its reaper, whose image would
come from a registry: containers remove themselves, and the stack kills what it started.
"""

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from deployment.podman import LIMITS, PODMAN
from local_stack.addresses import Addresses
from local_stack.errors import StackError
from local_stack.programs import Service
from local_stack.report import Report
from local_stack.stack import Stack
from support.waiting import until

READ = ("AUTH_JWKS_FILE", "SERVICE_TOKENS_DIR")
WRITTEN = ("FILES_DIR",)
"""Variables that name files and folders, as mounts of a cluster are."""
ANSWER_S = 300
"""How long podman may take to answer; migrations are waited for."""
CLOSED: Mapping[str, Any] = {
    "network_mode": "host",
    "read_only": True,
    "cap_drop": ["ALL"],
    "security_opt": ["no-new-privileges"],
    "ulimits": [{"name": name, "soft": most, "hard": most} for name, most in LIMITS.items()],
}
"""As the chart's Pods are; the network is this machine's, where the servers are."""


@dataclass(frozen=True)
class Containers:
    """What services are started from, and by whom."""

    images: Mapping[str, str]
    api: str
    """Where podman answers as Docker does."""


class ContainerService(Service):
    """A service's image, migrated and run; as a process it is the one in the container."""

    def __init__(self, containers: Containers, name: str, *service: Any) -> None:
        super().__init__(name, *service)
        self._image = containers.images[name]
        self._docker = {"environment": {"DOCKER_HOST": containers.api}, "timeout": ANSWER_S}

    def launch(self) -> None:
        log = {"type": "k8s-file", "config": {"path": str(self.process.log.absolute())}}
        running = self._container("run", self._run(), auto_remove=True, log_config=log)
        running.reload()
        self.process.adopt(running.attrs["State"]["Pid"])

    def migrate(self) -> None:
        done = self._container("migrate", self._migrate())
        try:
            if done.wait()["StatusCode"]:
                raise StackError(f"migrations of {self.name} failed:\n{done.logs().decode()}")
        finally:
            done.remove(force=True)

    def _container(self, command: str, environment: Mapping[str, str], **options: Any) -> Any:
        made = DockerContainer(
            self._image,
            self._docker,
            command,
            dict(environment),
            volumes=list(self._volumes(environment)),
            **CLOSED,
            **options,
        )
        return made.with_tmpfs_mount("/tmp", "size=1g,mode=1777").start().get_wrapped_container()

    def _volumes(self, environment: Mapping[str, str]) -> Iterator[tuple[str, str, str]]:
        """Under the same names inside. Secrets are copied for the container's account, who could not read ours.

        A service that asks no other one has no tokens.
        """
        for place in filter(Path.exists, (Path(environment[name]) for name in READ)):
            copy = self.home / "read" / place.name
            copy.parent.mkdir(parents=True, exist_ok=True)
            if place.is_dir():
                shutil.copytree(place, copy, copy_function=shutil.copyfile, dirs_exist_ok=True)
                copy.chmod(0o755)
            else:
                shutil.copyfile(place, copy)
            for file in (copy, *copy.glob("*")):
                file.chmod(0o755 if file.is_dir() else 0o644)
            yield str(copy), str(place), "ro"
        for place in (Path(environment[name]) for name in WRITTEN if name in environment):
            place.mkdir(parents=True, exist_ok=True)
            place.chmod(0o777)
            yield str(place), str(place), "rw"


class ContainerStack(Stack):
    """Services are containers."""

    def __init__(self, containers: Containers, folder: Path, addresses: Addresses, report: Report) -> None:
        self._containers = containers
        super().__init__(folder, addresses, report)

    def make_service(self, name: str) -> Service:
        run, migrate = partial(self.environments.service, name), partial(self.environments.migration, name)
        return ContainerService(self._containers, name, self.folder / name, self.addresses, self.forks, run, migrate)


@contextmanager
def docker_api(folder: Path) -> Iterator[str]:
    """Podman's service, without Testcontainers' reaper; yields its address."""
    folder.mkdir(parents=True, exist_ok=True)
    socket = folder / "podman.sock"
    serving = subprocess.Popen([*PODMAN, "system", "service", "--time=0", f"unix://{socket}"])  # noqa: S603
    try:
        until(socket.exists, "podman's socket")
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(testcontainers_config, "ryuk_disabled", True)
            yield f"unix://{socket}"
    finally:
        serving.terminate()
        serving.wait()
