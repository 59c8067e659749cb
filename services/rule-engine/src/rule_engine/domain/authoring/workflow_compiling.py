"""From a workflow as it is written to the program that its runs follow."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from uuid import UUID, uuid5

from pydantic import JsonValue

from contracts.conditions import Condition
from contracts.contexts import Part, TenantSchema
from rule_engine.domain.actions import RuleType
from rule_engine.domain.authoring import employee_refs
from rule_engine.domain.authoring.workflow_document import (
    ACTION,
    BlockDocument,
    WorkflowDocument,
    as_condition,
    placed_blocks,
)
from rule_engine.domain.authoring.workflow_names import all_names
from rule_engine.domain.execution.blocks import BlockType
from rule_engine.domain.execution.program import AnyBlock, Block, Program, RuleBlock
from rule_engine.domain.language.conditions import paths_of as read_by
from rule_engine.domain.language.value_types import Shape
from rule_engine.domain.language.values import parts_of, paths_of
from rule_engine.domain.language.variables import Definition, fitting

SEQUENCE = "sequence"


def with_block_ids(
    document: WorkflowDocument, before: Iterable[WorkflowDocument], new_id: Callable[[], UUID]
) -> WorkflowDocument:
    """The document with an id on every block: the one it names if there was such a block before, else that of the block
    of the same name (the last of `before` counts most), else a new one.
    """
    earlier = [placed.block for one in before for placed in placed_blocks(one)]
    known, ids = {one.name: one.id for one in earlier}, {one.id for one in earlier}
    taken: set[UUID] = set()

    def identified(block: BlockDocument) -> BlockDocument:
        wanted = block.id if block.id in ids else known.get(block.name)
        id = wanted if wanted and wanted not in taken else new_id()
        taken.add(id)
        branches = tuple(
            one.model_copy(update={"blocks": tuple(map(identified, one.blocks))}) for one in block.branches
        )
        inner = {"id": id, "blocks": tuple(map(identified, block.blocks)), "branches": branches}
        return block.model_copy(update=inner)

    return document.model_copy(update={"blocks": tuple(map(identified, document.blocks))})


def compile_workflow(  # noqa: PLR0913 - what a workflow is compiled with
    code: str,
    document: WorkflowDocument,
    schema: TenantSchema,
    registry: Mapping[str, RuleType[Any]],
    types: Mapping[str, BlockType[Any]],
    definitions: Sequence[Definition] = (),
) -> Program:
    """The program of a document that has ids and no issues."""
    names = all_names(document, schema, registry, definitions)
    compiling = _Compiling(document, schema, registry, types, names)
    read = _read(document)
    actions = [one.block for one in placed_blocks(document) if one.block.block == ACTION]
    kinds = [registry[one.options["type"]] for one in actions]
    needs = [registry[one.options["type"]].needs_with(one.options.get("params", {})) for one in actions]
    looked_at = [types[one.block.block].needs for one in placed_blocks(document) if one.block.block != ACTION]
    constants = {name: fitting(one.value, one) for name, one in document.constants.items()}
    named = any(_is_stored(path, constants) for path in read)
    return Program(
        workflow=code,
        permissions=employee_refs.in_permissions(document.permissions, schema)[0],
        constants=constants,
        parts=tuple(sorted({*parts_of(read), *chain(*needs, *looked_at), *_TIMING})),
        stored=named or any(kind.stores for kind in kinds),
        root=compiling.sequence(document.blocks),
    )


_TIMING: tuple[Part, ...] = ("responsible", "contacts")
"""Whose clocks and working time pauses go by."""


def _is_stored(path: str, constants: Mapping[str, JsonValue]) -> bool:
    """Whether it names a variable or constant of the tenant."""
    root, _, rest = path.partition(".")
    return root == "var" or (root == "const" and rest.partition(".")[0] not in constants)


def _read(document: WorkflowDocument) -> set[str]:
    """Every path that conditions and texts of the blocks read."""
    found: set[str] = set()
    for placed in placed_blocks(document):
        options = dict(placed.block.options)
        conditions = [options.pop("condition", None), *(one.condition for one in placed.block.branches)]
        found |= paths_of(options.get("params", {}) if placed.block.block == ACTION else options)
        found |= {path for one in conditions if one is not None for path in read_by(as_condition(one))}
    return found


@dataclass(frozen=True, slots=True)
class _Compiling:
    document: WorkflowDocument
    schema: TenantSchema
    registry: Mapping[str, RuleType[Any]]
    types: Mapping[str, BlockType[Any]]
    names: Shape

    def sequence(self, blocks: Sequence[BlockDocument], name: str = "") -> Block:
        return Block(block=SEQUENCE, name=name, blocks=tuple(map(self._block, blocks)))

    def _block(self, block: BlockDocument) -> AnyBlock:
        if block.block == ACTION:
            return self._rule(block)
        type = self.types[block.block]
        options, _ = employee_refs.in_options(self._with_condition(block.options), type, self.schema)
        match type.branches:
            case "none":
                children: tuple[AnyBlock, ...] = ()
            case "body":
                children = (self.sequence(block.blocks),)
            case "many":
                children = tuple(self.sequence(one.blocks, one.name) for one in block.branches)
                options["branches"] = [
                    {"name": one.name, "condition": self._condition(one.condition)} for one in block.branches
                ]
            case fixed:
                by_name = {one.name: one.blocks for one in block.branches}
                children = tuple(self.sequence(by_name.get(name, ()), name) for name in fixed)
        if type.locks_with is not None:
            children = (_lock(block, type.locks_with), *children)
        return Block(
            block=block.block, id=str(block.id), name=block.name, title=block.title, options=options, blocks=children
        )

    def _rule(self, block: BlockDocument) -> RuleBlock:
        options = self._with_condition(block.options)
        kind = self.registry[options["type"]]
        params, _ = employee_refs.in_params(options.pop("params", {}), kind, self.schema, self.document.kind)
        own = {"rule_id": str(block.id), "name": block.name, "title": block.title, "type_version": kind.version}
        return RuleBlock.model_validate(options | own | {"params": params})

    def _with_condition(self, options: dict[str, Any]) -> dict[str, Any]:
        if options.get("condition") is None:
            return options
        return options | {"condition": self._condition(as_condition(options["condition"]))}

    def _condition(self, condition: Condition | None) -> JsonValue:
        if condition is None:
            return None
        made, _ = employee_refs.in_condition(condition, self.names, self.schema)
        dumped: JsonValue = made.model_dump(mode="json", by_alias=True)
        return dumped


def _lock(block: BlockDocument, type: str) -> RuleBlock:
    """The rule that a block which locks the item begins with."""
    assert block.id is not None  # noqa: S101 - blocks are compiled with their ids
    return RuleBlock(rule_id=str(uuid5(block.id, "lock")), name=block.name, title=block.title, type=type, params={})
