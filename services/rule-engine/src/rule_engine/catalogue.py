"""`python -m rule_engine.catalogue > docs/catalogue.md`: the rule types as a page for authors."""

import sys
from collections.abc import Iterator
from typing import Any

import yaml

from rule_engine.domain.actions import RuleType
from rule_engine.rules import REGISTRY
from rule_engine.rules.examples import Example, load_examples

HEAD = """# Rule types

Made from the code by `make catalogue`; `GET /v1/rule-types` tells the same with JSON Schemas. Any parameter may be a
Liquid text or `{"path": "…"}`. Outputs are used by later rules of the chain as `steps.<rule name>.<output>`.
"""


def page() -> str:
    """The whole page, in Markdown."""
    examples = load_examples()
    return "\n".join([HEAD, *(line for one in REGISTRY.values() for line in _section(one, examples[one.type]))])


def _section(rule_type: RuleType[Any], example: Example) -> Iterator[str]:
    yield f"## rule `{rule_type.type}`\n"
    yield f"{rule_type.__doc__ or rule_type.title} For: {', '.join(rule_type.kinds)}.\n"
    schema = rule_type.params.model_json_schema()
    yield "| parameter | | what |"
    yield "| --- | --- | --- |"
    for name, one in schema.get("properties", {}).items():
        yield f"| `{name}` | {_need(one, name in schema.get('required', ()))} | {_described(one, schema)} |"
    yield from _forms(schema)
    outputs = [f"`{name}`" for name in rule_type.outputs.model_fields]
    yield f"\nOutputs: {', '.join(outputs) or 'none'}.\n"
    yield from _example(rule_type.type, example)


def _example(type: str, example: Example) -> Iterator[str]:
    yield f"{example.title}:\n"
    own = {"name": "example", "type": type, "params": example.params}
    around = ([one.model_dump() for one in rules] for rules in (example.before, example.after))
    before, after = around
    rules = [one | ({"execution": "wait"} if at else {}) for at, one in enumerate([*before, own, *after])]
    yield f"```yaml\n{_yaml(rules if len(rules) > 1 else own)}```\n"
    for verb, part in (("shows", example.shows), ("shows no longer", example.lacks)):
        if part:
            yield f"Then `GET {example.effect.get}` of {example.effect.service} {verb}:\n"
            yield f"```yaml\n{_yaml(part)}```\n"
    yield f"Refused at publishing, with words about `{example.issue.says}`:\n"
    yield f"```yaml\n{_yaml({'params': example.issue.params})}```\n"
    if example.refusal is not None:
        yield f"Refused when it acts, with its reason ({example.refusal.reason}), for an item with:\n"
        yield f"```yaml\n{_yaml(example.refusal.item)}```\n"


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)


def _forms(schema: dict[str, Any]) -> Iterator[str]:
    """What the parameters above are made of, a table each."""
    for name, form in schema.get("$defs", {}).items():
        if "properties" not in form:
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
        return f"`{target['title']}`" if "properties" in target else _type(target, schema)
    if "anyOf" in one:
        return " or ".join(_type(part, schema) for part in one["anyOf"] if part.get("type") != "null")
    if one.get("type") == "array":
        return f"list of {_type(one.get('items', {}), schema)}"
    if "enum" in one:
        return " or ".join(f"`{value}`" for value in one["enum"])
    return str(one.get("type", "any value"))


if __name__ == "__main__":
    sys.stdout.write(page())
