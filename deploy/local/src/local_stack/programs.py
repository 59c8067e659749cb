"""Parts that are Python programs of ours: services, peers, the supervisor."""

import importlib.util
from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

from local_stack.addresses import Addresses
from local_stack.fork_server import ForkServer
from local_stack.part import Part
from local_stack.ports import responds

type Environment = Callable[[], Mapping[str, str]]
"""Made when it is needed: the first one needs secrets that do not exist before the first start."""


class Peer(Part):
    """`python -m local_stack.peers.<name>`, ready when `GET /health/ready` says so."""

    def __init__(self, name: str, home: Path, port: int, forks: ForkServer, environment: Environment) -> None:
        super().__init__(name, home, port)
        self._forks = forks
        self._environment = environment

    def launch(self) -> None:
        self.process.fork(self._forks, f"local_stack.peers.{self.name}", env=self._environment())

    def ready(self) -> bool:
        return is_ready(self.url)


class Service(Part):
    """A service: migrated as by `python -m <package> migrate`, run by `python -m <package> run`."""

    def __init__(  # noqa: PLR0913
        self, name: str, home: Path, addresses: Addresses, forks: ForkServer, run: Environment, migrate: Environment
    ) -> None:
        super().__init__(name, home, addresses.port(name), addresses.port(f"{name} internal"))
        self._forks = forks
        self._internal_url = addresses.internal_url(name)
        self._package = name.replace("-", "_")
        self._run = run
        self._migrate = migrate

    @property
    def present(self) -> bool:
        """Is there a program in the package?"""
        return all(importlib.util.find_spec(f"{self._package}.{module}") for module in ("__main__", "main"))

    def migrate(self) -> None:
        """Brings the schema up to date. In this process, since a start of Python for each service takes longer."""
        from contracts.kit.database import migrate  # with alembic, slow to import

        settings = import_module(f"{self._package}.settings").Settings(
            **{name.lower(): value for name, value in self._migrate().items()}
        )
        migrate(settings, Path(str(import_module(self._package).__file__)).parent / "migrations")

    def launch(self) -> None:
        self.process.fork(self._forks, self._package, "run", env=self._run())

    def ready(self) -> bool:
        return is_ready(self._internal_url)


class Supervisor(Part):
    """Starts services again that ended by themselves."""

    def __init__(self, stack_folder: Path, port_base: int, forks: ForkServer) -> None:
        super().__init__("supervisor", stack_folder / "supervisor", port=0)
        self._forks = forks
        self._environment = {"STACK_DIR": str(stack_folder), "STACK_PORT_BASE": str(port_base)}

    def launch(self) -> None:
        self.process.fork(self._forks, "local_stack.supervisor", env=self._environment)

    def ready(self) -> bool:
        return self.alive


def is_ready(url: str) -> bool:
    return responds(urlsplit(url).netloc, "/health/ready")
