"""Versions of what authors publish: at most one draft, and published ones, which never change."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, ClassVar, Literal
from uuid import UUID

import asyncpg
from pydantic import BaseModel

from contracts.kit.database import Connection
from rule_engine.domain.authoring.document import Document

type Key = tuple[UUID, str]
"""Tenant and code."""


VersionStatus = Literal["draft", "canary", "withdrawn", "published"]
"""`canary`: a share of the items runs on it; `withdrawn`: a share did, until it was rolled back."""


@dataclass(frozen=True, slots=True)
class Version:
    """One version. `created_*` is its last save as a draft."""

    version: int
    status: VersionStatus
    created_by: str
    created_at: datetime
    published_by: str | None
    published_at: datetime | None


@dataclass(frozen=True, slots=True)
class VersionContent[D, P]:
    """What a version holds; a draft has no programs."""

    document: D
    programs: P | None = None


@dataclass(frozen=True, slots=True)
class Versioned:
    """What has versions, without them; `newest` is the newest published one's number, `draft` the draft's."""

    code: str
    name: str
    archived: bool
    created_at: datetime
    newest: int | None
    draft: int | None


class Versions[D: Document, P, V: Versioned](ABC):
    """Statements on what has versions, and on its versions."""

    table: ClassVar[str]
    """The singular: `rule_set` has the tables `rule_sets` and `rule_set_versions`."""
    owner: ClassVar[str]
    """What it is for as long as it is there: the column, and the field of its document and of its row."""
    versioned: type[V]
    """Its row."""

    @property
    def noun(self) -> str:
        """In words."""
        return self.table.replace("_", " ")

    @abstractmethod
    def document(self, row: asyncpg.Record) -> D:
        """The document of a version's row."""

    @abstractmethod
    def programs_in(self, row: asyncpg.Record) -> P | None:
        """Its programs; null for a draft."""

    @abstractmethod
    def dumped(self, programs: P) -> Any:
        """Programs as JSON."""

    async def keep(self, tx: Connection, key: Key, document: D, archived: bool, now: datetime) -> str:
        """Creates or replaces it and locks its row. Returns its owner, which stays what it was."""
        owner: str = await tx.fetchval(
            f"""INSERT INTO {self.table}s (tenant_id, code, {self.owner}, name, archived, created_at)
               VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (tenant_id, code) DO UPDATE SET name = excluded.name, archived = excluded.archived
               RETURNING {self.owner}""",  # noqa: S608 - constants
            *key,
            getattr(document, self.owner),
            document.name,
            archived,
            now,
        )
        return owner

    async def read(self, tx: Connection, key: Key) -> V | None:
        row = await tx.fetchrow(f"{self._select()} WHERE s.tenant_id = $1 AND s.code = $2", *key)
        return None if row is None else self._versioned(row)

    async def page(self, tx: Connection, tenant: UUID, after: str, limit: int) -> list[V]:
        """By code, those after `after`."""
        rows = await tx.fetch(
            f"{self._select()} WHERE s.tenant_id = $1 AND s.code > $2 ORDER BY s.code LIMIT $3", tenant, after, limit
        )
        return [self._versioned(row) for row in rows]

    async def naming(self, tx: Connection, tenant: UUID, text: str) -> list[tuple[str, P]]:
        """Newest published programs, and those that are tried, by code, not archived, in which a text occurs."""
        rows = await tx.fetch(
            f"""SELECT code, programs FROM (
                   SELECT DISTINCT ON (v.code, v.status) v.code, v.programs FROM {self.table}_versions v
                   JOIN {self.table}s s ON s.tenant_id = v.tenant_id AND s.code = v.code AND NOT s.archived
                   WHERE v.tenant_id = $1 AND v.status IN ('published', 'canary')
                   ORDER BY v.code, v.status, v.version DESC
               ) newest WHERE strpos(programs::text, $2) > 0 ORDER BY code""",  # noqa: S608 - a constant
            tenant,
            text,
        )
        return [(row["code"], programs) for row in rows if (programs := self.programs_in(row)) is not None]

    async def lock(self, tx: Connection, key: Key) -> None:
        """Keeps others from writing versions until the transaction ends."""
        await tx.execute(f"SELECT FROM {self.table}s WHERE tenant_id = $1 AND code = $2 FOR UPDATE", *key)  # noqa: S608

    async def save_draft(self, tx: Connection, key: Key, document: D, by: str, at: datetime) -> int:
        """Writes the one draft; returns its version."""
        version: int = await tx.fetchval(
            f"""INSERT INTO {self.table}_versions (tenant_id, code, version, status, document, created_by, created_at)
               SELECT $1, $2, coalesce(max(version), 0) + 1, 'draft', $3, $4, $5 FROM {self.table}_versions
               WHERE tenant_id = $1 AND code = $2 AND status <> 'draft'
               ON CONFLICT (tenant_id, code, version) DO UPDATE SET
                   document = excluded.document, created_by = excluded.created_by, created_at = excluded.created_at
               RETURNING version""",  # noqa: S608 - a constant
            *key,
            dump(document),
            by,
            at,
        )
        return version

    async def drop_draft(self, tx: Connection, key: Key) -> None:
        await tx.execute(
            f"DELETE FROM {self.table}_versions WHERE tenant_id = $1 AND code = $2 AND status = 'draft'",  # noqa: S608
            *key,
        )

    async def publish(self, tx: Connection, key: Key, programs: P, by: str, now: datetime) -> None:
        """Makes the draft a published version."""
        await self._publish(tx, key, "published", programs, by, now)

    async def try_out(self, tx: Connection, key: Key, programs: P, by: str, now: datetime) -> int:
        """Makes the draft a version that a share of the items runs on; returns its number."""
        return await self._publish(tx, key, "canary", programs, by, now)

    async def _publish(  # noqa: PLR0913 - the columns of a publication
        self, tx: Connection, key: Key, status: VersionStatus, programs: P, by: str, now: datetime
    ) -> int:
        version: int = await tx.fetchval(
            f"""UPDATE {self.table}_versions
               SET status = $6, programs = $3, published_by = $4, published_at = $5
               WHERE tenant_id = $1 AND code = $2 AND status = 'draft' RETURNING version""",  # noqa: S608 - a constant
            *key,
            self.dumped(programs),
            by,
            now,
            status,
        )
        return version

    async def end_canary(
        self, tx: Connection, key: Key, status: Literal["published", "withdrawn"], by: str, now: datetime
    ) -> None:
        """All items that enter from now on run on it, and it is published by this; or none does."""
        await tx.execute(
            f"""UPDATE {self.table}_versions SET status = $3,
                   published_by = CASE $3 WHEN 'published' THEN $4 ELSE published_by END,
                   published_at = CASE $3 WHEN 'published' THEN $5 ELSE published_at END
               WHERE tenant_id = $1 AND code = $2 AND status = 'canary'""",  # noqa: S608 - a constant
            *key,
            status,
            by,
            now,
        )

    async def versions(self, tx: Connection, key: Key, before: int, limit: int) -> Sequence[Version]:
        """Newest first, those before version `before`."""
        rows = await tx.fetch(
            f"""SELECT * FROM {self.table}_versions WHERE tenant_id = $1 AND code = $2 AND version < $3
               ORDER BY version DESC LIMIT $4""",  # noqa: S608 - a constant
            *key,
            before,
            limit,
        )
        return [_version(row) for row in rows]

    async def version(self, tx: Connection, key: Key, version: int) -> tuple[Version, VersionContent[D, P]] | None:
        row = await tx.fetchrow(
            f"SELECT * FROM {self.table}_versions WHERE tenant_id = $1 AND code = $2 AND version = $3",  # noqa: S608
            *key,
            version,
        )
        return None if row is None else (_version(row), VersionContent(self.document(row), self.programs_in(row)))

    def _select(self) -> str:
        newest, draft = (
            f"""(SELECT max(version) FROM {self.table}_versions v
                 WHERE v.tenant_id = s.tenant_id AND v.code = s.code AND v.status = '{status}')"""  # noqa: S608
            for status in ("published", "draft")
        )
        return f"SELECT s.*, {newest} AS newest, {draft} AS draft FROM {self.table}s s"  # noqa: S608 - constants

    def _versioned(self, row: asyncpg.Record) -> V:
        return self.versioned(**{one.name: row[one.name] for one in fields(self.versioned)})


def dump(model: BaseModel) -> dict[str, Any]:
    """A document or program as JSON."""
    return model.model_dump(mode="json", by_alias=True)


def _version(row: asyncpg.Record) -> Version:
    return Version(**{name: row[name] for name in Version.__slots__})
