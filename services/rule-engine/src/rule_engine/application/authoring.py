"""What authors do with rule sets: save a draft, publish it, roll back, copy rules, switch them. Checks need other
services; they are made before the transaction, and what is published is exactly what was checked.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import orjson

from contracts.contexts import TenantSchema
from contracts.kit.broker import OutageError
from contracts.kit.clock import Clock, NewId
from contracts.kit.configuration import record
from contracts.kit.database import Connection, Database
from contracts.kit.quotas import check as check_quota
from rule_engine.domain.actions import Elsewhere, Named, Place, RuleType
from rule_engine.domain.authoring.checks import RuleSetCheck, leads_anywhere, names_of
from rule_engine.domain.authoring.compiling import compile_document, with_ids
from rule_engine.domain.authoring.cycles import NO_NEIGHBOURS, Neighbours
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.authoring.editing import Copying, switched, switched_programs, switched_where_known, with_copies
from rule_engine.domain.authoring.issues import RuleIssue
from rule_engine.domain.errors import TakenError
from rule_engine.domain.execution.program import Program
from rule_engine.domain.language.variables import Definition
from rule_engine.gateway import EntityService, NamedThings, TriggerService
from rule_engine.quotas import DEFINITIONS
from rule_engine.store.rule_sets import Content, Key, RuleSets
from rule_engine.store.variables import Variables

type Programs = Mapping[str, Sequence[Program]]


class InvalidRuleSetError(Exception):
    """A rule set cannot be published; `issues` say why."""

    def __init__(self, issues: Sequence[RuleIssue]) -> None:
        super().__init__(f"{len(issues)} issues")
        self.issues = issues


class NothingToPublishError(Exception):
    """There is no such rule set, or no such version of it; the text says what is missing."""


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes."""

    tenant: UUID
    subject: str


@dataclass(frozen=True, slots=True)
class Findings:
    """What keeps a rule set from being published; and, if nothing does, what is hardly meant."""

    issues: Sequence[RuleIssue] = ()
    warnings: Sequence[RuleIssue] = ()


type _Others = Mapping[tuple[str, int], RuleSetDocument]
"""The tenant's other rule sets in force, by code and version."""


@dataclass(frozen=True, slots=True)
class _Examined:
    """What was checked, and with what the tenant has; `others` is null when they do not matter."""

    schema: TenantSchema
    definitions: Sequence[Definition] = ()
    others: _Others | None = None
    findings: Findings = field(default_factory=Findings)


@dataclass(frozen=True, slots=True)
class _Ready:
    """What is published, and the other rule sets that it was checked with."""

    programs: Programs
    others: _Others | None


class Authoring:
    """Keeps drafts and publishes them. Every method that publishes raises `InvalidRuleSetError` (nothing changed then),
    `TakenError` when somebody else wrote meanwhile, and `OutageError` while entity-service is away.
    """

    def __init__(  # noqa: PLR0913 - its collaborators
        self,
        database: Database,
        rule_sets: RuleSets,
        entity_service: EntityService,
        trigger_service: TriggerService,
        named_things: NamedThings,
        registry: Mapping[str, RuleType[Any]],
        clock: Clock,
        new_id: NewId,
    ) -> None:
        self._database = database
        self._rule_sets = rule_sets
        self._variables = Variables()
        self._entity_service = entity_service
        self._trigger_service = trigger_service
        self._named_things = named_things
        self._registry = registry
        self._clock = clock
        self._new_id = new_id

    async def put(
        self, author: Author, code: str, document: RuleSetDocument, *, archived: bool, publish: bool
    ) -> Findings:
        """Saves the draft, and publishes it if asked to."""
        key = (author.tenant, code)
        examined = await self._examine(key, document, publish=publish)
        async with self._changing(author, key) as tx:
            if await self._rule_sets.read(tx, key) is None:
                await check_quota(tx, author.tenant, DEFINITIONS)
            pipeline = await self._rule_sets.keep(tx, key, document, archived, self._clock())
            if pipeline != document.pipeline:
                raise TakenError(f"rule set {code!r} belongs to pipeline {pipeline!r} for good: use another code")
            document = await self._with_ids(tx, key, document)
            await self._record(tx, key, author, document, await self._ready(document, examined) if publish else None)
        return examined.findings

    async def publish(self, author: Author, code: str) -> Findings:
        """Publishes the draft; without one, the newest version as it would be published today.

        Raises `NothingToPublishError`.
        """
        key = (author.tenant, code)
        checked = await self._read(key, self._present)
        examined = await self._examine(key, checked.document, publish=True)
        async with self._changing(author, key) as tx:
            await self._rule_sets.lock(tx, key)
            _unchanged(code, checked, await self._present(tx, key))
            await self._record(tx, key, author, checked.document, await self._ready(checked.document, examined))
        return examined.findings

    async def roll_back(self, author: Author, code: str, version: int) -> Findings:
        """Publishes an earlier published version as a new one; a draft stays. Raises `NothingToPublishError`."""
        key = (author.tenant, code)

        async def wanted(tx: Connection, key: Key) -> Content | None:
            content = await self._content(tx, key, version)
            return content if content and content.programs is not None else None

        old = (await self._read(key, wanted, f"published version {version} of rule set {code!r}")).document
        examined = await self._examine(key, old, publish=True)
        async with self._changing(author, key) as tx:
            await self._publish_beside_draft(tx, key, author, old, await self._ready(old, examined))
        return examined.findings

    async def switch(self, author: Author, code: str, rules: Sequence[Place], *, enabled: bool) -> Findings:
        """Switches rules (stage, name) on or off in what is published, and in the draft; all else stays as published.

        Only what switching breaks is refused. Raises `NothingToPublishError`, `NotThereError`.
        """
        key = (author.tenant, code)
        newest = await self._read(key, self._newest, f"published version of rule set {code!r}")
        document = switched(newest.document, rules, enabled)
        before, after = [await self._examine(key, one) for one in (newest.document, document)]
        if broken := [issue for issue in after.findings.issues if issue not in before.findings.issues]:
            raise InvalidRuleSetError(broken)
        ready = _Ready(switched_programs(newest.programs or {}, document), after.others)
        async with self._changing(author, key) as tx:
            await self._rule_sets.lock(tx, key)
            _unchanged(code, newest, await self._newest(tx, key))
            await self._publish_beside_draft(
                tx, key, author, document, ready, lambda draft: switched_where_known(draft, rules, enabled)
            )
        return after.findings

    async def copy(self, author: Author, code: str, order: Copying, to: str, *, publish: bool) -> Findings:
        """Copies rules of a stage to the end of a stage of the same or another rule set, as its draft or published.

        Raises `NothingToPublishError`, `NotThereError`.
        """
        source = await self._read((author.tenant, code), self._present, f"rule set {code!r}")
        key = (author.tenant, to)
        target = await self._read(key, self._present, f"rule set {to!r}")
        document = with_copies(target.document, source.document, order)
        examined = await self._examine(key, document, publish=publish)
        async with self._changing(author, key) as tx:
            await self._rule_sets.lock(tx, key)
            _unchanged(to, target, await self._present(tx, key))
            document = await self._with_ids(tx, key, document)
            await self._record(tx, key, author, document, await self._ready(document, examined) if publish else None)
        return examined.findings

    # checking

    async def _examine(self, key: Key, document: RuleSetDocument, *, publish: bool = False) -> _Examined:
        """In a thread: a large document takes seconds."""
        schema = await self._entity_service.schema(key[0])
        others, neighbours, unseen = await self._neighbours(key, document, schema)
        definitions = await self._definitions(key)
        elsewhere, unasked = await self._elsewhere(key[0], document)
        check = RuleSetCheck(document, schema, self._registry, neighbours, definitions, elsewhere)
        if issues := await asyncio.to_thread(check.issues):
            if publish:
                raise InvalidRuleSetError(issues)
            return _Examined(schema, definitions, others, Findings(issues))
        warnings = [*await asyncio.to_thread(check.warnings), *unseen, *unasked]
        return _Examined(schema, definitions, others, Findings(warnings=warnings))

    async def _definitions(self, key: Key) -> Sequence[Definition]:
        async with self._database.transaction(key[0]) as tx:
            return await self._variables.all(tx, key[0])

    async def _neighbours(
        self, key: Key, document: RuleSetDocument, schema: TenantSchema
    ) -> tuple[_Others | None, Neighbours, list[RuleIssue]]:
        """What else moves items, when this document does; and what could not be seen of it."""
        if not leads_anywhere(document, schema, self._registry):
            return None, NO_NEIGHBOURS, []
        async with self._database.transaction(key[0]) as tx:
            others = await self._rule_sets.others(tx, key)
        rule_sets = list(others.values())
        try:
            return others, Neighbours(rule_sets, await self._trigger_service.triggers(key[0])), []
        except OutageError as error:
            what = f"circles through triggers were not looked for: {error}; publish again later to have them looked for"
            return others, Neighbours(rule_sets), [RuleIssue("stages", None, what)]

    async def _elsewhere(self, tenant: UUID, document: RuleSetDocument) -> tuple[Elsewhere, list[RuleIssue]]:
        """What other services have of what the rules name; and what could not be asked for."""
        found, unasked = dict[Named, Any](), list[RuleIssue]()
        for what in sorted(names_of(document, self._registry)):
            ask = self._named_things.templates if what == "templates" else self._named_things.channels
            try:
                found[what] = await ask(tenant)
            except OutageError as error:
                text = f"{what} that rules name were not looked up: {error}; publish again later to have them looked up"
                unasked.append(RuleIssue("stages", None, text))
        return Elsewhere(**found), unasked

    async def _ready(self, document: RuleSetDocument, examined: _Examined) -> _Ready:
        """In a thread, as above."""
        asked = (document, examined.schema, self._registry, examined.definitions)
        programs = await asyncio.to_thread(compile_document, *asked)
        return _Ready(programs, examined.others)

    # reading and writing

    async def _read(
        self,
        key: Key,
        find: Callable[[Connection, Key], Any],
        what: str | None = None,
    ) -> Content:
        async with self._database.transaction(key[0]) as tx:
            found: Content | None = await find(tx, key)
        if found is None:
            raise NothingToPublishError(what or f"rule set {key[1]!r}")
        return found

    async def _with_ids(self, tx: Connection, key: Key, document: RuleSetDocument) -> RuleSetDocument:
        row = await self._rule_sets.read(tx, key)
        before = [await self._content(tx, key, version) for version in ((row.newest, row.draft) if row else ())]
        return with_ids(document, [one.document for one in before if one], self._new_id)

    @asynccontextmanager
    async def _changing(self, author: Author, key: Key) -> AsyncGenerator[Connection]:
        """A transaction that changes a rule set, and records who did."""
        async with self._database.transaction(author.tenant) as tx:
            before = await self._state(tx, key)
            yield tx
            await record(tx, author, "rule-set", key[1], before, await self._state(tx, key))

    async def _state(self, tx: Connection, key: Key) -> dict[str, Any] | None:
        """What an author sees of a rule set."""
        row, content = await self._rule_sets.read(tx, key), await self._present(tx, key)
        if row is None or content is None:
            return None
        versions = {"published": row.newest, "draft": row.draft, "archived": row.archived}
        return content.document.model_dump(mode="json") | versions

    async def _present(self, tx: Connection, key: Key) -> Content | None:
        """What an author sees: the draft, else the newest published version."""
        row = await self._rule_sets.read(tx, key)
        return await self._content(tx, key, (row.draft or row.newest) if row else None)

    async def _newest(self, tx: Connection, key: Key) -> Content | None:
        row = await self._rule_sets.read(tx, key)
        return await self._content(tx, key, row.newest if row else None)

    async def _content(self, tx: Connection, key: Key, version: int | None) -> Content | None:
        found = await self._rule_sets.version(tx, key, version) if version else None
        return found[1] if found else None

    async def _record(
        self, tx: Connection, key: Key, author: Author, document: RuleSetDocument, ready: _Ready | None
    ) -> None:
        """Writes a version, as published if it is ready for that, unless it would be the newest one again."""
        newest = await self._newest(tx, key)
        if newest and _same(newest, Content(document, newest.programs if ready is None else ready.programs)):
            await self._rule_sets.drop_draft(tx, key)
            return
        await self._rule_sets.save_draft(tx, key, document, author.subject, self._clock())
        if ready is not None:
            await self._refuse_unseen(tx, key, ready)
            await self._rule_sets.publish(tx, key, ready.programs, author.subject, self._clock())

    async def _refuse_unseen(self, tx: Connection, key: Key, ready: _Ready) -> None:
        """Two halves of a circle, published at one moment, must see each other."""
        await self._rule_sets.lock_publishing(tx, key[0])
        if ready.others is not None and ready.others.keys() != (await self._rule_sets.others(tx, key)).keys():
            raise TakenError(
                "another rule set of yours was published meanwhile: publish again, so that both are checked"
            )

    async def _publish_beside_draft(  # noqa: PLR0913 - what is published, and what of the draft
        self,
        tx: Connection,
        key: Key,
        author: Author,
        document: RuleSetDocument,
        ready: _Ready,
        change: Callable[[RuleSetDocument], RuleSetDocument] = lambda draft: draft,
    ) -> None:
        """Publishes another document than the draft, which goes on as the draft, changed."""
        await self._rule_sets.lock(tx, key)
        row = await self._rule_sets.read(tx, key)
        draft = await self._rule_sets.version(tx, key, row.draft) if row and row.draft else None
        if row is not None:
            await self._rule_sets.keep(tx, key, document, row.archived, self._clock())
        await self._record(tx, key, author, document, ready)
        if draft is not None:
            version, content = draft
            await self._rule_sets.save_draft(tx, key, change(content.document), version.created_by, version.created_at)


def _unchanged(code: str, checked: Content, present: Content | None) -> None:
    if present is None or not _same(present, checked):
        raise TakenError(f"rule set {code!r} was saved by somebody meanwhile: look at it and publish again")


def _same(one: Content, other: Content) -> bool:
    """Compared as JSON: Python takes 1 and true for equal."""
    return _bytes(one.document, one.programs) == _bytes(other.document, other.programs)


def _bytes(document: RuleSetDocument, programs: Programs | None) -> bytes:
    stages = {stage: [one.model_dump(mode="json") for one in chains] for stage, chains in (programs or {}).items()}
    return orjson.dumps([document.model_dump(mode="json"), stages], option=orjson.OPT_SORT_KEYS)
