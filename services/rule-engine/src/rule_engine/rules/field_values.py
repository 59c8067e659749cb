"""Whether a value that an author gives to a field can be one of it, as far as that is known before the rule acts.

What is known is checked by the function with which the field's owner keeps a value.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from uuid import UUID

from pydantic import JsonValue

from contracts import item_fields
from contracts.field_values import FieldFields, clean_value
from rule_engine.domain.actions import literal
from rule_engine.domain.language.value_types import PathError, Shape, described, find
from rule_engine.domain.language.values import marked

type Check = Callable[[JsonValue], Iterable[str]]
"""What the owner of a field has against a value of it."""

_AS_TEXT = ("text", "user", "date", "datetime", "time", "any")
"""Kinds of values that are texts in JSON."""
_SOMEBODY = UUID(int=0)
"""In place of every employee: whether the one who is named exists is looked up for all parameters alike."""


def pairs(params: Mapping[str, JsonValue]) -> Iterator[tuple[int, str, Mapping[str, JsonValue]]]:
    """The (field, value) pairs of `fields` whose field is known before the rule acts, each with its index."""
    written = params.get("fields")
    for index, one in enumerate(written if isinstance(written, list) else ()):
        if isinstance(one, dict) and (name := literal(one.get("field"))) is not None:
            yield index, name, one


def custom_check(name: str, field: FieldFields) -> Check:
    """Of a field that authors define."""

    def check(value: JsonValue) -> Iterable[str]:
        try:
            clean_value(field, _somebody(value) if field.type == "user" else value, {_SOMEBODY})
        except ValueError as error:
            yield f"{name} {error}"

    return check


def plain_check(name: str) -> Check:
    """Of a field that items of every kind have."""

    def check(value: JsonValue) -> Iterable[str]:
        given = _somebody(value) if name in item_fields.PEOPLE else value
        yield from (f"{where}: {what}" for where, what in item_fields.value_issues(name, given))

    return check


def _somebody(value: JsonValue) -> JsonValue:
    if isinstance(value, list):
        return [_somebody(one) for one in value]
    return str(_SOMEBODY) if isinstance(value, str) else value


def value_issues(  # noqa: PLR0913 - a field, and a value where it stands
    name: str, value: JsonValue, shape: Shape, names: Shape, check: Check, *, append: bool = False
) -> Iterable[str]:
    """Why it can be none; nothing when it is one, or when only its making tells. `names` are what paths can name."""
    if isinstance(value, dict) and marked(value) and "const" not in value:
        return _path_issues(name, value, shape, names, append=append)
    if append and not isinstance(constant(value), list):
        value = [value]
    written = constant(value)
    if not is_computed(value):
        return check(written)
    if isinstance(written, list) and shape.element is not None:
        return _element_issues(name, written, shape.element, check)
    if shape.element is not None:
        return [f"{name} holds several values: give a list"]
    return _template_issues(name, written, shape)


def constant(value: JsonValue) -> JsonValue:
    """What `{"const": …}` says; other values as they are."""
    return value["const"] if isinstance(value, dict) and value.keys() == {"const"} else value


def is_computed(value: JsonValue) -> bool:
    """Whether something in it is made when the rule acts."""
    match value:
        case str():
            return literal(value) is None
        case _ if constant(value) is not value:
            return False
        case dict():
            return marked(value) or any(map(is_computed, value.values()))
        case list():
            return any(map(is_computed, value))
    return False


def _element_issues(name: str, values: Sequence[JsonValue], element: Shape, check: Check) -> Iterator[str]:
    for one in values:
        yield from _template_issues(name, one, element) if is_computed(one) else check([constant(one)])


def _template_issues(name: str, value: JsonValue, shape: Shape) -> Iterable[str]:
    """A template makes a text."""
    if isinstance(value, list):
        yield f"{name} holds one value, {described(shape)}: give no list"
    elif isinstance(value, str) and shape.kind not in _AS_TEXT:
        yield f'{name} is {described(shape)}, not a text: use {{"expr": "…"}}'


def _path_issues(
    name: str, value: Mapping[str, JsonValue], shape: Shape, names: Shape, *, append: bool
) -> Iterator[str]:
    """What an expression gives is only known when it is evaluated."""
    path = value.get("path")
    if not isinstance(path, str):
        return
    try:
        given = find(names, path, in_text=True)
    except PathError:
        return  # told where all values are looked at
    if (given.element is None) != (shape.element is None) and not append and given.kind != "any":
        yield f"{name} holds {_many(shape)}, {path} {_many(given)}"
        return
    one, other = shape.element or shape, given.element or given
    if _as_json(one) != _as_json(other) and "any" not in (one.kind, other.kind):
        yield f"{name} is {described(one)}, {path} is {described(other)}"


def _many(shape: Shape) -> str:
    return "one value" if shape.element is None else "several values"


def _as_json(shape: Shape) -> str:
    return "text" if shape.kind in _AS_TEXT else shape.kind
