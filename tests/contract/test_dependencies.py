"""A service is given what it declares and nothing else: its image has no more than that."""

import json
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions
from typing import Any

import pytest

from contract.openapi import SERVICES
from local_stack.layout import WORKSPACE

LOCKED: Mapping[str, Mapping[str, Any]] = {
    one["name"]: one for one in tomllib.loads((WORKSPACE / "uv.lock").read_text())["package"]
}
IMPORTED = """
import json
import sys
from importlib import import_module

given, owners = set(sys.argv[2:]), json.load(sys.stdin)


class Missing:
    def find_spec(self, name, path, target=None):
        of = owners.get(name)
        if of and given.isdisjoint(one.lower().replace("_", "-").replace(".", "-") for one in of):
            raise ModuleNotFoundError(f"{of[0]} is not declared", name=name)


sys.meta_path.insert(0, Missing())
import_module(sys.argv[1])
"""


@cache
def owners() -> str:
    """Which packages have which modules, as JSON; it takes long to find out."""
    return json.dumps(packages_distributions())


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_starts_with_what_it_declares_alone(service: str) -> None:
    command = [sys.executable, "-c", IMPORTED, f"{service.replace('-', '_')}.main", *_given(service, ())]
    done = subprocess.run(command, input=owners(), check=False, capture_output=True, text=True)  # noqa: S603 - our own program
    assert done.returncode == 0, done.stderr


def _given(name: str, extras: tuple[str, ...], seen: set[tuple[str, tuple[str, ...]]] | None = None) -> Iterator[str]:
    """The package and all that it needs, by the lock file."""
    seen = set() if seen is None else seen
    if (name, extras) in seen:
        return
    seen.add((name, extras))
    yield name
    package = LOCKED[name]
    optional = package.get("optional-dependencies", {})
    for one in (*package.get("dependencies", ()), *(each for extra in extras for each in optional.get(extra, ()))):
        yield from _given(one["name"], tuple(one.get("extra", ())), seen)
