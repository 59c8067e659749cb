"""PostgreSQL 18 from the binaries of a wheel; as root it runs under an unprivileged account."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

from local_stack.errors import StackError
from local_stack.layout import make_reachable, reachable_folder, unprivileged_account
from local_stack.part import Part
from local_stack.process import lives
from local_stack.tools import Tools

_SUPERUSER = "postgres"


class Postgres(Part):
    """A cluster with the superuser `postgres`. `durable=False` turns fsync off, for tests only."""

    stop_signal: ClassVar[signal.Signals] = signal.SIGINT  # "fast": ends the connections, writes a checkpoint

    def __init__(self, home: Path, port: int, tools: Tools, *, password: str, durable: bool = True) -> None:
        super().__init__("postgres", home, port)
        self._tools = tools
        self._password = password
        self._durable = durable
        self._place = reachable_folder(home / "cluster")
        self._data = self._place / "data"

    @property
    def dsn(self) -> str:
        """The superuser's URL."""
        return f"postgresql://{_SUPERUSER}:{self._password}@{self.address}/postgres"

    def launch(self) -> None:
        if not (self._data / "PG_VERSION").exists():
            self._create_cluster()
        self._drop_lock_of_the_dead()
        command: list[str | Path] = [self._program("postgres"), "-D", self._data, *self._settings()]
        self.process.spawn(command, cwd=self._place, account=unprivileged_account())

    def ready(self) -> bool:
        asked = self._run("pg_isready", "--quiet", "--host=127.0.0.1", f"--port={self.port}")
        return asked.returncode == 0

    def _drop_lock_of_the_dead(self) -> None:
        """For PostgreSQL a killed server that is not reaped yet is alive, and it would not start."""
        lock = self._data / "postmaster.pid"
        if lock.exists() and not _owner_lives(lock.read_text()):
            lock.unlink()

    def _create_cluster(self) -> None:
        make_reachable(self.home / "cluster")
        password_file = self._place / "password"
        password_file.write_text(self._password)
        password_file.chmod(0o600)
        self._give_away(self._place, password_file)
        made = self._run(
            "initdb",
            f"--pgdata={self._data}",
            f"--username={_SUPERUSER}",
            f"--pwfile={password_file}",
            "--auth=scram-sha-256",
            "--encoding=UTF8",
            "--locale-provider=builtin",
            "--builtin-locale=C.UTF-8",
            "--locale=C",
            "--no-instructions",
            *([] if self._durable else ["--no-sync"]),
        )
        password_file.unlink()
        if made.returncode != 0:
            raise StackError(f"initdb failed in {self.home}:\n{made.stdout}")

    def _settings(self) -> list[str]:
        values = {
            "listen_addresses": "127.0.0.1",
            "port": str(self.port),
            "unix_socket_directories": "",
            "max_connections": "300",
            "shared_buffers": "256MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            **({} if self._durable else {"fsync": "off", "full_page_writes": "off"}),
            # after a kill it makes sure of its files: all at once, instead of some seconds of one by one
            **({"recovery_init_sync_method": "syncfs"} if sys.platform == "linux" else {}),
        }
        return [f"--{name}={value}" for name, value in values.items()]

    def _give_away(self, *paths: Path) -> None:
        account = unprivileged_account()
        if account is not None:
            for path in paths:
                os.chown(path, account.uid, account.gid)

    def _program(self, name: str) -> Path:
        return self._tools.postgres() / name

    def _run(self, program: str, *arguments: str) -> subprocess.CompletedProcess[str]:
        account = unprivileged_account()
        return subprocess.run(  # noqa: S603 - our own argument lists
            [str(self._program(program)), *arguments],
            cwd=self._place,
            check=False,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            user=account.uid if account else None,
            group=account.gid if account else None,
            extra_groups=[] if account else None,
        )


def _owner_lives(lock: str) -> bool:
    """One that was killed while it wrote its lock left an empty one, over which PostgreSQL would not start either."""
    pid = lock.partition("\n")[0]
    return pid.isdecimal() and lives(int(pid))
