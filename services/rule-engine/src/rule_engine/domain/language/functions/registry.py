"""What a function is, and all of them by name; the modules of this package register theirs."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from inspect import Parameter, signature
from typing import Any

from contracts.envelope import rfc3339
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.language.functions.surroundings import here
from rule_engine.domain.language.numbers import plain
from rule_engine.domain.schedule.calendar import NoWorkingTimeError

MAX_TEXT = 300_000
"""Characters that a function gives."""
MAX_LIST = 10_000
"""Elements of a list that a function gives."""

CALL, _NODE, _CHARACTER = 6_000, 100, 4
"""Units of `contracts.budget`: a call; each value in an argument, and each character of its texts."""
_HEAVY: Mapping[str, int] = {"merge": 3, "split": 3, "title": 8, "urlencode": 5}
"""How many times as much it is for functions that go through each of their characters in Python."""


@dataclass(frozen=True, slots=True)
class Function:
    """One function: how it is called and with how many arguments."""

    name: str
    apply: Callable[..., Any]
    least: int
    most: int

    def __call__(self, *args: Any) -> Any:
        """A JSON value. Raises `ValueFailureError` that names the function, never the values."""
        return plain(self.exact(*args))

    def exact(self, *args: Any) -> Any:
        """The same, with exact numbers."""
        if not self.least <= len(args) <= self.most:
            raise ValueFailureError(f"{self.name} takes {_arguments(self.least, self.most)}, not {len(args)}")
        here().budget.spend(CALL + _HEAVY.get(self.name, 1) * sum(map(weight, args)), "functions")
        try:
            return _bounded(self.apply(*map(_written, args)))
        except ValueFailureError as error:
            raise ValueFailureError(f"{self.name}: {error}") from error
        except NoWorkingTimeError as error:
            raise ValueFailureError(f"{self.name}: there is no working time for years") from error
        except (ArithmeticError, AttributeError, LookupError, TypeError, ValueError) as error:
            raise ValueFailureError(f"{self.name} cannot be used like this on this value") from error


def weight(value: Any, character: int = _CHARACTER, node: int = _NODE) -> int:
    """What going through a value and all that is in it costs: its characters, and the values in lists and objects."""
    match value:
        case str():
            return character * len(value)
        case list() | tuple():
            return node * len(value) + sum(weight(one, character, node) for one in value)
        case dict():
            return node * len(value) + sum(weight(one, character, node) for one in value.values())
        case _:
            return 0


def _arguments(least: int, most: int) -> str:
    return f"{least} arguments" if least == most else f"{least} to {most} arguments"


def _written(value: Any) -> Any:
    return rfc3339(value) if isinstance(value, datetime) else value


def _bounded(value: Any) -> Any:
    if len(value) > MAX_TEXT if isinstance(value, str) else isinstance(value, list) and len(value) > MAX_LIST:
        raise ValueFailureError("makes a value that is too long")
    if isinstance(value, int) and abs(value) >= 2**63:
        raise ValueFailureError("makes a number that is too large")
    return value


FUNCTIONS: dict[str, Function] = {}
MOST = 6
"""Arguments of a function that takes any number of them."""


def function[F: Callable[..., Any]](apply: F) -> F:
    """Registers under its name, without the `_` that keeps it from hiding one of Python's."""
    parameters = list(signature(apply).parameters.values())
    least = sum(one.default is Parameter.empty and one.kind is not Parameter.VAR_POSITIONAL for one in parameters)
    endless = any(one.kind is Parameter.VAR_POSITIONAL for one in parameters)
    name = apply.__name__.removesuffix("_")
    FUNCTIONS[name] = Function(name, apply, least, MOST if endless else len(parameters))
    return apply
