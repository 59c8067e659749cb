"""What authors do with rule sets: save a draft, publish it, roll back, copy rules, switch them. Checks need other
services; they are made before the transaction, and what is published is exactly what was checked.
"""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any

import orjson

from contracts.kit.clock import Clock, NewId
from contracts.kit.configuration import Who, record
from contracts.kit.database import Connection, Database
from contracts.kit.quotas import check as check_quota
from rule_engine.application.canaries import NewCanary, begin, refuse_beside_canary
from rule_engine.application.rule_set_checks import Findings, InvalidRuleSetError, Programs, Ready, RuleSetChecks
from rule_engine.domain.actions import Place
from rule_engine.domain.authoring.compiling import with_ids
from rule_engine.domain.authoring.document import RuleSetDocument
from rule_engine.domain.authoring.editing import Copying, switched, switched_programs, switched_where_known, with_copies
from rule_engine.domain.errors import TakenError
from rule_engine.quotas import DEFINITIONS
from rule_engine.store.canaries import Of
from rule_engine.store.rule_sets import Content, RuleSets
from rule_engine.store.versions import Key


class NothingToPublishError(Exception):
    """There is no such rule set, or no such version of it; the text says what is missing."""


class Authoring:
    """Keeps drafts and publishes them. Every method that publishes raises `InvalidRuleSetError` (nothing changed then),
    `TakenError` when another author wrote meanwhile, and `OutageError` while entity-service is away.
    """

    def __init__(
        self, database: Database, rule_sets: RuleSets, checks: RuleSetChecks, clock: Clock, new_id: NewId
    ) -> None:
        self._database = database
        self._rule_sets = rule_sets
        self._checks = checks
        self._clock = clock
        self._new_id = new_id

    async def put(
        self, author: Who, code: str, document: RuleSetDocument, *, archived: bool, publish: bool
    ) -> Findings:
        """Saves the draft, and publishes it if asked to."""
        key = (author.tenant, code)
        examined = await self._checks.examine(key, document, publish=publish)
        async with self._changing(author, key) as tx:
            if await self._rule_sets.read(tx, key) is None:
                await check_quota(tx, author.tenant, DEFINITIONS)
            pipeline = await self._rule_sets.keep(tx, key, document, archived, self._clock())
            if archived:
                await refuse_beside_canary(tx, Of(*key, workflow=False))
            if pipeline != document.pipeline:
                raise TakenError(f"rule set {code!r} belongs to pipeline {pipeline!r} for good: use another code")
            document = await self._with_ids(tx, key, document)
            await self._record(
                tx, key, author, document, await self._checks.compile(document, examined) if publish else None
            )
        return examined.findings

    async def publish(self, author: Who, code: str, *, trying: NewCanary | None = None) -> Findings:
        """Publishes the draft; without one, the newest version as it would be published today.

        With `trying` for a share of the items alone. Raises `NothingToPublishError`.
        """
        key = (author.tenant, code)
        checked = await self._read(key, self._present)
        examined = await self._checks.examine(key, checked.document, publish=True)
        async with self._changing(author, key) as tx:
            await self._rule_sets.lock(tx, key)
            _unchanged(code, checked, await self._present(tx, key))
            ready = await self._checks.compile(checked.document, examined)
            await self._record(tx, key, author, checked.document, ready, trying)
        return examined.findings

    async def roll_back(self, author: Who, code: str, version: int) -> Findings:
        """Publishes an earlier published version as a new one; a draft stays. Raises `NothingToPublishError`."""
        key = (author.tenant, code)

        async def wanted(tx: Connection, key: Key) -> Content | None:
            content = await self._content(tx, key, version)
            return content if content and content.programs is not None else None

        old = (await self._read(key, wanted, f"published version {version} of rule set {code!r}")).document
        examined = await self._checks.examine(key, old, publish=True)
        async with self._changing(author, key) as tx:
            await self._publish_beside_draft(tx, key, author, old, await self._checks.compile(old, examined))
        return examined.findings

    async def switch(self, author: Who, code: str, rules: Sequence[Place], *, enabled: bool) -> Findings:
        """Switches rules (stage, name) on or off in what is published, and in the draft; all else stays as published.

        Only what switching breaks is refused. Raises `NothingToPublishError`, `NotThereError`.
        """
        key = (author.tenant, code)
        newest = await self._read(key, self._newest, f"published version of rule set {code!r}")
        document = switched(newest.document, rules, enabled)
        before, after = [await self._checks.examine(key, one) for one in (newest.document, document)]
        if broken := [issue for issue in after.findings.issues if issue not in before.findings.issues]:
            raise InvalidRuleSetError(broken)
        ready = Ready(switched_programs(newest.programs or {}, document), after.others)
        async with self._changing(author, key) as tx:
            await self._rule_sets.lock(tx, key)
            _unchanged(code, newest, await self._newest(tx, key))
            await self._publish_beside_draft(
                tx, key, author, document, ready, lambda draft: switched_where_known(draft, rules, enabled)
            )
        return after.findings

    async def copy(self, author: Who, code: str, copying: Copying, to: str, *, publish: bool) -> Findings:
        """Copies rules of a stage to the end of a stage of the same or another rule set, as its draft or published.

        Raises `NothingToPublishError`, `NotThereError`.
        """
        source = await self._read((author.tenant, code), self._present, f"rule set {code!r}")
        key = (author.tenant, to)
        target = await self._read(key, self._present, f"rule set {to!r}")
        document = with_copies(target.document, source.document, copying)
        examined = await self._checks.examine(key, document, publish=publish)
        async with self._changing(author, key) as tx:
            await self._rule_sets.lock(tx, key)
            _unchanged(to, target, await self._present(tx, key))
            document = await self._with_ids(tx, key, document)
            await self._record(
                tx, key, author, document, await self._checks.compile(document, examined) if publish else None
            )
        return examined.findings

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
    async def _changing(self, author: Who, key: Key) -> AsyncGenerator[Connection]:
        """A transaction that changes a rule set, and records who did."""
        async with self._database.transaction(author.tenant) as tx:
            before = await self._state(tx, key)
            yield tx
            await record(tx, author, "rule-set", key[1], before, await self._state(tx, key))

    async def _state(self, tx: Connection, key: Key) -> dict[str, Any] | None:
        """What an author is shown of a rule set."""
        row, content = await self._rule_sets.read(tx, key), await self._present(tx, key)
        if row is None or content is None:
            return None
        versions = {"published": row.newest, "draft": row.draft, "archived": row.archived}
        return content.document.model_dump(mode="json") | versions

    async def _present(self, tx: Connection, key: Key) -> Content | None:
        """What an author is shown: the draft, else the newest published version."""
        row = await self._rule_sets.read(tx, key)
        return await self._content(tx, key, (row.draft or row.newest) if row else None)

    async def _newest(self, tx: Connection, key: Key) -> Content | None:
        row = await self._rule_sets.read(tx, key)
        return await self._content(tx, key, row.newest if row else None)

    async def _content(self, tx: Connection, key: Key, version: int | None) -> Content | None:
        found = await self._rule_sets.version(tx, key, version) if version else None
        return found[1] if found else None

    async def _record(  # noqa: PLR0913 - what is written, and how
        self,
        tx: Connection,
        key: Key,
        author: Who,
        document: RuleSetDocument,
        ready: Ready | None,
        trying: NewCanary | None = None,
    ) -> None:
        """Writes a version, as published if it is ready for that, unless it would be the newest one again."""
        newest, of = await self._newest(tx, key), Of(*key, workflow=False)
        if ready is not None:
            await refuse_beside_canary(tx, of)
        if newest and _same(newest, Content(document, newest.programs if ready is None else ready.programs)):
            if trying is not None:
                raise TakenError(f"the draft of rule set {key[1]!r} is what is published: there is nothing to try")
            await self._rule_sets.drop_draft(tx, key)
            return
        await self._rule_sets.save_draft(tx, key, document, author.subject, self._clock())
        if ready is not None:
            await self._refuse_unseen(tx, key, ready)
            await self._put_to_work(tx, of, author, ready.programs, trying)

    async def _put_to_work(
        self, tx: Connection, of: Of, author: Who, programs: Programs, trying: NewCanary | None
    ) -> None:
        """Publishes the draft, for all items or for a share of them."""
        if trying is None:
            await self._rule_sets.publish(tx, of[:2], programs, author.subject, self._clock())
            return
        row = await self._rule_sets.read(tx, of[:2])
        version = await self._rule_sets.try_out(tx, of[:2], programs, author.subject, self._clock())
        await begin(tx, of, (version, row.newest if row else None), trying, author, self._clock)

    async def _refuse_unseen(self, tx: Connection, key: Key, ready: Ready) -> None:
        """Two rule sets that move items in a circle, published at one moment, must be checked together."""
        await self._rule_sets.lock_publishing(tx, key[0])
        if ready.others is not None and ready.others.keys() != (await self._rule_sets.others(tx, key)).keys():
            raise TakenError(
                "another rule set of yours was published meanwhile: publish again, so that both are checked"
            )

    async def _publish_beside_draft(  # noqa: PLR0913 - what is published, and what of the draft
        self,
        tx: Connection,
        key: Key,
        author: Who,
        document: RuleSetDocument,
        ready: Ready,
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
        raise TakenError(f"rule set {code!r} was saved by another author meanwhile: look at it and publish again")


def _same(one: Content, other: Content) -> bool:
    """Compared as JSON: Python takes 1 and true for equal."""
    return _bytes(one.document, one.programs) == _bytes(other.document, other.programs)


def _bytes(document: RuleSetDocument, programs: Programs | None) -> bytes:
    stages = {stage: [one.model_dump(mode="json") for one in chains] for stage, chains in (programs or {}).items()}
    return orjson.dumps([document.model_dump(mode="json"), stages], option=orjson.OPT_SORT_KEYS)
