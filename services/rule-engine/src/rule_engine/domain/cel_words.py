"""What CEL's runtime says of an expression that it cannot compute, in words: the operator, the kinds of its values."""

import re
from collections.abc import Callable

_KINDS = {
    "string": "a text",
    "double": "a number",
    "int": "a number",
    "bool": "yes or no",
    "null_type": "an empty value",
    "list": "a list",
    "map": "names with values",
    "timestamp": "a moment",
    "duration": "a length of time",
}
_WITHOUT_KINDS = {
    "!_": "! takes yes or no",
    "_&&_": "&& takes yes or no on both sides",
    "_||_": "|| takes yes or no on both sides",
    "<jump_condition>": "? takes yes or no before it",
    "@in": "in takes a list, or names with values, on its right",
    "_[_]": "[…] takes a list, or names with values, before it",
}


def in_words(reason: str) -> str | None:
    """The reason for an author, without values; null for what is not known here."""
    for pattern, words in _PATTERNS:
        if found := pattern.search(reason):
            return words(found)
    return None


def _no_overload(found: re.Match[str]) -> str:
    call = found[1].strip()
    if known := _WITHOUT_KINDS.get(call):
        return known
    named = re.fullmatch(r"(?:\((?P<target>\w+)\)\.)?(?P<name>[^\s(]+)(?:\((?P<kinds>.*)\))?", call)
    if named is None:
        return "a value does not fit its operator or function"
    kinds = [kind.strip() for kind in (named["target"], *(named["kinds"] or "").split(",")) if kind and kind.strip()]
    words = f"{_sign(named['name'])} does not take {' and '.join(_kind(kind) for kind in kinds) or 'these values'}"
    return f"{words}: say what an empty value counts as: x == null ? 0 : x" if "null_type" in kinds else words


def _sign(name: str) -> str:
    """`+` of `_+_`, `size` of `size_`."""
    return name.strip("_") or name


def _kind(name: str) -> str:
    return _KINDS.get(name, "another kind of value")


_PATTERNS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], str]], ...] = (
    (re.compile(r"No matching overloads found ?: ?([^\n\[]*(?:\[_\])?[^\n\[]*)"), _no_overload),
    (
        re.compile(r"Index error: index=(\d+) size=(\d+)"),
        lambda at: f"there is no element {at[1]}: the list has {at[2]}, counted from 0",
    ),
    (re.compile(r"Index error"), lambda _: "elements of a list are counted by whole numbers, from 0"),
    (re.compile(r"Key not found in map ?: ?(.*)"), lambda key: f"there is no name {key[1].strip()[:80]} in it"),
    (re.compile(r"[Dd]ivide by zero"), lambda _: "it divides by zero"),
    (re.compile(r"Iteration budget"), lambda _: "it loops over too many elements"),
)
