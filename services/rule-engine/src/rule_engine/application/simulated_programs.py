"""The rule sets and workflows of a simulation: what is in force, or versions, drafts and documents that were chosen."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID, uuid5

from contracts.contexts import TenantSchema
from contracts.issues import Issue
from contracts.kit.database import Database
from rule_engine.application.publishing import NothingToPublishError
from rule_engine.application.rule_set_checks import InvalidRuleSetError, RuleSetChecks
from rule_engine.domain.actions import UNASKED, RuleType
from rule_engine.domain.authoring.compiling import with_ids
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.authoring.workflow_checks import WorkflowCheck
from rule_engine.domain.authoring.workflow_compiling import compile_workflow, with_block_ids
from rule_engine.domain.authoring.workflow_document import WorkflowDocument
from rule_engine.domain.authoring.workflow_starts import parameters_of
from rule_engine.domain.execution.blocks import BlockType
from rule_engine.domain.execution.planning import Published
from rule_engine.domain.execution.program import Program
from rule_engine.domain.simulation.arrivals import BadSimulationError
from rule_engine.domain.simulation.request import RuleSetChoice, SimulationDocument, Version, WorkflowChoice
from rule_engine.domain.simulation.world import SimulatedWorkflow
from rule_engine.store import Store
from rule_engine.store.programs import WORKFLOW


class ProgramsOfSimulations:
    """Reads and compiles. Raises `NothingToPublishError`, `InvalidRuleSetError`, `BadStartError`, and `OutageError`
    while entity-service is away.
    """

    def __init__(
        self,
        database: Database,
        store: Store,
        checks: RuleSetChecks,
        registry: Mapping[str, RuleType[Any]],
        types: Mapping[str, BlockType[Any]],
    ) -> None:
        self._database = database
        self._store = store
        self._checks = checks
        self._registry = registry
        self._types = types

    async def version_of(
        self, tenant: UUID, schema: TenantSchema, code: str, version: Version, *, workflow: bool
    ) -> tuple[int | None, Mapping[str, Sequence[Program]]]:
        """The number of a version, null for a draft, and its programs by stage."""
        if workflow:
            document, program = await self._kept_workflow(tenant, WorkflowChoice(code=code, version=version))
            if program is not None:
                return program[0], {WORKFLOW: [program[1]]}
            return None, {WORKFLOW: [(await self._compiled_workflow(tenant, schema, code, document))[1]]}
        _, published = await self._chosen(tenant, RuleSetChoice(code=code, version=version))
        return published.version or None, published.programs

    async def rule_sets(self, tenant: UUID, schema: TenantSchema, asked: SimulationDocument) -> dict[str, Published]:
        if asked.rule_sets is None:
            return await self._in_force(tenant, schema)
        found: dict[str, Published] = {}
        for index, one in enumerate(asked.rule_sets):
            pipeline, published = await self._chosen(tenant, one)
            if pipeline in found:
                what = f"pipeline {pipeline!r} has two rule sets here: a pipeline has one at a time"
                raise BadSimulationError(Issue(f"rule_sets[{index}]", what))
            found[pipeline] = published
        return found

    async def _in_force(self, tenant: UUID, schema: TenantSchema) -> dict[str, Published]:
        async with self._database.transaction(tenant) as tx:
            newest = await self._store.rule_sets.newest_published(tx, [(tenant, one.code) for one in schema.pipelines])
            return {
                pipeline: Published(code, version, await self._store.programs.of_version(tx, tenant, code, version))
                for (_, pipeline), (code, version) in newest.items()
            }

    async def _chosen(self, tenant: UUID, one: RuleSetChoice) -> tuple[str, Published]:
        key = (tenant, one.code)
        if one.document is not None:
            return await self._compiled(key, one.document)
        async with self._database.transaction(tenant) as tx:
            row = await self._store.rule_sets.read(tx, key)
            number = _number(row.newest, row.draft, one.version) if row else None
            found = await self._store.rule_sets.version(tx, key, number) if number else None
            if row is None or number is None or found is None:
                raise NothingToPublishError(f"version {one.version!r} of rule set {one.code!r}")
            if found[1].programs is not None:
                programs = await self._store.programs.of_version(tx, tenant, one.code, number)
                return row.pipeline, Published(one.code, number, programs)
        return await self._compiled(key, found[1].document)

    async def _compiled(self, key: tuple[UUID, str], document: RuleSetDocument) -> tuple[str, Published]:
        """A draft is checked as if it were published."""
        examined = await self._checks.examine(key, document, publish=True)
        numbers = iter(range(10**6))
        identified = with_ids(document, [document], lambda: uuid5(key[0], f"{key[1]}/{next(numbers)}"))
        ready = await self._checks.compile(identified, examined)
        bound = {stage: [one.bound(self._types) for one in chains] for stage, chains in ready.programs.items()}
        return document.pipeline, Published(key[1], 0, bound)

    async def workflows(self, tenant: UUID, schema: TenantSchema, asked: SimulationDocument) -> list[SimulatedWorkflow]:
        if asked.workflows is not None:
            return [await self._chosen_workflow(tenant, schema, one) for one in asked.workflows]
        async with self._database.transaction(tenant) as tx:
            found = (await self._store.workflows.autorunning(tx, [tenant])).get(tenant, ())
            return [
                SimulatedWorkflow(
                    one.code, one.document, await self._store.programs.of_workflow(tx, tenant, one.code, one.version)
                )
                for one in found
            ]

    async def _chosen_workflow(self, tenant: UUID, schema: TenantSchema, one: WorkflowChoice) -> SimulatedWorkflow:
        document, kept = await self._kept_workflow(tenant, one)
        program = None if kept is None else kept[1]
        if program is None:
            document, program = await self._compiled_workflow(tenant, schema, one.code, document)
        parameters = parameters_of(document, one.parameters) if one.start else None
        return SimulatedWorkflow(one.code, document, program, parameters)

    async def _kept_workflow(
        self, tenant: UUID, one: WorkflowChoice
    ) -> tuple[WorkflowDocument, tuple[int, Program] | None]:
        """Its document, and, of a published version, number and program."""
        if one.document is not None:
            return one.document, None
        key = (tenant, one.code)
        async with self._database.transaction(tenant) as tx:
            row = await self._store.workflows.read(tx, key)
            number = _number(row.newest, row.draft, one.version) if row else None
            found = await self._store.workflows.version(tx, key, number) if number else None
            if number is None or found is None:
                raise NothingToPublishError(f"version {one.version!r} of workflow {one.code!r}")
            if found[1].programs is None:
                return found[1].document, None
            program = await self._store.programs.of_workflow(tx, tenant, one.code, number)
            return found[1].document, (number, program)

    async def _compiled_workflow(
        self, tenant: UUID, schema: TenantSchema, code: str, document: WorkflowDocument
    ) -> tuple[WorkflowDocument, Program]:
        """A draft is checked as if it were published; names of other services' templates and channels are not."""
        async with self._database.transaction(tenant) as tx:
            definitions = await self._store.variables.all(tx, tenant)
        if issues := WorkflowCheck(document, schema, self._registry, self._types, definitions, UNASKED).issues():
            raise InvalidRuleSetError(issues)
        numbers = iter(range(10**6))
        identified = with_block_ids(document, [document], lambda: uuid5(tenant, f"{code}/{next(numbers)}"))
        compiled = compile_workflow(code, identified, schema, self._registry, self._types, definitions)
        return identified, compiled.bound(self._types)


def _number(newest: int | None, draft: int | None, wanted: Version) -> int | None:
    """The version that is meant; null when there is none."""
    match wanted:
        case "draft":
            return draft
        case "newest":
            return newest
        case _:
            return wanted
