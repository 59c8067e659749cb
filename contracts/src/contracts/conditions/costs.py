"""What comparing costs at most, in units of `contracts.budget`, beside the step of a leaf."""

from typing import Any

from contracts.conditions.comparison import DAY_LENGTH, MOMENT_LENGTH


def members_work(values: list[Any]) -> int:
    """To store each value and to find it again."""
    return sum(1_000 if isinstance(one, dict) else 200 + length_of(one) // 4 for one in values)


def asking_work(seen: Any) -> int:
    return members_work(seen) if isinstance(seen, list) else 5 * length_of(seen)


def search_work(seen: Any) -> int:
    """For one value more: a text is searched; in a list it is looked up by hash, objects and lists one by one."""
    if isinstance(seen, str):
        return 100 + 3 * len(seen)
    return 300 + 40 * sum(isinstance(one, dict | list) for one in seen) if isinstance(seen, list) else 100


def length_of(value: Any) -> int:
    return len(value) if isinstance(value, str) else 20


def comparing_work(value: Any) -> int:
    """To compare a value: by the length of a text, which may be a time; objects key by key."""
    kind = type(value)
    if kind is str:
        return len(value) // 8 + (600 if len(value) in _TIMES else 0)
    if kind is list:
        return sum(50 if isinstance(one, str) else 500 for one in value)
    return 100 * len(value) if kind is dict else 0


_TIMES = range(DAY_LENGTH, MOMENT_LENGTH + 1)
"""Lengths of texts that may be a day or a moment."""
