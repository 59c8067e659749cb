"""Numbers of authors are exact: whole ones, and fractions of whole ones.

JSON writes them as decimals, of which a double keeps fifteen digits; so many are read back as they were written. What
is computed in between is never rounded, except by a function that says so.
"""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from rule_engine.domain.errors import ValueFailureError

type Number = int | Fraction

MAX_NUMBER = 2**63
MAX_BITS = 1_024
"""Of what is computed: its numerator and denominator together."""
_SMALLEST = -30
"""The power of ten below which a number is not read."""
MAX_PLACES = 12
"""Digits after the point that a number can be rounded to."""


def is_number(value: Any) -> bool:
    """Yes and no are none."""
    return isinstance(value, int | float | Fraction) and not isinstance(value, bool)


def exact(value: Any) -> Number:
    """A number, also one that a text writes. Raises `ValueFailureError` for what is none, or is of no ordinary size."""
    kind = type(value)
    if kind is Fraction or (kind is int and -MAX_NUMBER < value < MAX_NUMBER):
        return value  # type: ignore[no-any-return]
    if isinstance(value, bool) or not isinstance(value, int | float | str | Decimal):
        raise ValueFailureError("needs a number")
    try:
        written = Decimal(str(value).strip())
    except ArithmeticError as error:
        raise ValueFailureError("needs a number") from error
    if not written.is_finite() or abs(written) >= MAX_NUMBER or (written and written.adjusted() < _SMALLEST):
        raise ValueFailureError("needs a number of ordinary size")
    return _ordinary(Fraction(*written.as_integer_ratio()))


def _ordinary(number: Number) -> Number:
    if number.numerator.bit_length() + number.denominator.bit_length() > MAX_BITS:
        raise ValueFailureError("makes a number with too many digits")
    return number


def sum_of(a: Number, b: Number) -> Number:
    return _ordinary(a + b)


def difference_of(a: Number, b: Number) -> Number:
    return _ordinary(a - b)


def product_of(a: Number, b: Number) -> Number:
    return _ordinary(a * b)


def quotient_of(a: Number, b: Number) -> Number:
    """Raises `ValueFailureError` when it divides by zero."""
    if b == 0:
        raise ValueFailureError("it divides by zero")
    return _ordinary(Fraction(a) / b)


def rounded(number: Number, places: int = 0) -> Decimal:
    """To so many digits after the point, halves away from zero."""
    shifted = number * Fraction(10) ** places
    digits = (2 * abs(shifted.numerator) + shifted.denominator) // (2 * shifted.denominator)
    return Decimal(f"{'-' if number < 0 else ''}{digits}E-{places}")


def as_json(number: Number) -> int | float:
    """Whole where it is. Raises `ValueFailureError` for one that is too large to be kept."""
    if not -MAX_NUMBER < number < MAX_NUMBER:
        raise ValueFailureError("makes a number that is too large")
    return int(number) if number.denominator == 1 else float(number)


def plain(value: Any) -> Any:
    """The value with every exact number in it as JSON writes it."""
    match value:
        case Fraction():
            return as_json(value)
        case list() | tuple():
            return [plain(one) for one in value]
        case dict():
            return {key: plain(one) for key, one in value.items()}
        case _:
            return value


def same(a: Any, b: Any) -> bool:
    """Whether two values are equal: numbers exactly, lists and objects by what is in them."""
    if is_number(a) and is_number(b):
        return a == b if type(a) is not float and type(b) is not float else exact(a) == exact(b)
    match a, b:
        case list(), list():
            return len(a) == len(b) and all(map(same, a, b))
        case dict(), dict():
            return a.keys() == b.keys() and all(same(one, b[key]) for key, one in a.items())
        case _:
            return isinstance(a, bool) is isinstance(b, bool) and bool(a == b)
