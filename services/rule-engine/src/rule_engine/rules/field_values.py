"""Whether a value that an author gives to a field can be one of it, as far as that is known before the rule acts."""

from collections.abc import Iterator, Mapping

from pydantic import JsonValue

from rule_engine.domain.actions import literal
from rule_engine.domain.language.conditions import fits
from rule_engine.domain.language.value_types import PathError, Shape, described, find
from rule_engine.domain.language.values import marked

_AS_TEXT = ("text", "user", "date", "datetime", "time", "any")
"""Kinds of values that are texts in JSON."""


def pairs(params: Mapping[str, JsonValue]) -> Iterator[tuple[int, str, Mapping[str, JsonValue]]]:
    """The (field, value) pairs of `fields` whose field is known before the rule acts, each with its index."""
    written = params.get("fields")
    for index, one in enumerate(written if isinstance(written, list) else ()):
        if isinstance(one, dict) and (name := literal(one.get("field"))) is not None:
            yield index, name, one


def value_issue(name: str, value: JsonValue, shape: Shape, names: Shape, *, append: bool = False) -> str | None:
    """Why it is none; null when it is, or when only its making tells. `names` are what paths can name."""
    if value is None or shape.kind == "any":
        return None
    if isinstance(value, dict) and marked(value) and "const" not in value:
        return _path_issue(name, value, shape, names, append=append)
    written, element = constant(value), shape.element or shape
    if isinstance(written, list):
        if shape.element is None:
            return f"{name} holds one value, {described(shape)}: give no list"
        return next(filter(None, (_one_issue(name, one, element) for one in written)), None)
    if shape.element is not None and not append:
        return f"{name} holds several values: give a list"
    return _one_issue(name, written, element)


def constant(value: JsonValue) -> JsonValue:
    """What `{"const": …}` says; other values as they are."""
    return value["const"] if isinstance(value, dict) and value.keys() == {"const"} else value


def _one_issue(name: str, value: JsonValue, shape: Shape) -> str | None:
    match constant(value):
        case dict() as made if marked(made):
            return None
        case str() as text if text is value and literal(text) is None:
            return None if shape.kind in _AS_TEXT else f'{name} is {described(shape)}, not a text: use {{"expr": "…"}}'
        case one if not is_computed(one) and not fits(one, shape):
            return f"{name} is {described(shape)}: {one!r:.80} is none"
        case str() as text if shape.options and text not in shape.options:
            return f"{name} is one of {', '.join(shape.options[:20])}, never {text!r:.80}"
    return None


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


def _path_issue(name: str, value: Mapping[str, JsonValue], shape: Shape, names: Shape, *, append: bool) -> str | None:
    """What an expression gives is only known when it is evaluated."""
    path = value.get("path")
    if not isinstance(path, str):
        return None
    try:
        given = find(names, path, in_text=True)
    except PathError:
        return None  # told where all values are looked at
    if (given.element is None) != (shape.element is None) and not append and given.kind != "any":
        return f"{name} holds {_many(shape)}, {path} {_many(given)}"
    one, other = shape.element or shape, given.element or given
    if _as_json(one) == _as_json(other) or "any" in (one.kind, other.kind):
        return None
    return f"{name} is {described(one)}, {path} is {described(other)}"


def _many(shape: Shape) -> str:
    return "one value" if shape.element is None else "several values"


def _as_json(shape: Shape) -> str:
    return "text" if shape.kind in _AS_TEXT else shape.kind
