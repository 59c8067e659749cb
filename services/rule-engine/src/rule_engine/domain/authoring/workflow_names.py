"""What conditions and texts of a workflow can name."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from contracts.contexts import TenantSchema
from rule_engine.domain.actions import Outputs, RuleType
from rule_engine.domain.authoring.workflow_document import (
    ACTION,
    BlockDocument,
    WorkflowDocument,
    placed_blocks,
)
from rule_engine.domain.language import value_types
from rule_engine.domain.language.value_types import ANY, NUMBER, TEXT, Shape
from rule_engine.domain.language.variables import Definition, VariableDocument

_LOOP = Shape("object", {"index": NUMBER, "value": ANY})
_WORKFLOW = Shape("object", {"code": TEXT, "status": TEXT, "started_by": TEXT})


@dataclass(slots=True)
class Names:
    """What can be named where: `at` is asked block by block in the document's order, and `pass_by` told of each."""

    document: WorkflowDocument
    schema: TenantSchema
    registry: Mapping[str, RuleType[Any]]
    definitions: Sequence[Definition]
    _base: Shape = field(init=False)
    _steps: dict[str, Shape] = field(default_factory=dict)

    def __post_init__(self) -> None:
        document = self.document
        definitions = [*self.definitions, *own_constants(document)]
        nameable = value_types.names(document.kind, self.schema, {}, definitions)
        root = dict(nameable.fields)
        for name, group in (("param", document.parameters), ("local", document.variables)):
            root[name] = Shape("object", {one: value_types.of_document(made) for one, made in group.items()})
        self._base = replace(nameable, fields=root | {"workflow": _WORKFLOW, "loop": _LOOP, "event": ANY})

    def at(self) -> Shape:
        """Everything that can be named after the blocks so far."""
        return replace(self._base, fields={**self._base.fields, "steps": Shape("object", dict(self._steps))})

    def pass_by(self, block: BlockDocument) -> None:
        """Its outputs can be named from now on."""
        self._steps[block.name] = self._outputs(block) if block.block == ACTION else ANY

    def _outputs(self, block: BlockDocument) -> Shape:
        kind = self.registry.get(str(block.options.get("type")))
        params = block.options.get("params")
        known = kind.outputs_with(params, self.schema) if kind and isinstance(params, dict) else Outputs
        return value_types.of_outputs(known)


def own_constants(document: WorkflowDocument) -> list[Definition]:
    """The workflow's constants, beside those of its tenant."""
    return [
        Definition("constant", name, VariableDocument.model_validate(one.model_dump()))
        for name, one in document.constants.items()
    ]


def all_names(
    document: WorkflowDocument,
    schema: TenantSchema,
    registry: Mapping[str, RuleType[Any]],
    definitions: Sequence[Definition],
) -> Shape:
    """Everything that can be named anywhere in it."""
    names = Names(document, schema, registry, definitions)
    for placed in placed_blocks(document):
        names.pass_by(placed.block)
    return names.at()
