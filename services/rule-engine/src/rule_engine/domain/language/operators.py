"""What the operators of expressions do with two values, and what they say of values that they do not take."""

import operator
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.numbers import (
    Number,
    difference_of,
    exact,
    is_number,
    product_of,
    quotient_of,
    same,
    sum_of,
)

_KINDS: Mapping[type, str] = {
    type(None): "an empty value",
    bool: "yes or no",
    str: "a text",
    int: "a number",
    float: "a number",
    Fraction: "a number",
    list: "a list",
    dict: "names with values",
    datetime: "a moment",
    timedelta: "a length of time",
}


def kind_of(value: Any) -> str:
    """For an author: `a text`."""
    return _KINDS.get(type(value), "another kind of value")


def misfit(sign: str, *values: Any) -> ValueFailureError:
    """That an operator or function does not take these kinds of values."""
    words = f"{sign} does not take {' and '.join(map(kind_of, values))}"
    empty = ": say what an empty value counts as: x == null ? 0 : x" if None in values else ""
    return ValueFailureError(words + empty)


def add(a: Any, b: Any) -> Any:
    """Numbers, texts, lists; a length of time to a moment or to another one."""
    if is_number(a) and is_number(b):
        return sum_of(exact(a), exact(b))
    if type(a) is type(b) and isinstance(a, str | list | timedelta):
        return a + b
    return _in_time("+", operator.add, a, b)


def subtract(a: Any, b: Any) -> Any:
    if is_number(a) and is_number(b):
        return difference_of(exact(a), exact(b))
    return _in_time("-", operator.sub, a, b)


def _in_time(sign: str, apply: Callable[[Any, Any], Any], a: Any, b: Any) -> Any:
    if not (isinstance(a, datetime | timedelta) and isinstance(b, datetime | timedelta)):
        raise misfit(sign, a, b)
    try:
        return apply(a, b)
    except TypeError as error:
        raise misfit(sign, a, b) from error
    except OverflowError as error:
        raise ValueFailureError(f"{sign} leaves the years 1 to 9999") from error


def multiply(a: Any, b: Any) -> Number:
    return product_of(*_numbers("*", a, b))


def divide(a: Any, b: Any) -> Number:
    return quotient_of(*_numbers("/", a, b))


def _numbers(sign: str, a: Any, b: Any) -> tuple[Number, Number]:
    if not (is_number(a) and is_number(b)):
        raise misfit(sign, a, b)
    return exact(a), exact(b)


def negate(a: Any) -> Any:
    if isinstance(a, timedelta):
        return -a
    if not is_number(a):
        raise misfit("-", a)
    return -exact(a)


def _ordered(sign: str, compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def ordered(a: Any, b: Any) -> bool:
        if is_number(a) and is_number(b):
            return compare(exact(a), exact(b))
        if type(a) is type(b) and isinstance(a, str | bool | datetime | timedelta):
            return compare(a, b)
        raise misfit(sign, a, b)

    return ordered


def is_in(a: Any, b: Any) -> bool:
    """A list has this element; an object this name."""
    if isinstance(b, list):
        return any(same(a, one) for one in b)
    if isinstance(b, dict):
        return isinstance(a, str) and a in b
    raise ValueFailureError("in takes a list, or names with values, on its right")


def at(value: Any, key: Any) -> Any:
    """The element or field; null in an empty value, and for a name that is not there."""
    if value is None:
        return None
    if isinstance(value, dict) and isinstance(key, str):
        return value.get(key)
    if not isinstance(value, list):
        raise ValueFailureError("[…] takes a list, or names with values, before it")
    if not is_number(key) or (index := exact(key)).denominator != 1:
        raise ValueFailureError("elements of a list are counted by whole numbers, from 0")
    if not 0 <= index < len(value):
        raise ValueFailureError(f"there is no element {index}: the list has {len(value)}, counted from 0")
    return value[int(index)]


def yes_no(value: Any, words: str) -> bool:
    """The value. Raises `ValueFailureError` that an operator takes yes or no."""
    if not isinstance(value, bool):
        raise ValueFailureError(words)
    return value


def invert(value: Any) -> bool:
    return not yes_no(value, "! takes yes or no")


OPERATORS: Mapping[str, Callable[..., Any]] = {
    "_+_": add,
    "_-_": subtract,
    "_*_": multiply,
    "_/_": divide,
    "-_": negate,
    "!_": invert,
    "_==_": same,
    "_!=_": lambda a, b: not same(a, b),
    "_<_": _ordered("<", operator.lt),
    "_<=_": _ordered("<=", operator.le),
    "_>_": _ordered(">", operator.gt),
    "_>=_": _ordered(">=", operator.ge),
    "@in": is_in,
    "_[_]": at,
}
"""By the name that CEL's parser gives them; `&&`, `||` and `?:` decide what is computed at all."""
