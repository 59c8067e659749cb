"""The JSON Schema of workflows, for editors: it follows from the types of blocks and rules."""

from collections.abc import Mapping
from typing import Any

from rule_engine.domain.actions import RuleType
from rule_engine.domain.authoring.document import RuleDocument
from rule_engine.domain.authoring.workflow_document import ACTION, WorkflowDocument
from rule_engine.domain.execution.blocks import BlockType

type Schema = dict[str, Any]

_REFS = "#/$defs/{model}"
_OF_STAGES = ("execution", "run", "on_leave", "id", "name", "title")
"""What a rule of a stage has and an action has not, or has as a block."""


def options_schema(type: BlockType[Any]) -> Schema:
    """The schema of a block's options; its branches are those of the document."""
    schema: Schema = type.options.model_json_schema(ref_template=_REFS)
    schema["properties"] = {name: one for name, one in schema.get("properties", {}).items() if name != "branches"}
    return schema


def workflow_schema(types: Mapping[str, BlockType[Any]], registry: Mapping[str, RuleType[Any]]) -> Schema:
    """The whole document."""
    schema = WorkflowDocument.model_json_schema(ref_template=_REFS)
    defs: Schema = schema["$defs"]
    common = defs.pop("BlockDocument")["properties"]
    variants = [_action(registry, common, defs)]
    variants += [_block(one, common, defs) for _, one in sorted(types.items()) if one.written]
    defs["BlockDocument"] = {"oneOf": variants, "discriminator": {"propertyName": "block"}}
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def _block(type: BlockType[Any], common: Schema, defs: Schema) -> Schema:
    own = options_schema(type)
    defs.update(own.pop("$defs", {}))
    unused = {"none": ("blocks", "branches"), "body": ("branches",)}.get(str(type.branches), ("blocks",))
    shared = {name: one for name, one in common.items() if name not in unused}
    return {
        "title": type.title,
        "description": own.get("description", ""),
        "type": "object",
        "properties": shared | own["properties"] | {"block": {"const": type.type}},
        "required": ["block", "name", *own.get("required", ())],
        "additionalProperties": False,
    }


def _action(registry: Mapping[str, RuleType[Any]], common: Schema, defs: Schema) -> Schema:
    rule = RuleDocument.model_json_schema(ref_template=_REFS)
    defs.update(rule.pop("$defs", {}))
    own = {name: one for name, one in rule["properties"].items() if name not in _OF_STAGES}
    shared = {name: one for name, one in common.items() if name not in ("blocks", "branches")}
    return {
        "title": "A rule",
        "description": "Any rule, as a block.",
        "type": "object",
        "properties": shared | own | {"block": {"const": ACTION}, "type": {"enum": sorted(registry)}},
        "required": ["block", "name", "type"],
        "additionalProperties": False,
    }
