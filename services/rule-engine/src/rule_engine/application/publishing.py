"""How drafts and versions are written, of rule sets and of workflows alike, and who changed them."""

from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from typing import Any

import orjson

from contracts.kit.clock import Clock
from contracts.kit.configuration import Who, record
from contracts.kit.database import Connection, Database
from contracts.kit.quotas import check as check_quota
from rule_engine.application.canaries import NewCanary, begin, refuse_beside_canary
from rule_engine.domain.authoring.document import Document
from rule_engine.domain.errors import TakenError
from rule_engine.quotas import DEFINITIONS
from rule_engine.store.canaries import Of
from rule_engine.store.versions import Key, VersionContent, Versioned, Versions, dump


class NothingToPublishError(Exception):
    """There is no such rule set or workflow, or no such version of it; the text says what is missing."""


class Publishing[D: Document, P, V: Versioned]:
    """Writes what was checked before the transaction, and is still what the author saw."""

    def __init__(self, database: Database, store: Versions[D, P, V], clock: Clock) -> None:
        self._database = database
        self._store = store
        self._clock = clock

    async def shown(self, key: Key) -> VersionContent[D, P]:
        """The draft, else the newest published version. Raises `NothingToPublishError`."""
        async with self._database.transaction(key[0]) as tx:
            return _there(await self._present(tx, key), self._named(key))

    async def newest(self, key: Key) -> VersionContent[D, P]:
        """The newest published version. Raises `NothingToPublishError`."""
        async with self._database.transaction(key[0]) as tx:
            return _there(await self._newest(tx, key), f"published version of {self._named(key)}")

    async def published(self, key: Key, version: int) -> VersionContent[D, P]:
        """That version. Raises `NothingToPublishError`, for a draft too."""
        async with self._database.transaction(key[0]) as tx:
            content = await self._content(tx, key, version)
        published = content if content and content.programs is not None else None
        return _there(published, f"published version {version} of {self._named(key)}")

    @asynccontextmanager
    async def changing(self, author: Who, key: Key) -> AsyncGenerator[Connection]:
        """A transaction that changes it, and records who did."""
        async with self._database.transaction(author.tenant) as tx:
            before = await self._state(tx, key)
            yield tx
            await record(tx, author, self._store.table.replace("_", "-"), key[1], before, await self._state(tx, key))

    async def keep(self, tx: Connection, key: Key, document: D, *, archived: bool) -> None:
        """Creates it, or renames and archives it. Raises `TakenError` when it is for something else."""
        if await self._store.read(tx, key) is None:
            await check_quota(tx, key[0], DEFINITIONS)
        owner = await self._store.keep(tx, key, document, archived, self._clock())
        if archived:
            await refuse_beside_canary(tx, self._of(key))
        if owner != getattr(document, self._store.owner):
            raise TakenError(f"{self._named(key)} is for {self._store.owner} {owner!r} for good: use another code")

    async def documents(self, tx: Connection, key: Key) -> list[D]:
        """The newest published one and the draft's, as far as they are there."""
        row = await self._store.read(tx, key)
        found = [await self._content(tx, key, version) for version in ((row.newest, row.draft) if row else ())]
        return [one.document for one in found if one]

    async def refuse_changed(self, tx: Connection, key: Key, seen: VersionContent[D, P]) -> None:
        """Keeps others from writing. Raises `TakenError` unless it is still what an author is shown."""
        await self._refuse_other(tx, key, seen, self._present)

    async def refuse_newer(self, tx: Connection, key: Key, seen: VersionContent[D, P]) -> None:
        """Keeps others from writing. Raises `TakenError` unless it is still the newest published version."""
        await self._refuse_other(tx, key, seen, self._newest)

    async def write(  # noqa: PLR0913 - what is written, and how
        self, tx: Connection, key: Key, author: Who, document: D, programs: P | None, trying: NewCanary | None = None
    ) -> None:
        """Writes a version, as published if there are programs, unless it would be the newest one again."""
        newest = await self._newest(tx, key)
        if programs is not None:
            await refuse_beside_canary(tx, self._of(key))
        written = VersionContent(document, newest.programs if newest and programs is None else programs)
        if newest and self._same(newest, written):
            if trying is not None:
                raise TakenError(f"the draft of {self._named(key)} is what is published: there is nothing to try")
            await self._store.drop_draft(tx, key)
            return
        await self._store.save_draft(tx, key, document, author.subject, self._clock())
        if programs is not None:
            await self._put_to_work(tx, key, author, programs, trying)

    async def write_beside_draft(  # noqa: PLR0913 - what is published, and what of the draft
        self,
        tx: Connection,
        key: Key,
        author: Who,
        document: D,
        programs: P,
        change: Callable[[D], D] = lambda draft: draft,
    ) -> None:
        """Publishes another document than the draft, which goes on as the draft, changed."""
        await self._store.lock(tx, key)
        row = await self._store.read(tx, key)
        draft = await self._store.version(tx, key, row.draft) if row and row.draft else None
        if row is not None:
            await self._store.keep(tx, key, document, row.archived, self._clock())
        await self.write(tx, key, author, document, programs)
        if draft is not None:
            version, content = draft
            await self._store.save_draft(tx, key, change(content.document), version.created_by, version.created_at)

    async def _put_to_work(self, tx: Connection, key: Key, author: Who, programs: P, trying: NewCanary | None) -> None:
        """Publishes the draft, for all items or for a share of them."""
        if trying is None:
            await self._store.publish(tx, key, programs, author.subject, self._clock())
            return
        row = await self._store.read(tx, key)
        version = await self._store.try_out(tx, key, programs, author.subject, self._clock())
        await begin(tx, self._of(key), (version, row.newest if row else None), trying, author, self._clock)

    async def _refuse_other(
        self, tx: Connection, key: Key, seen: VersionContent[D, P], look: Callable[[Connection, Key], Any]
    ) -> None:
        await self._store.lock(tx, key)
        present = await look(tx, key)
        if present is None or not self._same(present, seen):
            raise TakenError(f"{self._named(key)} was saved by another author meanwhile: look at it and publish again")

    async def _state(self, tx: Connection, key: Key) -> dict[str, Any] | None:
        """What an author is shown of it."""
        row, content = await self._store.read(tx, key), await self._present(tx, key)
        if row is None or content is None:
            return None
        versions = {"published": row.newest, "draft": row.draft, "archived": row.archived}
        return content.document.model_dump(mode="json") | versions

    async def _present(self, tx: Connection, key: Key) -> VersionContent[D, P] | None:
        row = await self._store.read(tx, key)
        return await self._content(tx, key, (row.draft or row.newest) if row else None)

    async def _newest(self, tx: Connection, key: Key) -> VersionContent[D, P] | None:
        row = await self._store.read(tx, key)
        return await self._content(tx, key, row.newest if row else None)

    async def _content(self, tx: Connection, key: Key, version: int | None) -> VersionContent[D, P] | None:
        found = await self._store.version(tx, key, version) if version else None
        return found[1] if found else None

    def _same(self, one: VersionContent[D, P], other: VersionContent[D, P]) -> bool:
        """Compared as JSON: Python takes 1 and true for equal."""
        return self._bytes(one) == self._bytes(other)

    def _bytes(self, content: VersionContent[D, P]) -> bytes:
        programs = None if content.programs is None else self._store.dumped(content.programs)
        return orjson.dumps([dump(content.document), programs], option=orjson.OPT_SORT_KEYS)

    def _of(self, key: Key) -> Of:
        return Of(*key, workflow=self._store.table == "workflow")

    def _named(self, key: Key) -> str:
        return f"{self._store.noun} {key[1]!r}"


def _there[T](found: T | None, what: str) -> T:
    if found is None:
        raise NothingToPublishError(what)
    return found
