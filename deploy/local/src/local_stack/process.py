"""One detached operating system process: its log, its record on disk, its start and its ends."""

import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import psutil

from local_stack.errors import StackError
from local_stack.fork_server import ForkServer, Program
from local_stack.layout import Account

_CLOCK_TOLERANCE = 5.0  # seconds by which a process's start may differ after the clock was set


class Process:
    """A process that outlives the command that started it.

    `record` holds its pid and start time, so that another command finds it again and never mistakes a stranger that
    got the same pid for it. The record is there as long as the process is meant to live: a process that ended by
    itself leaves it behind, one that was stopped or killed by us does not.
    """

    def __init__(self, name: str, record: Path, log: Path) -> None:
        self.name = name
        self.log = log
        self._record = record
        self._child: subprocess.Popen[bytes] | None = None
        self._locked = False

    def spawn(
        self,
        argv: Sequence[str | Path],
        *,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        account: Account | None = None,
    ) -> None:
        """Starts `argv` with `env` added to our environment. Does nothing if the process is alive."""
        with self._started_once() as output:
            if output is None:
                return
            self._child = subprocess.Popen(  # noqa: S603 - our own argument lists
                [str(part) for part in argv],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, **(env or {})},
                cwd=cwd,
                start_new_session=True,
                user=account.uid if account else None,
                group=account.gid if account else None,
                extra_groups=[] if account else None,
            )
            self._remember(self._child.pid)

    def fork(self, server: ForkServer, module: str, *arguments: str, env: Mapping[str, str]) -> None:
        """Starts `python -m module arguments…` as `spawn` does."""
        if sys.platform != "linux":  # elsewhere a fork may not use the system's libraries
            self.spawn([sys.executable, "-m", module, *arguments], env=env)
            return
        with self._started_once() as output:
            if output is not None:
                environment = {**os.environ, **env}
                self._remember(server.start(Program(module, list(arguments), environment, str(self.log.absolute()))))

    def adopt(self, pid: int) -> None:
        """Takes a process that another program has started for us as if it were started here."""
        with self.exclusive():
            self._remember(pid)

    @property
    def pid(self) -> int | None:
        """The pid of the living process, or None."""
        found = self._find()
        return found.pid if found else None

    @property
    def alive(self) -> bool:
        return self._find() is not None

    @property
    def fell(self) -> bool:
        """Whether it ended by itself."""
        return self._record.exists() and not self.alive

    def stop(self, how: signal.Signals = signal.SIGTERM, grace: float = 20.0) -> None:
        """Asks the process to end and, after `grace` seconds, kills it."""
        found = self._take()
        if found is None:
            return
        found.send_signal(how)
        if not _ended([found], grace):
            _kill_family(found)
        self._reap()

    def kill(self) -> None:
        """`kill -9` of the process and of all its children."""
        found = self._take()
        if found is not None:
            _kill_family(found)
        self._reap()

    def tail(self, lines: int = 20) -> str:
        """The last lines of the log."""
        if not self.log.exists():
            return ""
        return "\n".join(self.log.read_text(errors="replace").splitlines()[-lines:])

    @contextmanager
    def exclusive(self) -> Iterator[None]:
        """While one command starts or ends this process, others wait. May be nested."""
        if self._locked:
            yield
            return
        self._record.parent.mkdir(parents=True, exist_ok=True)
        with self._record.with_suffix(".lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            self._locked = True
            try:
                yield
            finally:
                self._locked = False

    @contextmanager
    def _started_once(self) -> Iterator[IO[bytes] | None]:
        """The log to start it with, alone; None if it is alive."""
        self.log.parent.mkdir(parents=True, exist_ok=True)
        with self.exclusive(), self.log.open("ab") as output:
            if self.alive:
                yield None
                return
            self._reap()
            yield output

    def _remember(self, pid: int) -> None:
        started = _start_time(pid)
        partial = self._record.with_suffix(".partial")
        partial.write_text(json.dumps({"pid": pid, "started": started}))
        partial.replace(self._record)

    def _take(self) -> psutil.Process | None:
        """Finds the process and removes its record, so that the supervisor does not start it again."""
        with self.exclusive():
            found = self._find()
            self._record.unlink(missing_ok=True)
            return found

    def _reap(self) -> None:
        if self._child is not None:
            self._child.wait()
            self._child = None

    def _find(self) -> psutil.Process | None:
        if self._child is not None:
            self._child.poll()  # reaps it when it has ended
        try:
            recorded = json.loads(self._record.read_text())
            found = psutil.Process(recorded["pid"])
            same = abs(found.create_time() - recorded["started"]) < _CLOCK_TOLERANCE
            return found if same and _lives(found) else None
        except (FileNotFoundError, psutil.NoSuchProcess):
            return None


def _start_time(pid: int) -> float:
    """Long ago, if it has ended already: then it fell."""
    try:
        return psutil.Process(pid).create_time()
    except psutil.NoSuchProcess:
        return 0.0


def wait_until_ready(process: Process, ready: Callable[[], bool], timeout: float) -> None:
    """Polls `ready` until it says yes. Raises StackError with the end of the log when `timeout` seconds are over."""
    deadline = time.monotonic() + timeout
    while not ready():
        if not process.alive:
            raise _unready(process, "ended while starting")
        if time.monotonic() > deadline:
            raise _unready(process, f"is not ready after {timeout:.0f} s")
        time.sleep(0.05)


def _unready(process: Process, what: str) -> StackError:
    return StackError(f"{process.name} {what}; the end of {process.log}:\n{process.tail()}")


def _kill_family(parent: psutil.Process) -> None:
    family = [parent, *_children(parent)]
    for member in family:
        with suppress(psutil.NoSuchProcess):
            member.kill()
    _ended(family, seconds=10)


def _ended(processes: Sequence[psutil.Process], seconds: float) -> bool:
    """Waits until none lives, at most so long; says whether that is so."""
    deadline = time.monotonic() + seconds
    while any(_lives(process) for process in processes):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def _lives(process: psutil.Process) -> bool:
    """One that has ended and only waits for its parent to notice does not; one whose threads still end does."""
    try:
        return bool(process.status() != psutil.STATUS_ZOMBIE or process.num_threads() > 1)
    except psutil.NoSuchProcess:
        return False


def lives(pid: int) -> bool:
    """Is there such a process, and more of it than what its parent has not noticed?"""
    try:
        return _lives(psutil.Process(pid))
    except psutil.NoSuchProcess:
        return False


def _children(parent: psutil.Process) -> list[psutil.Process]:
    try:
        return list(parent.children(recursive=True))
    except psutil.NoSuchProcess:
        return []
