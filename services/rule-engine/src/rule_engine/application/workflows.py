"""What authors do with workflows: save a draft, publish it, roll back. Checks need other services; they are made before
the transaction, and what is published is exactly what was checked.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from contracts.contexts import TenantSchema
from contracts.kit.clock import Clock, NewId
from contracts.kit.configuration import Who
from contracts.kit.database import Connection, Database
from rule_engine.application.canaries import NewCanary
from rule_engine.application.named_elsewhere import NamedElsewhere
from rule_engine.application.publishing import Publishing
from rule_engine.application.rule_set_checks import Findings, InvalidRuleSetError
from rule_engine.domain.actions import RuleType
from rule_engine.domain.authoring.workflow_checks import WorkflowCheck
from rule_engine.domain.authoring.workflow_compiling import compile_workflow, with_block_ids
from rule_engine.domain.authoring.workflow_document import WorkflowDocument, placed_blocks
from rule_engine.domain.execution.blocks import BlockType
from rule_engine.domain.execution.program import Program
from rule_engine.domain.language.variables import Definition
from rule_engine.gateway import EntityService
from rule_engine.store import Store
from rule_engine.store.versions import Key
from rule_engine.store.workflows import Workflow


@dataclass(frozen=True, slots=True)
class _Examined:
    """What was found in a document, and with what it was checked."""

    schema: TenantSchema
    definitions: Sequence[Definition]
    findings: Findings


class WorkflowAuthoring:
    """Keeps drafts and publishes them. Every method that publishes raises `InvalidRuleSetError` (nothing changed then),
    `TakenError` when another author wrote meanwhile, and `OutageError` while entity-service is away.
    """

    def __init__(  # noqa: PLR0913 - what it works with
        self,
        database: Database,
        store: Store,
        entity_service: EntityService,
        elsewhere: NamedElsewhere,
        registry: Mapping[str, RuleType[Any]],
        types: Mapping[str, BlockType[Any]],
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._database = database
        self._store = store
        self._publishing: Publishing[WorkflowDocument, Program, Workflow] = Publishing(database, store.workflows, clock)
        self._entity_service = entity_service
        self._elsewhere = elsewhere
        self._registry = registry
        self._types = types
        self._new_id = new_id

    async def put(
        self, author: Who, code: str, document: WorkflowDocument, *, archived: bool, publish: bool
    ) -> Findings:
        """Saves the draft, and publishes it if asked to."""
        key = (author.tenant, code)
        examined = await self._examine(key, document, publish=publish)
        async with self._publishing.changing(author, key) as tx:
            await self._publishing.keep(tx, key, document, archived=archived)
            document = await self._with_ids(tx, key, document)
            program = self._compiled(key, document, examined) if publish else None
            await self._publishing.write(tx, key, author, document, program)
        return examined.findings

    async def publish(self, author: Who, code: str, *, trying: NewCanary | None = None) -> Findings:
        """Publishes the draft; without one, the newest version as it would be published today.

        With `trying` for a share of the items alone. Raises `NothingToPublishError`.
        """
        key = (author.tenant, code)
        seen = await self._publishing.shown(key)
        examined = await self._examine(key, seen.document, publish=True)
        async with self._publishing.changing(author, key) as tx:
            await self._publishing.refuse_changed(tx, key, seen)
            document = await self._with_ids(tx, key, seen.document)
            program = self._compiled(key, document, examined)
            await self._publishing.write(tx, key, author, document, program, trying)
        return examined.findings

    async def roll_back(self, author: Who, code: str, version: int) -> Findings:
        """Publishes an earlier published version as a new one; a draft stays. Raises `NothingToPublishError`."""
        key = (author.tenant, code)
        old = (await self._publishing.published(key, version)).document
        examined = await self._examine(key, old, publish=True)
        async with self._publishing.changing(author, key) as tx:
            document = await self._with_ids(tx, key, old)
            program = self._compiled(key, document, examined)
            await self._publishing.write_beside_draft(tx, key, author, document, program)
        return examined.findings

    async def _examine(self, key: Key, document: WorkflowDocument, *, publish: bool) -> _Examined:
        """Checks a document, in a thread. Raises `InvalidRuleSetError` for one that is to be published with issues."""
        schema = await self._entity_service.schema(key[0])
        async with self._database.transaction(key[0]) as tx:
            definitions = await self._store.variables.all(tx, key[0])
        kinds = (self._registry.get(str(one.block.options.get("type"))) for one in placed_blocks(document))
        named = frozenset(kind.names for kind in kinds if kind is not None and kind.names is not None)
        elsewhere, not_asked = await self._elsewhere.of(key[0], named, "blocks")
        if elsewhere.workflows is not None:  # it may start itself, on another item
            elsewhere = replace(elsewhere, workflows=(*elsewhere.workflows, key[1]))
        check = WorkflowCheck(document, schema, self._registry, self._types, definitions, elsewhere)
        if issues := await asyncio.to_thread(check.issues):
            if publish:
                raise InvalidRuleSetError(issues)
            return _Examined(schema, definitions, Findings(issues))
        warnings = [*await asyncio.to_thread(check.warnings), *not_asked]
        return _Examined(schema, definitions, Findings(warnings=warnings))

    async def _with_ids(self, tx: Connection, key: Key, document: WorkflowDocument) -> WorkflowDocument:
        return with_block_ids(document, await self._publishing.documents(tx, key), self._new_id)

    def _compiled(self, key: Key, document: WorkflowDocument, examined: _Examined) -> Program:
        return compile_workflow(key[1], document, examined.schema, self._registry, self._types, examined.definitions)
