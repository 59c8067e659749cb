"""Paths to a value inside parameters: `("fields", 0, "value")`."""

from collections.abc import Callable, Sequence
from typing import Any

from pydantic import JsonValue


def below(path: Sequence[str | int]) -> str:
    """`fields[0].value`."""
    return "".join(f"[{key}]" if isinstance(key, int) else f".{key}" for key in path).removeprefix(".")


def changed_at(value: Any, path: Sequence[str | int], change: Callable[[JsonValue], JsonValue]) -> Any:
    """The value with another one at a path, if it is there."""
    if not path:
        return change(value)
    key, *rest = path
    match value, key:
        case dict(), str() if key in value:
            changed = changed_at(value[key], rest, change)
            return value if changed is value[key] else value | {key: changed}
        case list(), int():
            return [changed_at(one, rest, change) if index == key else one for index, one in enumerate(value)]
        case _:
            return value
