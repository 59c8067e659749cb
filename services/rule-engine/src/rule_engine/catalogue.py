"""The rules and blocks of the page for authors, `docs/catalogue.md`, which `make catalogue` puts together."""

from collections.abc import Iterator
from typing import Any

import yaml

from contracts.parameter_tables import parameter_table
from rule_engine.blocks import BLOCKS
from rule_engine.blocks.examples import load_examples as block_examples
from rule_engine.domain.actions import RuleType
from rule_engine.domain.authoring.workflow_document import ACTION
from rule_engine.domain.authoring.workflow_schema import options_schema
from rule_engine.domain.execution.blocks import BlockType
from rule_engine.rules import REGISTRY
from rule_engine.rules.examples import Example, load_examples


def rules() -> Iterator[str]:
    """A section for each rule type, in Markdown."""
    examples = load_examples()
    for one in REGISTRY.values():
        yield from _section(one, examples[one.type])


def blocks() -> Iterator[str]:
    """A section for each block that authors write, in Markdown."""
    for name, example in block_examples().items():
        yield f"## block `{name}`\n"
        if name == ACTION:
            yield "Any rule, as a block. Its parameters and outputs are those of the rule.\n"
        else:
            yield from _options(BLOCKS[name])
        outputs = [f"`{one}`" for one in example.outputs]
        yield f"Outputs: {', '.join(outputs) or 'none'}.\n"
        yield f"{example.title}:\n"
        yield f"```yaml\n{_yaml(example.block)}```\n"
        yield f"Refused at publishing, with words about `{example.issue.says}`:\n"
        yield f"```yaml\n{_yaml(example.issue.params)}```\n"


def _options(type: BlockType[Any]) -> Iterator[str]:
    inside = {"none": "nothing", "body": "a body, `blocks`", "many": "`branches`"}
    named = isinstance(type.branches, tuple)
    holds = "the branches " + ", ".join(f"`{one}`" for one in type.branches) if named else inside[str(type.branches)]
    yield f"{' '.join((type.__doc__ or type.title).split())} Inside: {holds}.\n"
    yield from parameter_table(options_schema(type), "option")
    yield ""


def _section(rule_type: RuleType[Any], example: Example) -> Iterator[str]:
    yield f"## rule `{rule_type.type}`\n"
    yield f"{rule_type.__doc__ or rule_type.title} For: {', '.join(rule_type.kinds)}.\n"
    yield from parameter_table(rule_type.params.model_json_schema())
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
