"""Python programs of the local stack are forks that share nothing but what was imported."""

import gc
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from local_stack.errors import StackError
from local_stack.fork_server import ForkServer
from local_stack.process import Process, lives
from support.waiting import until

pytestmark = pytest.mark.verify

PROGRAM = """
import os, random, signal, sys, time, uuid
from contracts.kit.clock import new_id

if sys.argv[1] == "fail":
    raise SystemExit("it would not")
print(sys.argv[1:], os.environ["COLOUR"], "ONLY_HERE" in os.environ, os.getsid(0) == os.getpid(), flush=True)
print(signal.getsignal(signal.SIGCHLD) is signal.SIG_DFL, sys.stdin.read(), flush=True)
print(random.random(), new_id().hex[13:], flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ForkServer]:
    folder = tmp_path_factory.mktemp("programs")
    (folder / "forked_program.py").write_text(PROGRAM)
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("PYTHONPATH", str(folder))
        environment.setenv("ONLY_HERE", "for the server")
        server = ForkServer()
        server.prepare()
        yield server


def make_process(folder: Path, name: str) -> Process:
    return Process(name, folder / f"{name}.json", folder / f"{name}.log")


def test_forks_are_programs_of_their_own_and_no_two_draw_the_same(
    server: ForkServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("ONLY_HERE", raising=False)
    processes = [make_process(tmp_path, name) for name in ("one", "two")]
    for process in processes:
        process.fork(server, "forked_program", "run", env={"COLOUR": process.name})

    def read() -> list[list[str]]:
        return [process.tail().splitlines() for process in processes]

    until(lambda: [len(lines) for lines in read()] == [3, 3], "all that they say")
    said = read()
    for process in processes:
        process.kill()
        assert not process.alive
        assert not process.fell
    assert [lines[:2] for lines in said] == [
        ["['run'] one False True", "True "],
        ["['run'] two False True", "True "],
    ]
    assert {*said[0][2].split()}.isdisjoint(said[1][2].split())


def test_a_fork_that_fails_says_why_in_its_log_and_has_fallen(server: ForkServer, tmp_path: Path) -> None:
    process = make_process(tmp_path, "failing")
    process.fork(server, "forked_program", "fail", env={})
    until(lambda: process.fell, "its end")
    assert process.tail() == "it would not"
    process.stop()


def test_a_fork_lives_on_when_the_server_ends(tmp_path: Path) -> None:
    server, process = ForkServer(), make_process(tmp_path, "long")
    process.fork(server, "http.server", "0", env={})
    pid = process.pid
    assert pid is not None
    parent = psutil.Process(pid).ppid()
    del server
    gc.collect()
    until(lambda: not lives(parent), "the end of the server")
    assert process.alive
    process.kill()


def test_a_server_that_was_killed_is_named_in_the_error(tmp_path: Path) -> None:
    server, process = ForkServer(), make_process(tmp_path, "orphan")
    process.fork(server, "http.server", "0", env={})
    pid = process.pid
    assert pid is not None
    os.kill(psutil.Process(pid).ppid(), signal.SIGKILL)
    process.kill()
    with pytest.raises(StackError, match="the process that starts services ended"):
        process.fork(server, "http.server", "0", env={})
