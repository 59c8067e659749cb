"""What authors do with rule sets: save a draft, publish it. Checks need entity-service; they are made before the
transaction, and what is published is exactly what was checked.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

import orjson

from contracts.contexts import TenantSchema
from contracts.kit.clock import Clock, NewId
from contracts.kit.database import Connection, Database
from rule_engine.domain.checks import check
from rule_engine.domain.compiling import compile_document, with_ids
from rule_engine.domain.document import RuleSetDocument
from rule_engine.domain.errors import Fault, TakenError
from rule_engine.domain.program import Program
from rule_engine.gateway import EntityService
from rule_engine.rules.base import RuleType
from rule_engine.store.rule_sets import Content, Key, RuleSets


class FaultyError(Exception):
    """A rule set cannot be published; `faults` say why."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__(f"{len(faults)} faults")
        self.faults = faults


class NothingToPublishError(Exception):
    """There is no such rule set."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes."""

    tenant: UUID
    subject: str


class Authoring:
    """Keeps drafts and publishes them."""

    def __init__(
        self,
        database: Database,
        rule_sets: RuleSets,
        entity_service: EntityService,
        registry: Mapping[str, RuleType[Any]],
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._database = database
        self._rule_sets = rule_sets
        self._entity_service = entity_service
        self._registry = registry
        self._clock = clock
        self._new_id = new_id

    async def put(
        self, author: Author, code: str, document: RuleSetDocument, *, archived: bool, publish: bool
    ) -> Sequence[Fault]:
        """Saves the draft, and publishes it if asked to. Returns what still keeps a draft from being published.

        Raises `FaultyError` (nothing changed), `TakenError`, and `OutageError` while entity-service is away.
        """
        schema = await self._entity_service.schema(author.tenant)
        faults = await self._faults(document, schema)
        if publish and faults:
            raise FaultyError(faults)
        key = (author.tenant, code)
        async with self._database.transaction(author.tenant) as tx:
            pipeline = await self._rule_sets.keep(tx, key, document, archived, self._clock())
            if pipeline != document.pipeline:
                raise TakenError(f"rule set {code!r} belongs to pipeline {pipeline!r} for good: use another code")
            document = await self._with_ids(tx, key, document)
            await self._record(tx, key, author, document, schema if publish else None)
        return faults

    async def publish(self, author: Author, code: str) -> None:
        """Publishes the draft; without one, the newest version as it would be published today.

        Raises `NothingToPublishError`, `FaultyError`, `TakenError` when it was saved meanwhile, and `OutageError` while
        entity-service is away.
        """
        key = (author.tenant, code)
        async with self._database.transaction(author.tenant) as tx:
            checked = await self._present(tx, key)
        if checked is None:
            raise NothingToPublishError
        schema = await self._entity_service.schema(author.tenant)
        if faults := await self._faults(checked.document, schema):
            raise FaultyError(faults)
        async with self._database.transaction(author.tenant) as tx:
            await self._rule_sets.lock(tx, key)
            present = await self._present(tx, key)
            if present is None or not _same(present, checked):
                raise TakenError(f"rule set {code!r} was saved by somebody meanwhile: look at it and publish again")
            await self._record(tx, key, author, checked.document, schema)

    async def _faults(self, document: RuleSetDocument, schema: TenantSchema) -> Sequence[Fault]:
        """In a thread: a large document takes seconds."""
        return await asyncio.to_thread(check, document, schema, self._registry)

    async def _with_ids(self, tx: Connection, key: Key, document: RuleSetDocument) -> RuleSetDocument:
        row = await self._rule_sets.read(tx, key)
        before = [await self._content(tx, key, version) for version in ((row.newest, row.draft) if row else ())]
        return with_ids(document, [one.document for one in before if one], self._new_id)

    async def _present(self, tx: Connection, key: Key) -> Content | None:
        """What an author sees: the draft, else the newest published version."""
        row = await self._rule_sets.read(tx, key)
        return await self._content(tx, key, (row.draft or row.newest) if row else None)

    async def _content(self, tx: Connection, key: Key, version: int | None) -> Content | None:
        found = await self._rule_sets.version(tx, key, version) if version else None
        return found[1] if found else None

    async def _record(
        self, tx: Connection, key: Key, author: Author, document: RuleSetDocument, schema: TenantSchema | None
    ) -> None:
        """Writes a version, as published if there is a `schema`, unless it would be the newest one again."""
        row = await self._rule_sets.read(tx, key)
        newest = await self._content(tx, key, row.newest if row else None)
        programs = compile_document(document, schema, self._registry) if schema else None
        if newest and _same(newest, Content(document, newest.programs if programs is None else programs)):
            await self._rule_sets.drop_draft(tx, key)
            return
        await self._rule_sets.save_draft(tx, key, document, author.subject, self._clock())
        if programs is not None:
            await self._rule_sets.publish(tx, key, programs, author.subject, self._clock())


def _same(one: Content, other: Content) -> bool:
    """Compared as JSON: Python takes 1 and true for equal."""
    return _bytes(one.document, one.programs) == _bytes(other.document, other.programs)


def _bytes(document: RuleSetDocument, programs: Mapping[str, Sequence[Program]] | None) -> bytes:
    stages = {stage: [one.model_dump(mode="json") for one in chains] for stage, chains in (programs or {}).items()}
    return orjson.dumps([document.model_dump(mode="json"), stages], option=orjson.OPT_SORT_KEYS)
