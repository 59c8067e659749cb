"""Parts that are Python programs of ours: services, peers, the supervisor."""

import importlib.util
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from http import HTTPStatus
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from urllib.parse import urlsplit

from local_stack.addresses import Addresses
from local_stack.errors import StackError
from local_stack.part import Part

type Environment = Callable[[], Mapping[str, str]]
"""Made when it is needed: the first one needs secrets that do not exist before the first start."""


class Peer(Part):
    """`python -m local_stack.peers.<name>`, ready when `GET /health/ready` says so."""

    def __init__(self, name: str, home: Path, port: int, environment: Environment) -> None:
        super().__init__(name, home, port)
        self._environment = environment

    def launch(self) -> None:
        self.process.spawn([sys.executable, "-m", f"local_stack.peers.{self.name}"], env=self._environment())

    def ready(self) -> bool:
        return is_ready(self.url)


class Service(Part):
    """A service: migrated by `python -m <package> migrate`, run by `python -m <package> run`."""

    def __init__(self, name: str, home: Path, addresses: Addresses, run: Environment, migrate: Environment) -> None:  # noqa: PLR0913
        super().__init__(name, home, addresses.port(name), addresses.port(f"{name} internal"))
        self._internal_url = addresses.internal_url(name)
        self._package = name.replace("-", "_")
        self._run = run
        self._migrate = migrate

    @property
    def present(self) -> bool:
        """Is there a program in the package?"""
        return all(importlib.util.find_spec(f"{self._package}.{module}") for module in ("__main__", "main"))

    def migrate(self) -> None:
        """Brings the schema up to date. Raises StackError with what the migration printed."""
        command = [sys.executable, "-m", self._package, "migrate"]
        environment = {**os.environ, **self._migrate()}
        done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
        if done.returncode != 0:
            raise StackError(f"migrating {self.name} failed:\n{(done.stdout + done.stderr)[-4000:]}")

    def launch(self) -> None:
        self.process.spawn([sys.executable, "-m", self._package, "run"], env=self._run())

    def ready(self) -> bool:
        return is_ready(self._internal_url)


class Supervisor(Part):
    """Starts services again that ended by themselves."""

    def __init__(self, stack_folder: Path, port_base: int) -> None:
        super().__init__("supervisor", stack_folder / "supervisor", port=0)
        self._environment = {"STACK_DIR": str(stack_folder), "STACK_PORT_BASE": str(port_base)}

    def launch(self) -> None:
        self.process.spawn([sys.executable, "-m", "local_stack.supervisor"], env=self._environment)

    def ready(self) -> bool:
        return self.alive


def is_ready(url: str) -> bool:
    """Whether `GET /health/ready` says so. It is asked often: a new client with TLS each time took a whole core."""
    connection = HTTPConnection(urlsplit(url).netloc, timeout=3)
    try:
        connection.request("GET", "/health/ready")
        return connection.getresponse().status == HTTPStatus.OK
    except (OSError, HTTPException):
        return False
    finally:
        connection.close()
