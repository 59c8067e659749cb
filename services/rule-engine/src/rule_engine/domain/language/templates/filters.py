"""Filters of texts: which there are, what they cost, and how large a value they may make."""

from collections.abc import Callable, Mapping

from liquid.exceptions import (
    ResourceLimitError,
)
from liquid.undefined import Undefined

from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.functions import FUNCTIONS, Function, weight
from rule_engine.domain.language.numbers import Number, as_json, difference_of, exact, product_of, quotient_of, sum_of

MAX_VALUE = 300_000
"""Characters of one value while rendering."""
MAX_BITS = 256
"""Of a whole number while rendering."""

_READ, _ELEMENT = 150, 20
"""Units of `contracts.budget`: a value read or filtered, beside its characters; an element of a list."""
_HEAVY: Mapping[str, int] = {"url_encode": 15, "url_decode": 15} | dict.fromkeys(
    ("escape", "escape_once", "newline_to_br", "squish", "strip_newlines"), 5
)
"""What each character costs filters that look for something in it."""

FILTERS = frozenset(
    {"abs", "at_least", "at_most", "ceil", "divided_by", "floor", "minus", "modulo", "plus", "round", "times"}
    | {"append", "capitalize", "downcase", "escape", "escape_once", "lstrip", "newline_to_br", "prepend", "remove"}
    | {"remove_first", "replace", "replace_first", "rstrip", "slice", "split", "squish", "strip", "strip_newlines"}
    | {"safe", "truncate", "truncatewords", "upcase", "url_encode", "url_decode"}
    | {"compact", "concat", "default", "first", "join", "last", "map", "reverse", "size", "sort", "sum", "where"}
)


_WHOLE_LIST = frozenset(("compact", "concat", "map", "reverse", "sort", "sum", "where"))
SHALLOW = _WHOLE_LIST | {"default", "first", "last", "size"} | FUNCTIONS.keys()
"""What does not print the elements of what it is given; functions of ours spend by themselves."""


def of_function(function: Function) -> Callable[..., object]:
    """A function as a filter; that a name is unknown, it says as printing would."""

    def apply(*args: object) -> object:
        for one in args:
            if isinstance(one, Undefined):
                str(one)
        return function(*args)

    return apply


def exactly(name: str, apply: Callable[[Number, Number], Number]) -> Callable[[object, object], object]:
    """Arithmetic as in expressions; what is no number counts as 0, as everywhere in Liquid."""

    def applied(value: object, other: object) -> int | float:
        try:
            return as_json(apply(_counted(value), _counted(other)))
        except ValueFailureError as error:
            raise ValueFailureError(f"{name}: {error}") from error

    return applied


def _counted(value: object) -> Number:
    if isinstance(value, Undefined):
        str(value)
    try:
        return exact(value)
    except ValueFailureError:
        if isinstance(value, int | float):
            raise
        return 0


def _divided(number: Number, other: Number) -> Number:
    """Whole numbers without a rest, as Liquid does it."""
    found = quotient_of(number, other)
    return found.numerator // found.denominator if isinstance(number, int) and isinstance(other, int) else found


def _rest(number: Number, other: Number) -> Number:
    return number - other * (quotient_of(number, other) // 1)


ARITHMETIC: Mapping[str, Callable[[Number, Number], Number]] = {
    "plus": sum_of,
    "minus": difference_of,
    "times": product_of,
    "divided_by": _divided,
    "modulo": _rest,
}


def size(value: object) -> int:
    """What reading or making it costs."""
    match value:
        case str():
            return _READ + len(value)
        case list() | tuple():
            return _READ + _ELEMENT * len(value) + sum(len(one) for one in value if isinstance(one, str))
        case _:
            return _READ


def printed_size(value: object) -> int:
    """What printing it costs: a list or an object becomes a text with all that is in it."""
    return size(value) if isinstance(value, str) else _READ + 2 * weight(value)


def _is_too_long(value: object) -> bool:
    match value:
        case str():
            return len(value) > MAX_VALUE
        case list() | tuple():
            return len(value) + sum(len(one) for one in value if isinstance(one, str)) > MAX_VALUE
        case int():
            return value.bit_length() > MAX_BITS
        case _:
            return False


def growth(name: str, value: object, args: tuple[object, ...]) -> int:
    """How many characters the two filters that multiply will make, and what going through a list takes.

    Raises when they are too many.
    """
    text = value if isinstance(value, str) else str(value) if name.startswith("replace") else ""
    grown = 0
    if name in _HEAVY:
        return _HEAVY[name] * len(text)
    if name == "replace" and len(args) == 2:
        grown = text.count(str(args[0])) * len(str(args[1]))
    elif name in _WHOLE_LIST and isinstance(value, list | tuple):
        return 10 * len(value)
    elif name == "join" and args and isinstance(value, list | tuple):
        grown = len(value) * len(str(args[0]))
    if grown > MAX_VALUE:
        raise ResourceLimitError("a value of the text becomes too long", token=None)
    return grown


def checked(value: object) -> object:
    if _is_too_long(value):
        raise ResourceLimitError("a value of the text becomes too long", token=None)
    return value
