"""Python programs as forks of one process that has imported what they need.

A service spends most of its start on imports: two seconds of a core, again and again where parts are killed and
started. The server imports once for the command that started it, and ends with it; its forks live on.
"""

import gc
import json
import os
import runpy
import signal
import subprocess
import sys
import weakref
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import import_module
from threading import Lock

from local_stack.errors import StackError

_IMPORTED = (
    *(f"{name}.main" for name in ("entity_service", "rule_engine", "doc_service", "comms_service", "trigger_service")),
    *("aiosmtpd.smtp", "local_stack.peers.peer", "local_stack.stack", "opentelemetry.proto.trace.v1.trace_pb2"),
    # what is imported late
    *("anyio._backends._asyncio", "contracts.kit.serving", "httpcore", "requests", "sqlite3"),
    *("uvicorn.lifespan.on", "uvicorn.loops.asyncio", "uvicorn.protocols.http.httptools_impl"),
)


@dataclass(frozen=True)
class Program:
    """`python -m module arguments…`, with this environment and no other; what it prints is added to `log`."""

    module: str
    arguments: list[str]
    environment: Mapping[str, str]
    log: str


class ForkServer:
    """Starts programs for one command. Its process is started when it is first needed, or by `prepare`."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._process: subprocess.Popen[str] | None = None

    def prepare(self) -> None:
        """Lets it import while other things are done."""
        with self._lock:
            self._running()

    def start(self, program: Program) -> int:
        """The pid. Raises StackError when there is no server any more."""
        with self._lock:
            process = self._running()
            assert process.stdin is not None  # noqa: S101 - both are pipes
            assert process.stdout is not None  # noqa: S101
            try:
                print(json.dumps(asdict(program)), file=process.stdin, flush=True)
                return int(process.stdout.readline())
            except (BrokenPipeError, ValueError):
                raise StackError("the process that starts services ended; what it printed is above") from None

    def _running(self) -> subprocess.Popen[str]:
        if self._process is None:
            self._process = subprocess.Popen(  # noqa: S603 - this module
                [sys.executable, "-m", __name__],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                start_new_session=True,
            )
            weakref.finalize(self, _end, self._process)
        return self._process


def _end(process: subprocess.Popen[str]) -> None:
    process.communicate()


def _main() -> None:
    for module in _IMPORTED:
        import_module(module)
    gc.freeze()  # a collection in a fork would copy all memory
    _become(_next_fork())


def _next_fork() -> Program:
    """Returns in each fork, with what it is to be; in the server itself never."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for those that ended
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            return Program(**json.loads(line))
        print(pid, flush=True)
    sys.exit()


def _become(program: Program) -> None:
    os.setsid()
    os.environ.clear()
    os.environ.update(program.environment)
    nothing, log = os.open(os.devnull, os.O_RDONLY), os.open(program.log, os.O_WRONLY | os.O_APPEND)
    for copy, original in ((0, nothing), (1, log), (2, log)):
        os.dup2(original, copy)
    os.close(nothing)
    os.close(log)
    sys.argv[1:] = program.arguments
    runpy.run_module(program.module, run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    _main()
