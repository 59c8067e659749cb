"""Who changed a tenant's configuration, what and when: one row a change, written in the transaction that makes it.

A row has no content, only a hash of what there was before and after, and which of its parts differ: secrets are in none
of these. Rows are added and never changed; they are deleted when they are older than `configuration_days`.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, Protocol
from uuid import UUID

import asyncpg
from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel
from pydantic_core import to_jsonable_python

from contracts.kit.aging import forget_older
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import new_id
from contracts.kit.database import Connection, Database
from contracts.kit.http import Cursor, Limit, Page, decode_cursor


class Who(Protocol):
    """A person or service that changes something in a tenant."""

    @property
    def tenant(self) -> UUID: ...

    @property
    def subject(self) -> str: ...


@dataclass(frozen=True, slots=True)
class Changer:
    """A `Who` that is no `Caller`."""

    tenant: UUID
    subject: str


async def record(tx: Connection, who: Who, kind: str, code: str | None, before: Any, after: Any) -> None:
    """Records that `who` changed a definition from `before` to `after`, models or mappings; nothing if they are equal.

    `before` is null for a new definition, `after` for a deleted one; secrets in them are sealed or hashed. `code` is
    null for what a tenant has one of.
    """
    was, is_now = _parts(before), _parts(after)
    if was == is_now and before is not None:
        return
    fields = sorted(name for name in was.keys() | is_now.keys() if was.get(name) != is_now.get(name))
    await tx.execute(
        """INSERT INTO configuration_changes (tenant_id, id, kind, code, changed_by, before, after, fields)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        who.tenant,
        new_id(),
        kind,
        code,
        who.subject,
        None if before is None else _hash(was),
        None if after is None else _hash(is_now),
        fields,
    )


def _parts(value: Any) -> dict[str, Any]:
    plain: dict[str, Any] = to_jsonable_python(value) or {}
    return plain


def _hash(parts: dict[str, Any]) -> bytes:
    return hashlib.sha256(json.dumps(parts, sort_keys=True, separators=(",", ":")).encode()).digest()


class ConfigurationChange(BaseModel):
    """One change. `before` and `after` are SHA-256 of the definition, null where there is none; `fields` differ."""

    id: UUID
    kind: str
    code: str | None
    changed_by: str
    changed_at: AwareDatetime
    before: str | None
    after: str | None
    fields: Sequence[str]


class Latest(NamedTuple):
    """The sort key of changes; ids grow with time."""

    id: UUID


Kind = Annotated[str | None, Query(max_length=100, pattern=r"^[a-z-]*$", description="such as pipeline or rule-set")]
Code = Annotated[str | None, Query(max_length=200, pattern=r"^[^\x00]*$", description="of what was changed")]


def router(database: Database) -> APIRouter:
    """That of every service."""
    routes = APIRouter(tags=["changes"])

    @routes.get("/v1/changes")
    async def list_changes(
        kind: Kind = None,
        code: Code = None,
        cursor: Cursor = None,
        limit: Limit = 50,
        caller: Caller = require(Role.ADMIN),
    ) -> Page[ConfigurationChange]:
        """Who changed which definition of this service, the newest first."""
        before = decode_cursor(cursor, Latest)
        async with database.transaction(caller.tenant) as tx:
            found = await tx.fetch(
                """SELECT * FROM configuration_changes WHERE tenant_id = $1 AND ($2::text IS NULL OR kind = $2)
                       AND ($3::text IS NULL OR code = $3) AND ($4::uuid IS NULL OR id < $4)
                   ORDER BY id DESC LIMIT $5""",
                caller.tenant,
                kind,
                code,
                before.id if before else None,
                limit + 1,
            )
        return Page[ConfigurationChange].of(found, limit, key=lambda row: (row["id"],), show=_change)

    return routes


def _change(row: asyncpg.Record) -> ConfigurationChange:
    values = dict(row) | {"before": row["before"] and row["before"].hex(), "after": row["after"] and row["after"].hex()}
    return ConfigurationChange.model_validate(values)


async def forget_changes(database: Database, days: int) -> int:
    """Deletes the changes that are older, and returns how many."""
    return await forget_older(database, "configuration_changes", "tenant_id, id", "changed_at", days)
