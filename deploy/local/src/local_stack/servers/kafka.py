"""Kafka 4.1: one KRaft node that is broker and controller, run by the Java of a wheel."""

import shutil
import socket
import struct
import subprocess
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from local_stack.errors import StackError
from local_stack.java import java, train
from local_stack.part import Part
from local_stack.ports import HOST, answers, free_port
from local_stack.tools import Tools

_API_VERSIONS = struct.pack(">hhih", 18, 0, 1, -1)  # key, version, correlation id, no client id

_SCRAM = "org.apache.kafka.common.security.scram.ScramLoginModule"

_AUTHORIZER = {
    "authorizer.class.name": "org.apache.kafka.metadata.authorizer.StandardAuthorizer",
    "super.users": "User:ANONYMOUS",
    "allow.everyone.if.no.acl.found": "false",
}

_LOGGING = """\
Configuration:
  status: warn
  Appenders:
    Console:
      name: STDOUT
      PatternLayout:
        pattern: "[%d] %p %m (%c)%n"
  Loggers:
    Root:
      level: WARN
      AppenderRef:
        - ref: STDOUT
"""


@dataclass(frozen=True)
class Detour:
    """A second listener, for clients behind a proxy: the broker advertises the proxy's port to them."""

    port: int
    proxy_port: int


@dataclass(frozen=True)
class Secured:
    """A listener with TLS on both sides, for those who also know a password (SCRAM-SHA-512)."""

    port: int
    key_and_certificate: Path
    """PEM, the broker's."""
    trusted: Path
    """PEM: who signs the certificates of clients."""
    passwords: Mapping[str, str]
    """By user."""
    authorized: bool = False
    """Whether users may do only what access lists say; whoever comes by the plain listener may do everything."""

    def settings(self) -> dict[str, str]:
        values = {
            "ssl.keystore.type": "PEM",
            "ssl.keystore.location": str(self.key_and_certificate),
            "ssl.truststore.type": "PEM",
            "ssl.truststore.location": str(self.trusted),
            "ssl.client.auth": "required",
            "sasl.enabled.mechanisms": "SCRAM-SHA-512",
            "scram-sha-512.sasl.jaas.config": f"{_SCRAM} required;",
        }
        of_listener = {f"listener.name.secured.{name}": value for name, value in values.items()}
        return of_listener | (_AUTHORIZER if self.authorized else {})


class Kafka(Part):
    """A broker; topics must be created, nothing is created by being named."""

    def __init__(  # noqa: PLR0913 - what a broker may have
        self,
        home: Path,
        port: int,
        tools: Tools,
        *,
        controller_port: int,
        detour: Detour | None = None,
        secured: Secured | None = None,
    ) -> None:
        super().__init__("kafka", home, port)
        self._tools = tools
        self._controller_port = controller_port
        self._detour = detour
        self._secured = secured
        self._properties = home / "server.properties"

    def launch(self) -> None:
        self._prepare()
        self.process.spawn(self._broker(), cwd=self.home)

    def ready(self) -> bool:
        """The broker answers requests only after the controller has let it in."""
        return answers(self.port) and _answers_requests(self.port)

    def teach_java(self) -> None:
        """Once per machine, with a broker that is thrown away: it takes 15 s, and saves 1.5 s at each start."""
        jars = self._tools.kafka()
        with self._tools.learning(jars, "Kafka 4.1") as folder:
            if folder is not None:
                trainee = Kafka(folder, free_port(), self._tools, controller_port=free_port())
                trainee._prepare()
                train(trainee._broker(learn=True), jars, folder, trainee.ready)

    def _prepare(self) -> None:
        self._properties.write_text(self._settings())
        (self.home / "log4j2.yaml").write_text(_LOGGING)
        if not (self.home / "data/meta.properties").exists():
            self._format()

    def _broker(self, learn: bool = False) -> list[str]:
        return self._java("kafka.Kafka", str(self._properties), learn=learn)

    def _settings(self) -> str:
        listeners = {"PLAINTEXT": self.port, "CONTROLLER": self._controller_port}
        advertised = {"PLAINTEXT": self.port}
        if self._detour is not None:
            listeners["DETOUR"] = self._detour.port
            advertised["DETOUR"] = self._detour.proxy_port
        protocols = dict.fromkeys(listeners, "PLAINTEXT")
        if self._secured is not None:
            listeners["SECURED"] = advertised["SECURED"] = self._secured.port
            protocols["SECURED"] = "SASL_SSL"
        values = {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{HOST}:{self._controller_port}",
            "listeners": _urls(listeners),
            "advertised.listeners": _urls(advertised),
            "inter.broker.listener.name": "PLAINTEXT",
            "controller.listener.names": "CONTROLLER",
            "listener.security.protocol.map": ",".join(f"{name}:{protocol}" for name, protocol in protocols.items()),
            "log.dirs": str(self.home / "data"),
            "num.partitions": "1",
            "offsets.topic.replication.factor": "1",
            "offsets.topic.num.partitions": "8",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "auto.create.topics.enable": "false",
            "broker.heartbeat.interval.ms": "500",
            "broker.session.timeout.ms": "3000",  # a broker killed and started again must wait this long
            "group.initial.rebalance.delay.ms": "150",
            "group.coordinator.append.linger.ms": "0",
        } | (self._secured.settings() if self._secured else {})
        return "".join(f"{name}={value}\n" for name, value in values.items())

    def _format(self) -> None:
        """Formatting is a start of Java. What it writes names neither ports nor folders: it is copied from then on."""
        made, data = self._tools.kafka().with_name("formatted"), self.home / "data"
        if self._secured is not None:
            self._format_by_tool(self._secured.passwords)
        elif made.exists():
            _copy(made, data)
        else:
            self._format_by_tool({})
            _keep(data, made)

    def _format_by_tool(self, passwords: Mapping[str, str]) -> None:
        cluster = urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
        users = [f"--add-scram=SCRAM-SHA-512=[name={name},password={word}]" for name, word in passwords.items()]
        where = (f"--cluster-id={cluster}", f"--config={self._properties}")
        self._tool("kafka.tools.StorageTool", "format", *where, *users)

    def set_password(self, user: str, password: str) -> None:
        """From the next connection on it is this one."""
        who = ("--entity-type", "users", "--entity-name", user)
        what = f"SCRAM-SHA-512=[password={password}]"
        self._tool(
            "kafka.admin.ConfigCommand", "--bootstrap-server", self.address, "--alter", *who, "--add-config", what
        )

    def _tool(self, main: str, *arguments: str) -> None:
        made = subprocess.run(  # noqa: S603 - our own argument list
            self._java(main, *arguments), check=False, capture_output=True, text=True
        )
        if made.returncode != 0:
            raise StackError(f"{main} of Kafka in {self.home} failed:\n{made.stdout}{made.stderr}")

    def _java(self, main: str, *arguments: str, learn: bool = False) -> list[str]:
        logging = f"-Dlog4j2.configurationFile={self.home / 'log4j2.yaml'}"
        return java(self._tools.kafka(), logging, main, *arguments, learn=learn)


def _copy(folder: Path, to: Path) -> None:
    """All of it or nothing, whoever dies meanwhile."""
    partial = to.with_suffix(".partial")
    shutil.rmtree(partial, ignore_errors=True)
    shutil.copytree(folder, partial)
    shutil.rmtree(to, ignore_errors=True)
    partial.rename(to)


def _keep(folder: Path, copy: Path) -> None:
    """Another command may keep its own at the same moment: the first one stays."""
    with TemporaryDirectory(dir=copy.parent) as place:
        partial = shutil.copytree(folder, Path(place) / copy.name)
        with suppress(OSError):
            partial.rename(copy)


def _urls(ports: dict[str, int]) -> str:
    return ",".join(f"{name}://{HOST}:{port}" for name, port in ports.items())


def _answers_requests(port: int) -> bool:
    try:
        with socket.create_connection((HOST, port), timeout=2) as connection:
            connection.sendall(struct.pack(">i", len(_API_VERSIONS)) + _API_VERSIONS)
            return len(connection.recv(4)) == 4
    except OSError:
        return False
