"""What is wrong with a document, for its author: where, what is expected, and the nearest name.

Pydantic finds the mistakes; its own words (its types, its regular expressions, its tags of unions) are for programmers.
This is the only place that turns them into sentences: for rule sets, rule parameters, conditions, variables, triggers,
forms, templates, requests and messages alike.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from functools import cache
from typing import Any, NamedTuple, get_args

from pydantic import BaseModel, GetCoreSchemaHandler, ValidationError
from pydantic_core import CoreSchema, core_schema

type Schema = Mapping[str, Any]
"""A JSON Schema."""
type Detail = Mapping[str, Any]
"""One of pydantic's errors: `type`, `loc`, `msg`, `input`, `ctx`."""

NO_SCHEMA: Schema = {}
_NAMES_SHOWN = 10
_NAME_LENGTH = 80
"""Characters of a wrong name that are quoted, and compared with the known names."""


class Issue(NamedTuple):
    """One mistake: `where` is a place such as `stages.new.rules[0].run.minuts`, empty for the document as a whole."""

    where: str
    what: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what}" if self.where else self.what


@dataclass(frozen=True, slots=True)
class Written:
    """The annotation of a text that has a form: its pattern for programs, and what is expected for people."""

    pattern: str
    expected: str
    """`a time of day such as 09:30`."""

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        text: Any = {**handler(source), "pattern": self.pattern}
        return core_schema.custom_error_schema(
            text, custom_error_type="written", custom_error_message=f"expected {self.expected}"
        )


def unknown(what: str, name: str, known: Iterable[str], within: str = "") -> str:
    """`there is no stage 'wno' in pipeline 'sales': did you mean 'won'?`"""
    there = f"there is no {what} {name[:_NAME_LENGTH]!r}" if what else f"there is no {name[:_NAME_LENGTH]!r}"
    return f"{there}{within and f' {within}'}: {hint(name, known)}"


def hint(name: str, known: Iterable[str]) -> str:
    """The nearest name, else the first ones there are."""
    names = sorted(known)
    if near := get_close_matches(name[:_NAME_LENGTH], names, 1):
        return f"did you mean {near[0]!r}?"
    return f"there are {', '.join(names[:_NAMES_SHOWN])}" if names else "there are none"


def issues_of(error: ValidationError, model: type[BaseModel] | None = None) -> list[Issue]:
    """What is wrong with a value that was to be a `model`."""
    return issues(error.errors(include_url=False), NO_SCHEMA if model is None else schema_of(model))


def issues(details: Iterable[Detail], schema: Schema = NO_SCHEMA) -> list[Issue]:
    """What is wrong with a value of a schema; one issue for each place."""
    found: dict[str, list[str]] = {}
    for detail in details:
        where, what = issue(detail, schema)
        if what not in found.setdefault(where, []):
            found[where].append(what)
    return [Issue(where, ", or ".join(whats)) for where, whats in found.items()]


def issue(detail: Detail, schema: Schema = NO_SCHEMA) -> Issue:
    """One of pydantic's errors about a value of a schema, in words."""
    spot = _spot(detail["loc"], schema)
    match detail["type"]:
        case "union_tag_invalid":
            key, tags = _discriminator(detail), _quoted(detail, "expected_tags")
            return Issue(f"{spot.where}.{key}".lstrip("."), _none_of(detail["ctx"]["tag"], tags))
        case "union_tag_not_found":
            return Issue(spot.where, f"{_discriminator(detail)} is required: one of {', '.join(spot.tags())}")
        case "extra_forbidden":
            return Issue(spot.where, unknown("", spot.key, spot.names, "here"))
        case _:
            return Issue(spot.where, _what(detail))


@cache
def schema_of(model: type[BaseModel]) -> Schema:
    """Of what is read into a model, by the names on the wire."""
    return model.model_json_schema()


# where: pydantic's places have the tags of unions in them, which no document has


@dataclass(slots=True)
class _Spot:
    """A place in a document: its name, the schema there, and the names beside it."""

    root: Schema
    schema: Schema
    where: str = ""
    key: str = ""
    names: Sequence[str] = ()

    def go(self, part: str | int) -> None:
        schema = _followed(self.schema, self.root)
        options = _options(schema)
        if options and part != "[key]":
            self.schema = _option(schema, options, str(part))
        elif isinstance(part, int):
            self.where += f"[{part}]"
            self.schema = _element(schema, part)
        elif part != "[key]":  # which stands behind a name that is wrong itself
            self.names = list(schema.get("properties", ()))
            self.where, self.key = f"{self.where}.{part}".lstrip("."), part
            self.schema = _member(schema, part)

    def tags(self) -> Iterable[str]:
        """Those of the union that is there."""
        mapping = _followed(self.schema, self.root).get("discriminator", {}).get("mapping", {})
        return sorted(mapping)


def _spot(loc: Iterable[str | int], schema: Schema) -> _Spot:
    spot = _Spot(schema, schema)
    for part in loc:
        spot.go(part)
    return spot


def _followed(schema: Schema, root: Schema) -> Schema:
    """The schema itself: references followed, and `or null` left out."""
    while "$ref" in schema or len(_options(schema)) == 1:
        if "$ref" in schema:
            schema = root.get("$defs", {}).get(str(schema["$ref"]).rpartition("/")[2], NO_SCHEMA)
        else:
            (schema,) = _options(schema)
    return schema


def _options(schema: Schema) -> Sequence[Schema]:
    return schema.get("oneOf") or [one for one in schema.get("anyOf", ()) if one.get("type") != "null"]


def _option(union: Schema, options: Sequence[Schema], tag: str) -> Schema:
    """The member of a union that a tag stands for."""
    reference = union.get("discriminator", {}).get("mapping", {}).get(tag, f"#/$defs/{tag}")
    return next((one for one in options if one.get("$ref") == reference), NO_SCHEMA)


def _element(schema: Schema, index: int) -> Schema:
    prefix = schema.get("prefixItems", ())
    found = prefix[index] if index < len(prefix) else schema.get("items")
    return found if isinstance(found, dict) else NO_SCHEMA


def _member(schema: Schema, name: str) -> Schema:
    of_any = [*schema.get("patternProperties", {}).values(), schema.get("additionalProperties")]
    found = schema.get("properties", {}).get(name, next((one for one in of_any if isinstance(one, dict)), NO_SCHEMA))
    return found if isinstance(found, dict) else NO_SCHEMA


# what


_KINDS = {
    "a text": "string_type string_unicode",
    "a whole number": "int_type int_parsing int_parsing_size int_from_float",
    "a number": "float_type float_parsing decimal_type decimal_parsing decimal_whole_digits",
    "a finite number": "finite_number",
    "true or false": "bool_type bool_parsing",
    "a list": "list_type tuple_type set_type frozen_set_type iterable_type named_tuple_type",
    "names with values": "dict_type mapping_type model_type model_attributes_type dataclass_type",
    "names that are texts": "invalid_key",
    "a date such as 2026-01-31": "date_type date_parsing date_from_datetime_parsing date_from_datetime_inexact",
    "a moment such as 2026-01-31T09:30:00Z": (
        "datetime_type datetime_parsing datetime_object_invalid datetime_from_date_parsing"
    ),
    "a moment with its zone, such as 2026-01-31T09:30:00Z": "timezone_aware timezone_offset timezone_naive",
    "a time of day such as 09:30": "time_type time_parsing",
    "a length of time": "time_delta_type time_delta_parsing",
    "an id (a UUID)": "uuid_type uuid_parsing uuid_version",
    "an address such as https://shop.example/": ("url_type url_parsing url_scheme url_syntax_violation url_too_long"),
    "nothing here": "none_required",
}
_EXPECTED = {error: words for words, errors in _KINDS.items() for error in errors.split()}
_LIMITS = {
    "greater_than": "must be more than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "multiple_of": "must be a multiple of {multiple_of}",
    "string_too_short": "needs at least {min_length} characters",
    "string_too_long": "has more than {max_length} characters",
    "too_short": "needs at least {min_length} entries",
    "too_long": "has more than {max_length} entries",
    "bytes_too_long": "has more than {max_length} bytes",
    "decimal_max_digits": "has more than {max_digits} digits",
    "decimal_max_places": "has more than {decimal_places} digits after the point",
}
_PYDANTICS = frozenset(get_args(core_schema.ErrorType)) - {"value_error", "assertion_error"}
"""Errors whose text is pydantic's own; that of all others is ours."""


def _what(detail: Detail) -> str:
    kind, context = str(detail["type"]), detail.get("ctx", {})
    if kind == "missing":
        return "is required"
    if kind in ("literal_error", "enum"):
        return _none_of(detail.get("input"), _quoted(detail, "expected"))
    if kind in ("string_too_short", "too_short") and context.get("min_length") == 1:
        return "must not be empty"
    if kind in _LIMITS:
        return _LIMITS[kind].format_map(context)
    if kind in _EXPECTED:
        return f"expected {_EXPECTED[kind]}, not {_given(detail.get('input'))}"
    if kind == "json_invalid":
        return f"is no JSON: {str(context.get('error', 'it ends too early')).lower()}"
    if kind in _PYDANTICS:
        return "does not fit here"
    return str(detail["msg"]).removeprefix("Value error, ").removeprefix("Assertion failed, ")


def _discriminator(detail: Detail) -> str:
    """The name whose value says which member of a union is meant."""
    return str(detail["ctx"]["discriminator"]).strip("'")


def _quoted(detail: Detail, key: str) -> list[str]:
    """The names in a list such as `'cancel', 'finish' or 'run_now'`."""
    return [text or other for text, other in re.findall(r"'([^']*)'|([^\s',]+)", detail["ctx"][key]) if other != "or"]


def _none_of(given: Any, known: Sequence[str]) -> str:
    """Without what was given: it may be anybody's text."""
    if not isinstance(given, str):
        return f"expected one of {', '.join(known)}, not {_given(given)}"
    near = get_close_matches(given[:_NAME_LENGTH], known, 1)
    return f"is none of {', '.join(known)}" + (f": did you mean {near[0]!r}?" if near else "")


def _given(value: Any) -> str:
    """The kind of a value, for people, without the value, which may be secret."""
    match value:
        case None:
            return "nothing"
        case bool():
            return "true or false"
        case int() | float():
            return "a number"
        case str():
            return "this text"
        case dict() | BaseModel():
            return "names with values"
        case list() | tuple():
            return "a list"
        case bytes():
            return "bytes: is the Content-Type application/json?"
        case _:
            return "this"
