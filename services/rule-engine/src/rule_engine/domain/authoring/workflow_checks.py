"""Whether a workflow can be published: everything an author can get wrong, said with place, block and remedy."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice
from typing import Any

from pydantic import ValidationError

from contracts.budget import Budget, BudgetError, spending
from contracts.conditions import Condition, ConditionError
from contracts.contexts import PipelineSchema, TenantSchema
from contracts.issues import issues_of, unknown
from rule_engine.domain.actions import AuthoringContext, Elsewhere, RuleType
from rule_engine.domain.authoring import employee_refs
from rule_engine.domain.authoring.checks import MAX_ANALYSIS, MAX_ISSUES, RULE_WORK
from rule_engine.domain.authoring.concurrency import key_issues
from rule_engine.domain.authoring.document import RuleDocument, StageDocument
from rule_engine.domain.authoring.issues import RuleIssue
from rule_engine.domain.authoring.placed_rules import PlacedRule
from rule_engine.domain.authoring.rule_checks import rule_issues
from rule_engine.domain.authoring.value_checks import value_issues
from rule_engine.domain.authoring.workflow_document import (
    ACTION,
    MAX_BLOCKS,
    MAX_DEPTH,
    PlacedBlock,
    WorkflowDocument,
    as_condition,
    placed_blocks,
)
from rule_engine.domain.authoring.workflow_names import Names
from rule_engine.domain.authoring.workflow_warnings import workflow_warnings
from rule_engine.domain.errors import ValueFailureError
from rule_engine.domain.execution.blocks import BlockType
from rule_engine.domain.language import conditions
from rule_engine.domain.language.value_types import Shape
from rule_engine.domain.language.values import analyse, spots
from rule_engine.domain.language.variables import ConstantDocument, Definition, MisfitError, fitting

NO_TEXTS = ("condition", "timeout", "reminders", "fields", "run")
"""Options in which nothing is made when the block runs."""


@dataclass(frozen=True, slots=True)
class _PlacedAction(PlacedRule):
    """A rule that is a block of a workflow."""

    scope: Shape

    def names(self) -> Shape:
        return self.scope


@dataclass(frozen=True, slots=True)
class WorkflowCheck:
    """One workflow, checked with what its tenant has."""

    document: WorkflowDocument
    schema: TenantSchema
    registry: Mapping[str, RuleType[Any]]
    types: Mapping[str, BlockType[Any]]
    definitions: Sequence[Definition]
    elsewhere: Elsewhere

    def issues(self) -> list[RuleIssue]:
        """What is wrong, at most the first hundred things; empty: it can be published."""
        whole = list(self._of_the_whole())
        if whole:
            return whole
        return list(islice(chain(self._of_values(), self._of_blocks()), MAX_ISSUES))

    def warnings(self) -> list[RuleIssue]:
        """Probable mistakes that do not block publishing; for a workflow without issues."""
        return list(islice(workflow_warnings(self.document), MAX_ISSUES))

    def _of_the_whole(self) -> Iterator[RuleIssue]:
        placed = list(islice(placed_blocks(self.document), MAX_BLOCKS + 1))
        if not placed:
            yield RuleIssue("blocks", None, "there is nothing to do: give at least one block")
        if len(placed) > MAX_BLOCKS:
            yield RuleIssue("blocks", None, f"a workflow has at most {MAX_BLOCKS} blocks")
        if self.schema.item_type(self.document.kind) is None:
            yield RuleIssue("kind", None, self.schema.unknown_type(self.document.kind))
        elif self._pipeline() is None:
            known = [one.code for one in self.schema.pipelines if one.kind == self.document.kind and not one.archived]
            yield RuleIssue("pipeline", None, unknown("pipeline", self.document.pipeline or self.document.kind, known))
        seen: set[str] = set()
        for one in placed:
            if len(one.around) >= MAX_DEPTH:
                yield RuleIssue(one.where, one.block.name, f"blocks are at most {MAX_DEPTH} deep inside each other")
                return
            if one.block.name in seen:
                yield RuleIssue(f"{one.where}.name", one.block.name, "another block of the workflow has this name")
            seen.add(one.block.name)

    def _pipeline(self) -> PipelineSchema | None:
        """The one it is for, else the first of its kind."""
        of_kind = [one for one in self.schema.pipelines if one.kind == self.document.kind and not one.archived]
        named = [one for one in of_kind if self.document.pipeline in (None, one.code)]
        return named[0] if named else None

    def _of_values(self) -> Iterator[RuleIssue]:
        """Defaults that do not fit their types, employees who may do what, and the concurrency key."""
        written = self.document
        given: dict[str, Mapping[str, ConstantDocument]] = {
            "parameters": written.parameters,
            "variables": written.variables,
            "constants": written.constants,
        }
        for group, documents in given.items():
            for name, document in documents.items():
                try:
                    fitting(document.value, document)
                except MisfitError as error:
                    yield RuleIssue(f"{group}.{name}.value", None, str(error))
                if group == "constants" and document.value in (None, "", []):
                    yield RuleIssue(f"{group}.{name}.value", None, "a constant has a value: nothing gives it one later")
        for where, code in employee_refs.in_permissions(self.document.permissions, self.schema)[1]:
            yield RuleIssue(where, None, self.schema.not_employed(code))
        yield from key_issues(self.document, Names(self.document, self.schema, self.registry, self.definitions).at())

    def _of_blocks(self) -> Iterator[RuleIssue]:
        """A block that no decision could afford is not checked further, nor are blocks after too much work in all."""
        names, left = Names(self.document, self.schema, self.registry, self.definitions), MAX_ANALYSIS
        for placed in placed_blocks(self.document):
            budget = Budget()
            with spending(budget):
                what = _beyond_budget(placed)
            left -= RULE_WORK + budget.total()
            if left < 0:
                what = (
                    "the workflow takes too much work to look through up to here: have fewer blocks, or shorter texts"
                )
                yield RuleIssue("blocks", None, what)
                return
            if what:
                yield RuleIssue(placed.where, placed.block.name, what)
            else:
                yield from self._of_block(placed, names.at())
            names.pass_by(placed.block)

    def _of_block(self, placed: PlacedBlock, names: Shape) -> Iterator[RuleIssue]:
        if placed.block.block == ACTION:
            yield from self._of_action(placed, names)
            return
        type = self.types.get(placed.block.block)
        if type is None or not type.written:
            known = [ACTION, *(name for name, one in self.types.items() if one.written)]
            yield RuleIssue(f"{placed.where}.block", placed.block.name, unknown("block", placed.block.block, known))
            return
        yield from _of_options(placed, type)
        yield from self._of_employees(placed, type)
        yield from _of_branches(placed, type)
        yield from _of_conditions(placed, names)
        yield from _of_texts(placed, names)

    def _of_employees(self, placed: PlacedBlock, type: BlockType[Any]) -> Iterator[RuleIssue]:
        _, unknown_employees = employee_refs.in_options(placed.block.options, type, self.schema)
        for where, code in unknown_employees:
            yield RuleIssue(f"{placed.where}.{where}", placed.block.name, self.schema.not_employed(code))

    def _of_action(self, placed: PlacedBlock, names: Shape) -> Iterator[RuleIssue]:
        block, options = placed.block, placed.block.options
        if block.blocks or block.branches:
            yield RuleIssue(placed.where, block.name, "nothing is inside an action: put it beside it")
        try:
            rule = RuleDocument.model_validate(options | {"name": block.name, "title": block.title})
        except ValidationError as error:
            yield from (RuleIssue(f"{placed.where}.{below}", block.name, what) for below, what in issues_of(error))
            return
        pipeline = self._pipeline()
        assert pipeline is not None  # noqa: S101 - looked at before
        context = AuthoringContext(self.schema, pipeline, "", self.definitions, self.elsewhere)
        stage = StageDocument(rules=(rule,))
        yield from rule_issues(_PlacedAction(placed.where, rule, stage, (), context, self.registry, names))
        if refused := options.keys() & {"execution", "run", "on_leave"}:
            for name in sorted(refused):
                what = "this is said by blocks in a workflow: use pause, if and parallel"
                yield RuleIssue(f"{placed.where}.{name}", block.name, what)


def _of_options(placed: PlacedBlock, type: BlockType[Any]) -> Iterator[RuleIssue]:
    """As the type reads them when the workflow runs."""
    try:
        type.options.model_validate(placed.block.options)
    except ValidationError as error:
        for below, what in issues_of(error):
            yield RuleIssue(f"{placed.where}.{below}" if below else placed.where, placed.block.name, what)


def _of_branches(placed: PlacedBlock, type: BlockType[Any]) -> Iterator[RuleIssue]:
    block, name = placed.block, placed.block.name
    if block.blocks and type.branches != "body":
        yield RuleIssue(f"{placed.where}.blocks", name, f"{block.block} has no body of its own")
    if type.branches == "body" and not block.blocks:
        yield RuleIssue(f"{placed.where}.blocks", name, "there is nothing to repeat: give it blocks")
    if block.branches and type.branches in ("none", "body"):
        yield RuleIssue(f"{placed.where}.branches", name, f"{block.block} has no branches")
    if type.branches == "many" and not block.branches:
        yield RuleIssue(f"{placed.where}.branches", name, "give it at least one branch")
    if isinstance(type.branches, tuple):
        for index, branch in enumerate(block.branches):
            if branch.name not in type.branches:
                what = unknown("branch", branch.name, type.branches, f"in {block.block}")
                yield RuleIssue(f"{placed.where}.branches[{index}].name", name, what)


def _beyond_budget(placed: PlacedBlock) -> str | None:
    """Why a decision of the block would take too much work whatever the values."""
    try:
        options = placed.block.options
        params = options.get("params") if placed.block.block == ACTION else options
        analyse(params if isinstance(params, dict) else options)
        for _, condition in _conditions(placed):
            conditions.compiled(condition)
    except (BudgetError, ValueFailureError) as error:
        return str(error)
    except ConditionError:
        return None  # `_of_conditions` tells it
    return None


def _of_conditions(placed: PlacedBlock, names: Shape) -> Iterator[RuleIssue]:
    for where, condition in _conditions(placed):
        for below, what in conditions.issues(condition, names, where):
            yield RuleIssue(f"{placed.where}.{below}", placed.block.name, what)


def _conditions(placed: PlacedBlock) -> Iterator[tuple[str, Condition]]:
    """Those of a block and of its branches, each with where it stands."""
    try:
        own = as_condition(placed.block.options["condition"]) if placed.block.options.get("condition") else None
    except ValidationError:
        own = None  # `_of_options` tells it
    if own is not None:
        yield "condition", own
    for index, branch in enumerate(placed.block.branches):
        if branch.condition is not None:
            yield f"branches[{index}].condition", branch.condition


def _of_texts(placed: PlacedBlock, names: Shape) -> Iterator[RuleIssue]:
    options = {name: value for name, value in placed.block.options.items() if name not in NO_TEXTS}
    for name, written in options.items():
        for where, value in spots(written, name):
            for what in value_issues(value, names):
                yield RuleIssue(f"{placed.where}.{where}", placed.block.name, what)
