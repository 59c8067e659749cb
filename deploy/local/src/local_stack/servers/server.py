"""What all servers share: one process below one home folder, started, awaited, stopped, killed."""

import signal
from pathlib import Path
from typing import ClassVar

from local_stack.process import Process, wait_until_ready
from local_stack.tools import Tools


class Server:
    """A server on 127.0.0.1:`port` that keeps all it has below `home`; its data survive `kill` and `start`."""

    name: ClassVar[str]
    stop_signal: ClassVar[signal.Signals] = signal.SIGTERM

    def __init__(self, home: Path, port: int, tools: Tools, log: Path | None = None) -> None:
        self.home = home
        self.port = port
        self.tools = tools
        self.process = Process(self.name, home / "process.json", log or home / "log.txt")

    def launch(self) -> None:
        """Prepares the home if it is new and spawns the process."""
        raise NotImplementedError

    def ready(self) -> bool:
        """Does the server answer as a client needs it to?"""
        raise NotImplementedError

    def start(self, timeout: float = 60) -> None:
        """Starts the server and waits until it is ready. Raises StackError with the end of its log."""
        if not self.process.alive:
            self.home.mkdir(parents=True, exist_ok=True)
            self.launch()
        self.wait_ready(timeout)

    def wait_ready(self, timeout: float = 60) -> None:
        wait_until_ready(self.process, self.ready, timeout)

    def stop(self) -> None:
        """Ends the server in an orderly way."""
        self.process.stop(self.stop_signal)

    def kill(self) -> None:
        """`kill -9`."""
        self.process.kill()

    @property
    def alive(self) -> bool:
        return self.process.alive

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"
