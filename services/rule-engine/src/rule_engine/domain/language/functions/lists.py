"""Functions of lists, and of values that may be anything."""

from typing import Any

from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.functions.arguments import list_of, text_of
from rule_engine.domain.language.functions.registry import MAX_TEXT, function
from rule_engine.domain.language.functions.surroundings import here
from rule_engine.domain.language.numbers import plain, same


@function
def join(value: Any, separator: str = ", ") -> str:
    """The elements of a list as one text."""
    parts = [text_of(one) for one in list_of(value)]
    if sum(map(len, parts)) + len(parts) * len(separator) > MAX_TEXT:
        raise ValueFailureError("makes a value that is too long")
    return separator.join(parts)


@function
def split(value: Any, separator: str = ",") -> list[str]:
    """A text as a list; by an empty separator its characters."""
    text = text_of(value)
    if not text:
        return []
    return text.split(separator) if separator else list(text)


@function
def merge(first: Any, *others: Any) -> list[Any]:
    """Lists and single values as one list, each value once."""
    merged: list[Any] = []
    seen: set[str] = set()
    for one in (one for value in (first, *others) for one in list_of(value)):
        if (key := repr(plain(one))) not in seen:
            seen.add(key)
            merged.append(one)
    return merged


@function
def first(value: Any) -> Any:
    """The first element of a list; empty if there is none."""
    return next(iter(list_of(value)), None)


@function
def shuffle(value: Any) -> list[Any]:
    """The list in an order by chance, the same for the same decision."""
    mixed = list(list_of(value))
    here().budget.spend(100 * len(mixed), "functions")
    here().chance.shuffle(mixed)
    return mixed


@function
def in_(value: Any, where: Any) -> bool:
    """Whether a list has this element, or a text this part."""
    if isinstance(where, str):
        return text_of(value) in where
    return any(same(value, one) for one in list_of(where))


@function
def if_(condition: Any, then: Any, otherwise: Any = None) -> Any:
    """`then` where the condition is true or filled, else `otherwise`."""
    return otherwise if condition is None or condition is False or condition == "" else then
