"""What authors do with workflows: save a draft, publish it, roll back. Checks need other services; they are made before
the transaction, and what is published is exactly what was checked.
"""

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any

from contracts.contexts import TenantSchema
from contracts.kit.clock import Clock, NewId
from contracts.kit.configuration import Who, record
from contracts.kit.database import Connection, Database
from contracts.kit.quotas import check as check_quota
from rule_engine.application.canaries import NewCanary, begin, refuse_beside_canary
from rule_engine.application.named_elsewhere import NamedElsewhere
from rule_engine.application.rule_set_checks import Findings, InvalidRuleSetError
from rule_engine.application.rule_sets import NothingToPublishError
from rule_engine.domain.actions import RuleType
from rule_engine.domain.authoring.workflow_checks import WorkflowCheck
from rule_engine.domain.authoring.workflow_compiling import compile_workflow, with_block_ids
from rule_engine.domain.authoring.workflow_document import WorkflowDocument, placed_blocks
from rule_engine.domain.errors import TakenError
from rule_engine.domain.execution.blocks import BlockType
from rule_engine.domain.language.variables import Definition
from rule_engine.gateway import EntityService
from rule_engine.quotas import DEFINITIONS
from rule_engine.store import Store
from rule_engine.store.canaries import Of
from rule_engine.store.versions import Key
from rule_engine.store.workflows import Content


@dataclass(frozen=True, slots=True)
class _Examined:
    """A document that was checked, and with what."""

    document: WorkflowDocument
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
        self._workflows = store.workflows
        self._entity_service = entity_service
        self._elsewhere = elsewhere
        self._registry = registry
        self._types = types
        self._clock = clock
        self._new_id = new_id

    async def put(
        self, author: Who, code: str, document: WorkflowDocument, *, archived: bool, publish: bool
    ) -> Findings:
        """Saves the draft, and publishes it if asked to."""
        key = (author.tenant, code)
        examined = await self._examine(key, document, publish=publish)
        async with self._changing(author, key) as tx:
            if await self._workflows.read(tx, key) is None:
                await check_quota(tx, author.tenant, DEFINITIONS)
            kind = await self._workflows.keep(tx, key, document, archived, self._clock())
            if archived:
                await refuse_beside_canary(tx, Of(*key, workflow=True))
            if kind != document.kind:
                raise TakenError(f"workflow {code!r} is for items of the kind {kind!r} for good: use another code")
            await self._record(tx, key, author, examined, publish=publish)
        return examined.findings

    async def publish(self, author: Who, code: str, *, trying: NewCanary | None = None) -> Findings:
        """Publishes the draft; without one, the newest version as it would be published today.

        With `trying` for a share of the items alone. Raises `NothingToPublishError`.
        """
        key = (author.tenant, code)
        async with self._database.transaction(author.tenant) as tx:
            seen = await self._present(tx, key)
        if seen is None:
            raise NothingToPublishError(f"workflow {code!r}")
        examined = await self._examine(key, seen.document, publish=True)
        async with self._changing(author, key) as tx:
            await self._workflows.lock(tx, key)
            present = await self._present(tx, key)
            if present is None or present.document != seen.document:
                raise TakenError(f"workflow {code!r} was saved by another author meanwhile: look at it, publish again")
            await self._record(tx, key, author, examined, publish=True, trying=trying)
        return examined.findings

    async def roll_back(self, author: Who, code: str, version: int) -> Findings:
        """Publishes an earlier published version as a new one; a draft stays. Raises `NothingToPublishError`."""
        key = (author.tenant, code)
        async with self._database.transaction(author.tenant) as tx:
            found = await self._workflows.version(tx, key, version)
        if found is None or found[1].programs is None:
            raise NothingToPublishError(f"published version {version} of workflow {code!r}")
        examined = await self._examine(key, found[1].document, publish=True)
        async with self._changing(author, key) as tx:
            await self._workflows.lock(tx, key)
            row = await self._workflows.read(tx, key)
            draft = await self._workflows.version(tx, key, row.draft) if row and row.draft else None
            await self._record(tx, key, author, examined, publish=True)
            if draft is not None:
                by, at = draft[0].created_by, draft[0].created_at
                await self._workflows.save_draft(tx, key, draft[1].document, by, at)
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
            return _Examined(document, schema, definitions, Findings(issues))
        warnings = [*await asyncio.to_thread(check.warnings), *not_asked]
        return _Examined(document, schema, definitions, Findings(warnings=warnings))

    @asynccontextmanager
    async def _changing(self, author: Who, key: Key) -> AsyncGenerator[Connection]:
        """A transaction that changes a workflow, and records who did."""
        async with self._database.transaction(author.tenant) as tx:
            before = await self._state(tx, key)
            yield tx
            await record(tx, author, "workflow", key[1], before, await self._state(tx, key))

    async def _state(self, tx: Connection, key: Key) -> dict[str, Any] | None:
        row, content = await self._workflows.read(tx, key), await self._present(tx, key)
        if row is None or content is None:
            return None
        versions = {"published": row.newest, "draft": row.draft, "archived": row.archived}
        return content.document.model_dump(mode="json") | versions

    async def _present(self, tx: Connection, key: Key) -> Content | None:
        """What an author is shown: the draft, else the newest published version."""
        row = await self._workflows.read(tx, key)
        return await self._content(tx, key, (row.draft or row.newest) if row else None)

    async def _content(self, tx: Connection, key: Key, version: int | None) -> Content | None:
        found = await self._workflows.version(tx, key, version) if version else None
        return found[1] if found else None

    async def _record(  # noqa: PLR0913 - what is written, and how
        self,
        tx: Connection,
        key: Key,
        author: Who,
        examined: _Examined,
        *,
        publish: bool,
        trying: NewCanary | None = None,
    ) -> None:
        """Writes a version, unless it would be the newest one again."""
        row, of = await self._workflows.read(tx, key), Of(*key, workflow=True)
        if publish:
            await refuse_beside_canary(tx, of)
        before = [await self._content(tx, key, version) for version in ((row.newest, row.draft) if row else ())]
        document = with_block_ids(examined.document, [one.document for one in before if one], self._new_id)
        program = None
        if publish:
            program = compile_workflow(
                key[1], document, examined.schema, self._registry, self._types, examined.definitions
            )
        newest = before[0] if before else None
        if newest is not None and newest.document == document and program in (None, newest.programs):
            if trying is not None:
                raise TakenError(f"the draft of workflow {key[1]!r} is what is published: there is nothing to try")
            await self._workflows.drop_draft(tx, key)
            return
        await self._workflows.save_draft(tx, key, document, author.subject, self._clock())
        if program is not None and trying is None:
            await self._workflows.publish(tx, key, program, author.subject, self._clock())
        elif program is not None and trying is not None:
            version = await self._workflows.try_out(tx, key, program, author.subject, self._clock())
            await begin(tx, of, (version, row.newest if row else None), trying, author, self._clock)
