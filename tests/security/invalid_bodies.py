"""Good bodies made bad, each in one way."""

import json
from collections.abc import Iterator
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

MEGABYTE = 1_048_576
HUGE = 10**400
DEEP = 2000

type Path = tuple[str | int, ...]


@dataclass(frozen=True)
class Spoilt:
    """What is wrong with a body, its bytes, the status that says so, and how the places it names begin."""

    why: str
    content: bytes
    status: int = 422
    where: str = ""


def spoilt(body: dict[str, Any]) -> Iterator[Spoilt]:
    """Every way that suits the body."""
    yield Spoilt("nothing", b"")
    yield Spoilt("no JSON", b'{"a": ')
    yield Spoilt("not UTF-8", b'{"a": "\xff\xfe"}', 400)
    yield Spoilt("nested too deeply", b'{"a":' * 100_000, 400)
    yield Spoilt("a number of too many digits", b'{"a": ' + b"9" * 5000 + b"}", 400)
    yield Spoilt("too large", json.dumps(body | {"a": "x" * MEGABYTE}).encode(), 413)
    others: list[Any] = [[], "text", 1, None]
    for wrong in others:
        yield Spoilt(f"{wrong!r} instead of an object", json.dumps(wrong).encode())
    yield _with(body, "an unknown field", ("surprise",), 1, where="surprise")
    yield _with(body, "a field whose name cannot be kept", ("a\ud800\x00",), 1)
    for path, value in _leaves(body):
        yield from _leaf(body, path, value)
    for name in body:
        yield _with(body, f"{name} of another type", (name,), [[{}]], where=name)
        yield _with(body, f"{name} nested too deeply", (name,), nested(DEEP))


def nested(depth: int) -> Any:
    value: Any = 1
    for _ in range(depth):
        value = [value]
    return value


def _leaf(body: dict[str, Any], path: Path, value: Any) -> Iterator[Spoilt]:
    name = ".".join(map(str, path))
    if isinstance(value, str):
        yield _with(body, f"{name} with a null character", path, f"{value}\x00")
        yield _with(body, f"{name} with a lone surrogate", path, f"{value}\ud800")
    if isinstance(value, int | float) and not isinstance(value, bool):
        for huge in (HUGE, -HUGE, float("inf"), float("nan")):
            yield _with(body, f"{name} is {str(huge)[:5]}", path, huge)


def _with(body: dict[str, Any], why: str, path: Path, value: Any, where: str = "") -> Spoilt:
    return Spoilt(why, json.dumps(replaced(body, path, value)).encode(), where=where)


def replaced(body: dict[str, Any], path: Path, value: Any) -> dict[str, Any]:
    """A copy of the body with another value at the path."""
    changed = deepcopy(body)
    place: Any = changed
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return changed


def _leaves(value: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    if isinstance(value, dict):
        parts: list[tuple[str | int, Any]] = list(value.items())
    elif isinstance(value, list):
        parts = list(enumerate(value))
    else:
        yield path, value
        return
    for key, part in parts:
        yield from _leaves(part, (*path, key))
