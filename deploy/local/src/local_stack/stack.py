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
from local_stack.observability import make_monitors
from local_stack.part import Part
from local_stack.ports import is_free
from local_stack.programs import Peer, Service, Supervisor
from local_stack.report import Report
from local_stack.security import Security
from local_stack.servers import Kafka, Postgres, Temporal
from local_stack.tenant import forget_tenant
from local_stack.tools import Tools
from local_stack.topics import create_topics

_SHARED_FOLDERS = ("auth", "security", "logs", "demo")


@dataclass(frozen=True)
class Status:
    """One line of `stack status`; `health` is ready, not ready, down, fell or absent."""

    name: str
    port: int | None
    pid: int | None
    health: str


class Stack:
    """The stack in one folder. `Stack.current()` is the one that the environment names.

    One that was made `secured` stays so until it is reset.
    """

    def __init__(self, folder: Path, addresses: Addresses, report: Report, *, secured: bool = False) -> None:
        self.folder = folder
        self.addresses = addresses
        self.credentials = Credentials(folder / "auth")
        self.tools = Tools(tools_folder(), report)
        self._report = report
        self._observed = folder / "observed"
        self.security = Security(folder / "security", addresses.port("kafka-secured"))
        if secured:
            self.security.prepare()
        self.postgres = self._make_postgres()
        self.kafka, self.temporal = self._make_kafka(), self._make_temporal()
        self.servers: list[Part] = [self.postgres, self.kafka, self.temporal]
        self.monitors = make_monitors(folder, addresses, self.tools)
        self.forks = ForkServer()
        self.environments = Environments(
            folder, addresses, self.credentials, self.postgres, self.security, self.tools.font_folder
        )
        self.peers = {name: self._make_peer(name) for name in PEERS}
        self.services = [self.make_service(name) for name in SERVICES]
        self.supervisor = Supervisor(folder, addresses.port_base, self.forks)

    @classmethod
    def current(cls) -> "Stack":
        folder = stack_folder()
        return cls(folder, Addresses.of(folder), Report())

    @property
    def present_services(self) -> list[Service]:
        return [service for service in self.services if service.present]

    @property
    def observed(self) -> bool:
        """Whether the monitors are part of what runs: since `up` was asked for them, until `down`."""
        return self._observed.exists()

    @property
    def present_monitors(self) -> list[Part]:
        return self.monitors if self.observed else []

    @property
    def parts(self) -> list[Part]:
        """All that can run but the monitors, in the order in which it starts."""
        return [*self.servers, *self.peers.values(), *self.present_services, self.supervisor]

    def up(self, observability: bool = False) -> None:
        """Servers, peers, databases, topics, migrations, services. Repeating it starts what is missing.

        With `observability` the monitors, too.
        """
        self.forks.prepare()
        self.tools.fetch()
        if observability and not self.observed:
            self.tools.fetch_monitoring()
            self.peers["traces"].stop()  # it starts again as one that tells Zipkin
            self._observed.parent.mkdir(parents=True, exist_ok=True)
            self._observed.touch()
        self._refuse_foreign_ports([*self.parts, *self.present_monitors])
        self.credentials.prepare(SERVICES)
        self.describe()
        with self._report.step("Servers and peers, databases, topics, migrations"):
            others = [part.start for part in [self.temporal, *self.peers.values()]]
            _in_parallel([self._prepare_database, self._prepare_broker, self._prepare_fonts, *others])
        with self._report.step("Services and monitors" if self.observed else "Services"):
            _all(Part.start, [*self.present_monitors, *self.present_services, self.supervisor])
        self.describe()

    def down(self) -> None:
        """Ends everything in an orderly way; the data stay."""
        with self._report.step("Stopping"):
            self.supervisor.stop()
            _all(Part.stop, [*self.peers.values(), *self.services])
            _all(Part.stop, [*self.servers, *self.monitors])
        self._observed.unlink(missing_ok=True)
        self.describe()

    def start(self, names: Iterable[str]) -> None:
        """Starts parts that were stopped or killed, or fell; `all` is all but the monitors, which look on meanwhile."""
        chosen = self._choose(names)
        self._refuse_foreign_ports(chosen)
        for group in ([*self.servers, *self.monitors, *self.peers.values()], [*self.present_services, self.supervisor]):
            _all(Part.start, [part for part in group if part in chosen])
        self.describe()

    def kill(self, names: Iterable[str]) -> None:
        """`kill -9`; what was killed so stays down until it is started."""
        _all(Part.kill, self._choose(names))
        self.describe()

    def reset(self) -> None:
        """Takes the stack down and removes its data, logs, secrets and what the demo saved; tools stay."""
        self.down()
        with_homes = (part.name for part in (*self.servers, *self.monitors))
        for name in [*_SHARED_FOLDERS, *PEERS, *SERVICES, "supervisor", *with_homes]:
            remove_folder(self.folder / name)
        (self.folder / "stack.json").unlink(missing_ok=True)
        forget_tenant(self.folder)

    def status(self) -> list[Status]:
        everything = [*self.servers, *self.present_monitors, *self.peers.values(), *self.services, self.supervisor]
        with ThreadPoolExecutor(len(everything)) as pool:
            return list(pool.map(self._status, everything))

    def describe(self) -> None:
        """Writes `stack.json`, for programs: the port base, all ports, each part's pid (null when it is down)."""
        description = {
            "port_base": self.addresses.port_base,
            "ports": {name: self.addresses.port(name) for name in OFFSETS},
            "pids": {part.name: part.process.pid for part in (*self.parts, *self.present_monitors)},
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
        return Kafka(
            self.folder / "kafka",
            self.addresses.port("kafka"),
            self.tools,
            controller_port=controller,
            secured=self.security.kafka(),
        )

    def _make_temporal(self) -> Temporal:
        interface = self.addresses.port("temporal-ui")
        return Temporal(self.folder / "temporal", self.addresses.port("temporal"), self.tools, ui_port=interface)

    def _make_peer(self, name: str) -> Peer:
        def environment() -> dict[str, str]:
            return self.environments.peer(name, self.observed)

        return Peer(name, self.folder / name, self.addresses.port(name), self.forks, environment)

    def make_service(self, name: str) -> Service:
        run, migrate = partial(self.environments.service, name), partial(self.environments.migration, name)
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
        if self.security.present:
            from local_stack.access import allow_services  # with every message, slow to import

            asyncio.run(allow_services(self.kafka.address))

    def _prepare_fonts(self) -> None:
        """Documents can do without: they say what they print as boxes."""
        try:
            self.tools.fonts()
        except StackError as error:
            self._report.say(
                f"Documents have no fonts but typst's own, so Arabic, Chinese and others are boxes: {error}"
            )

    def _choose(self, names: Iterable[str]) -> list[Part]:
        """Raises StackError for a name that no part has."""
        known = {part.name: part for part in (*self.parts, *self.present_monitors)}
        wanted = set(names)
        if unknown := wanted - {"all", *known}:
            raise StackError(f"no part {', '.join(sorted(unknown))}; there are: all, {', '.join(known)}")
        return [part for name, part in known.items() if name in wanted or ("all" in wanted and part in self.parts)]

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
