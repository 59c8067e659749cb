"""JSON Schemas of parameters as tables in Markdown, for the pages that are made from the code."""

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter

from contracts.conditions import Condition

_CONDITION = frozenset(TypeAdapter(Condition).json_schema()["$defs"])
"""What conditions are made of: docs/values.md says how they are written."""


def parameter_table(schema: dict[str, Any], called: str = "parameter") -> Iterator[str]:
    """The lines of a table of an object's properties, and of one for each object among them."""
    if not schema.get("properties"):
        yield f"No {called}s."
        return
    yield f"| {called} | | what |"
    yield "| --- | --- | --- |"
    for name, one in schema["properties"].items():
        yield f"| `{name}` | {_need(one, name in schema.get('required', ()))} | {_described(one, schema)} |"
    yield from _forms(schema)


def _forms(schema: dict[str, Any]) -> Iterator[str]:
    """What the parameters above are made of, a table each."""
    for name, form in schema.get("$defs", {}).items():
        if "properties" not in form or name in _CONDITION:
            continue
        yield f"\n`{name}`: {' '.join(form.get('description', 'names with values').split())}\n"
        yield "| name | | what |"
        yield "| --- | --- | --- |"
        for key, one in form["properties"].items():
            yield f"| `{key}` | {_need(one, key in form.get('required', ()))} | {_described(one, schema)} |"


def _need(one: dict[str, Any], required: bool) -> str:
    default = one.get("default")
    if required:
        return "required"
    return "optional" if default in (None, "") or isinstance(default, dict | list) else f"default `{default}`"


def _described(one: dict[str, Any], schema: dict[str, Any]) -> str:
    described = one.get("description") or _type(one, schema)
    return " ".join(described.split()).replace("|", "\\|")


def _type(one: dict[str, Any], schema: dict[str, Any]) -> str:
    """A JSON Schema type in words."""
    if "$ref" in one:
        target = schema["$defs"][one["$ref"].rpartition("/")[2]]
        if target.get("title") in _CONDITION:
            return "a condition"
        return f"`{target['title']}`" if "properties" in target else _type(target, schema)
    if "anyOf" in one:
        return " or ".join(_type(part, schema) for part in one["anyOf"] if part.get("type") != "null")
    if one.get("type") == "array":
        return f"list of {_type(one.get('items', {}), schema)}"
    if "enum" in one:
        return " or ".join(f"`{value}`" for value in one["enum"])
    return str(one.get("type", "any value"))
