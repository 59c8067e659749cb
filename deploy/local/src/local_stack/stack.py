"""The whole stack: its parts, the order in which they start and end, and what can be done with them."""

import asyncio
import json
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from contracts.topics import DEAD_LETTER_TOPICS, TOPICS
from local_stack.addresses import OFFSETS, PEERS, SERVICES, Addresses
from local_stack.credentials import Credentials
from local_stack.databases import create_database
from local_stack.environments import Environments
from local_stack.errors import StackError
from local_stack.fork_server import ForkServer
from local_stack.layout import remove_folder, stack_folder, tools_folder
from local_stack.part import Part
from local_stack.ports import is_free
from local_stack.programs import Peer, Service, Supervisor
from local_stack.report import Report
from local_stack.servers import Kafka, Postgres, Temporal
from local_stack.tenant import forget_tenant
from local_stack.tools import Tools
from local_stack.topics import create_topics

_SHARED_FOLDERS = ("auth", "logs", "demo")


@dataclass(frozen=True)
class Status:
    """One line of `stack status`; `health` is ready, not ready, down, fell or absent."""

    name: str
    port: int | None
    pid: int | None
    health: str


class Stack:
    """The stack in one folder. `Stack.current()` is the one that the environment names."""

    def __init__(self, folder: Path, addresses: Addresses, report: Report) -> None:
        self.folder = folder
        self.addresses = addresses
        self.credentials = Credentials(folder / "auth")
        self.tools = Tools(tools_folder(), report)
        self._report = report
        self.postgres = self._make_postgres()
        self.kafka, self.temporal = self._make_kafka(), self._make_temporal()
        self.servers: list[Part] = [self.postgres, self.kafka, self.temporal]
        self.forks = ForkServer()
        environments = Environments(folder, addresses, self.credentials, self.postgres)
        self.peers = [self._make_peer(name, environments) for name in PEERS]
        self.services = [self._make_service(name, environments) for name in SERVICES]
        self.supervisor = Supervisor(folder, addresses.port_base, self.forks)

    @classmethod
    def current(cls) -> "Stack":
        folder = stack_folder()
        return cls(folder, Addresses.of(folder), Report())

    @property
    def present_services(self) -> list[Service]:
        return [service for service in self.services if service.present]

    @property
    def parts(self) -> list[Part]:
        """All that can run, in the order in which it starts."""
        return [*self.servers, *self.peers, *self.present_services, self.supervisor]

    def up(self) -> None:
        """Servers, peers, databases, topics, migrations, services. Repeating it starts what is missing."""
        self.forks.prepare()
        self.tools.fetch()
        self._refuse_foreign_ports(self.parts)
        self.credentials.prepare(SERVICES)
        self.describe()
        with self._report.step("Servers and peers, databases, topics, migrations"):
            others = [part.start for part in [self.temporal, *self.peers]]
            _in_parallel([self._prepare_database, self._prepare_broker, *others])
        with self._report.step("Services"):
            _all(Part.start, [*self.present_services, self.supervisor])
        self.describe()

    def down(self) -> None:
        """Ends everything in an orderly way; the data stay."""
        with self._report.step("Stopping"):
            self.supervisor.stop()
            _all(Part.stop, [*self.peers, *self.services])
            _all(Part.stop, self.servers)
        self.describe()

    def start(self, names: Iterable[str]) -> None:
        """Starts parts that were stopped or killed, or fell; `all` is all of them."""
        chosen = self._choose(names)
        self._refuse_foreign_ports(chosen)
        for group in ([*self.servers, *self.peers], [*self.present_services, self.supervisor]):
            _all(Part.start, [part for part in group if part in chosen])
        self.describe()

    def kill(self, names: Iterable[str]) -> None:
        """`kill -9`; what was killed so stays down until it is started."""
        _all(Part.kill, self._choose(names))
        self.describe()

    def reset(self) -> None:
        """Takes the stack down and removes its data, logs, secrets and what the demo saved; tools stay."""
        self.down()
        for folder in [*_SHARED_FOLDERS, *PEERS, *SERVICES, "supervisor", *(server.name for server in self.servers)]:
            remove_folder(self.folder / folder)
        (self.folder / "stack.json").unlink(missing_ok=True)
        forget_tenant(self.folder)

    def status(self) -> list[Status]:
        everything = [*self.servers, *self.peers, *self.services, self.supervisor]
        with ThreadPoolExecutor(len(everything)) as pool:
            return list(pool.map(self._status, everything))

    def describe(self) -> None:
        """Writes `stack.json`, for programs: the port base, all ports, each part's pid (null when it is down)."""
        description = {
            "port_base": self.addresses.port_base,
            "ports": {name: self.addresses.port(name) for name in OFFSETS},
            "pids": {part.name: part.process.pid for part in self.parts},
        }
        self.folder.mkdir(parents=True, exist_ok=True)
        partial_file = self.folder / "stack.json.partial"
        partial_file.write_text(json.dumps(description, indent=2) + "\n")
        partial_file.replace(self.folder / "stack.json")

    def _make_postgres(self) -> Postgres:
        password = self.credentials.secrets.postgres_password
        return Postgres(self.folder / "postgres", self.addresses.port("postgres"), self.tools, password=password)

    def _make_kafka(self) -> Kafka:
        controller = self.addresses.port("kafka-controller")
        return Kafka(self.folder / "kafka", self.addresses.port("kafka"), self.tools, controller_port=controller)

    def _make_temporal(self) -> Temporal:
        interface = self.addresses.port("temporal-ui")
        return Temporal(self.folder / "temporal", self.addresses.port("temporal"), self.tools, ui_port=interface)

    def _make_peer(self, name: str, environments: Environments) -> Peer:
        return Peer(name, self.folder / name, self.addresses.port(name), self.forks, partial(environments.peer, name))

    def _make_service(self, name: str, environments: Environments) -> Service:
        run, migrate = partial(environments.service, name), partial(environments.migration, name)
        return Service(name, self.folder / name, self.addresses, self.forks, run, migrate)

    def _prepare_database(self) -> None:
        """What lacks is made and migrated; a service that runs was migrated before it was started."""
        self.postgres.start()
        for service in self.present_services:
            asyncio.run(create_database(self.postgres.dsn, service.name))
            if not service.alive:
                service.migrate()

    def _prepare_broker(self) -> None:
        self.kafka.start()
        asyncio.run(create_topics(self.kafka.address, [*TOPICS, *DEAD_LETTER_TOPICS]))

    def _choose(self, names: Iterable[str]) -> list[Part]:
        """Raises StackError for a name that no part has."""
        known = {part.name: part for part in self.parts}
        wanted = set(names)
        if unknown := wanted - {"all", *known}:
            raise StackError(f"no part {', '.join(sorted(unknown))}; there are: all, {', '.join(known)}")
        return [part for name, part in known.items() if name in wanted or "all" in wanted]

    def _refuse_foreign_ports(self, parts: Iterable[Part]) -> None:
        for part, port in ((each, port) for each in parts for port in each.ports):
            if not part.alive and not is_free(port):
                raise StackError(
                    f"port {port}, meant for {part.name}, is taken by another program: "
                    "end it, or move this stack with STACK_PORT_BASE"
                )

    def _status(self, part: Part) -> Status:
        pid = part.process.pid
        return Status(part.name, part.port or None, pid, _health(part, pid))


def _health(part: Part, pid: int | None) -> str:
    if isinstance(part, Service) and not part.present:
        return "absent"
    if pid is None:
        return "fell" if part.process.fell else "down"
    return "ready" if part.ready() else "not ready"


def _all[P: Part](act: Callable[[P], None], parts: Iterable[P]) -> None:
    """Does the same to all parts at the same time."""
    _in_parallel([partial(act, part) for part in parts])


def _in_parallel(acts: Sequence[Callable[[], None]]) -> None:
    """Waits for all, then raises what the first of them raised."""
    if acts:
        with ThreadPoolExecutor(len(acts)) as pool:
            running = [pool.submit(act) for act in acts]
        for each in running:
            each.result()
