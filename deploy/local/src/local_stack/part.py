"""A part of the stack: one process that can be started, awaited, stopped and killed, whatever it runs."""

import signal
from pathlib import Path
from typing import ClassVar

from local_stack.ports import HOST
from local_stack.process import Process, wait_until_ready

READY_S = 180.0
"""How long a part may take to be ready; a busy machine is slow, and waiting ends when it is."""


class Part:
    """Something on 127.0.0.1:`port` that keeps what it has below `home`; its data survive `kill` and `start`.

    `more_ports` it listens on besides.

    Its log is in the folder `logs` beside its home.
    """

    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, name: str, home: Path, port: int, *more_ports: int) -> None:
        self.name = name
        self.home = home
        self.port = port
        self.ports = tuple(each for each in (port, *more_ports) if each)
        self.process = Process(name, home / "process.json", home.parent / "logs" / f"{home.name}.log")

    def launch(self) -> None:
        """Prepares the home if it is new and spawns the process."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Does it answer as a client needs it to?"""
        raise NotImplementedError

    def start(self, timeout: float = READY_S) -> None:
        """Starts it and waits until it is ready. Raises StackError with the end of its log."""
        if not self.process.alive:
            self.home.mkdir(parents=True, exist_ok=True)
            self.launch()
        self.wait_ready(timeout)

    def wait_ready(self, timeout: float = READY_S) -> None:
        wait_until_ready(self.process, self.ready, timeout)

    def stop(self) -> None:
        """Ends it in an orderly way."""
        self.process.stop(self.stop_signal)

    def kill(self) -> None:
        """`kill -9`."""
        self.process.kill()

    @property
    def alive(self) -> bool:
        return self.process.alive

    @property
    def address(self) -> str:
        return f"{HOST}:{self.port}"

    @property
    def url(self) -> str:
        return f"http://{self.address}"
