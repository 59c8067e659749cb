"""The triggers of the page for authors, `docs/catalogue.md`, which `make catalogue` puts together."""

from collections.abc import Iterator
from typing import Any

import yaml

from contracts.parameter_tables import parameter_table
from trigger_service.triggers.base import TriggerType
from trigger_service.triggers.examples import Example, load_examples
from trigger_service.triggers.registry import TRIGGER_TYPES


def triggers() -> Iterator[str]:
    """A section for each trigger type, in Markdown."""
    examples = load_examples()
    for name, one in TRIGGER_TYPES.items():
        yield from _section(one, examples[name])


def _section(type: TriggerType[Any], example: Example) -> Iterator[str]:
    yield f"## trigger `{type.name}`\n"
    yield f"{type.title}: {type.description}.\n"
    yield from parameter_table(type.settings.model_json_schema(), "setting")
    facts = (type.__doc__ or "").removeprefix("Facts: ").strip()
    yield f"\nConditions find as `{type.context_name}`: {' '.join(facts.split())}\n"
    yield f"{example.title}:\n"
    document = {"name": example.title, "type": type.name, "pipeline": "sales", "stage": "talks"}
    yield f"```yaml\n{_yaml(document | {'settings': example.settings, 'condition': example.condition})}```\n"
    yield f"It moves an item for {_said(example.given)}, and leaves it where it is for {_said(example.passed_over)}.\n"


def _said(facts: dict[str, Any]) -> str:
    return ", ".join(f"`{name}: {value}`" for name, value in facts.items())


def _yaml(value: Any) -> str:
    return yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
