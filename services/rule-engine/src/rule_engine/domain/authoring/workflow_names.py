"""What conditions and texts of a workflow can name."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from contracts.contexts import TenantSchema
from rule_engine.domain.actions import Outputs, RuleType
from rule_engine.domain.authoring.workflow_document import (
    ACTION,
    BlockDocument,
    PlacedBlock,
    WorkflowDocument,
    placed_blocks,
)
from rule_engine.domain.language import value_types
from rule_engine.domain.language.value_types import ANY, NUMBER, TEXT, Shape
from rule_engine.domain.language.variables import Definition

_LOOP = Shape("object", {"index": NUMBER, "value": ANY})
_WORKFLOW = Shape("object", {"code": TEXT, "status": TEXT, "started_by": TEXT})


def all_names(
    document: WorkflowDocument,
    schema: TenantSchema,
    registry: Mapping[str, RuleType[Any]],
    definitions: Sequence[Definition],
) -> Shape:
    """Everything that can be named anywhere in it."""
    return names_after(document, [one.block for one in placed_blocks(document)], schema, registry, definitions)


def names_at(
    document: WorkflowDocument,
    placed: PlacedBlock,
    schema: TenantSchema,
    registry: Mapping[str, RuleType[Any]],
    definitions: Sequence[Definition],
) -> Shape:
    """What can be named in a block: the outputs of those above it in the document, and what is around it."""
    above: list[BlockDocument] = []
    for one in placed_blocks(document):
        if one.where == placed.where:
            break
        above.append(one.block)
    return names_after(document, above, schema, registry, definitions)


def names_after(
    document: WorkflowDocument,
    blocks: Iterable[BlockDocument],
    schema: TenantSchema,
    registry: Mapping[str, RuleType[Any]],
    definitions: Sequence[Definition],
) -> Shape:
    """What can be named once these blocks have run."""
    known = list(blocks)
    steps = {one.name: _outputs(one, registry) for one in known if one.block == ACTION}
    root = dict(value_types.names(document.kind, schema.fields, steps, definitions).fields)
    others = {one.name: ANY for one in known if one.block != ACTION}
    root["steps"] = Shape("object", {**root["steps"].fields, **others})
    root["param"] = Shape("object", {name: value_types.of_document(one) for name, one in document.parameters.items()})
    root["local"] = Shape("object", {name: value_types.of_document(one) for name, one in document.variables.items()})
    return Shape("object", root | {"workflow": _WORKFLOW, "loop": _LOOP, "event": ANY})


def _outputs(block: BlockDocument, registry: Mapping[str, RuleType[Any]]) -> type[Outputs]:
    kind = registry.get(str(block.options.get("type")))
    params = block.options.get("params")
    return kind.outputs_with(params) if kind and isinstance(params, dict) else Outputs
