"""Servers for tests: on free ports, in folders of their own, without fsync unless asked for, and removed afterwards."""

from collections.abc import Collection, Mapping
from pathlib import Path
from secrets import token_hex
from typing import Any

import psutil
from temporalio.testing import WorkflowEnvironment

from local_stack.layout import remove_folder
from local_stack.part import Part
from local_stack.ports import free_port, is_free
from local_stack.process import Process
from local_stack.servers import Alertmanager, Detour, Kafka, Monitored, Postgres, Prometheus, Secured, Temporal
from local_stack.tools import Tools


class PrivateServers:
    """Hands out servers of its own, to be stopped and killed at will; `close` ends and forgets them all."""

    def __init__(self, folder: Path, *, durable: bool = False) -> None:
        self._folder = folder
        self._durable = durable
        self._tools = Tools.default()
        self._started: list[Part] = []

    def postgres(self) -> Postgres:
        home, password = self._home("postgres"), token_hex(16)
        return self._start(Postgres(home, free_port(), self._tools, password=password, durable=self._durable))

    def kafka(self, detour: Detour | None = None, secured: Secured | None = None) -> Kafka:
        home, port, controller = self._home("kafka"), free_port(), free_port()
        return self._start(Kafka(home, port, self._tools, controller_port=controller, detour=detour, secured=secured))

    def temporal(self) -> Temporal:
        return self._start(Temporal(self._home("temporal"), free_port(), self._tools))

    def alertmanager(self, config: Mapping[str, Any]) -> Alertmanager:
        return self._start(Alertmanager(self._home("alertmanager"), free_port(), self._tools, config=config))

    def prometheus(self, monitored: Monitored) -> Prometheus:
        return self._start(Prometheus(self._home("prometheus"), free_port(), self._tools, monitored))

    def close(self) -> None:
        for server in reversed(self._started):
            server.kill()
            remove_folder(server.home)

    def _home(self, kind: str) -> Path:
        return self._folder / f"{kind}-{len(self._started)}"

    def _start[P: Part](self, server: P) -> P:
        self._started.append(server)
        server.start()
        return server


def end_dead_sessions(sessions: Path) -> None:
    """Ends and removes what test sessions that were killed left behind; each has a folder named by its pid."""
    for folder in sessions.glob("[0-9]*"):
        if not psutil.pid_exists(int(folder.name)):
            _end_servers_below(folder)


def _end_servers_below(folder: Path) -> None:
    for record in folder.glob("*/*/process.json"):
        Process("left behind", record, record.with_suffix(".log")).kill()
        remove_folder(record.parent)
    remove_folder(folder)


async def start_time_skipping(program: Path, attempts: int = 6, **options: Any) -> WorkflowEnvironment:
    """Tries again: the SDK gives the server five seconds to start, which a busy machine may not."""
    try:
        return await WorkflowEnvironment.start_time_skipping(test_server_existing_path=str(program), **options)
    except RuntimeError:
        if attempts == 1:
            raise
        return await start_time_skipping(program, attempts - 1, **options)


def free_port_base(offsets: Collection[int]) -> int:
    """A port base for a whole stack: all of its ports are free at this moment."""
    while True:
        base = free_port()
        if all(is_free(base + offset) for offset in offsets):
            return base
