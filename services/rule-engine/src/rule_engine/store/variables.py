"""Definitions of variables and constants, and the values that variables were given."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

import asyncpg
from pydantic import JsonValue

from contracts.kit.database import Connection
from rule_engine.domain.language.variables import Assigned, Definition, Group, Stored, VariableDocument, by_name


@dataclass(frozen=True, slots=True)
class Owner:
    """Whose values are read and written: those of a tenant, of an item and of a run."""

    tenant: UUID
    item: UUID | None = None
    run: UUID | None = None

    def of(self, assigned: Assigned) -> UUID:
        """The owner of a value of its scope."""
        owner = {"tenant": self.tenant, "item": self.item, "run": self.run}[assigned.scope]
        if owner is None:
            raise LookupError(f"no {assigned.scope} to keep a value for")
        return owner


class Variables:
    """Statements on `variables` and `variable_values`."""

    async def put(self, tx: Connection, tenant: UUID, definition: Definition, by: str, now: datetime) -> None:
        """Creates or replaces a definition; values stay."""
        await tx.execute(
            """INSERT INTO variables (tenant_id, kind, code, document, changed_by, changed_at)
               VALUES ($1, $2, $3, $4, $5, $6)
               ON CONFLICT (tenant_id, kind, code) DO UPDATE SET
                   document = excluded.document, changed_by = excluded.changed_by, changed_at = excluded.changed_at
               WHERE variables.document <> excluded.document""",
            tenant,
            definition.group,
            definition.code,
            definition.document.model_dump(mode="json"),
            by,
            now,
        )

    async def get(
        self, tx: Connection, tenant: UUID, group: Group, code: str, *, lock: bool = False
    ) -> Definition | None:
        row = await tx.fetchrow(
            f"""SELECT * FROM variables WHERE tenant_id = $1 AND kind = $2 AND code = $3
                {"FOR UPDATE" if lock else ""}""",  # noqa: S608 - one of two constants
            tenant,
            group,
            code,
        )
        return None if row is None else _definition(row)

    async def all(self, tx: Connection, tenant: UUID) -> list[Definition]:
        rows = await tx.fetch("SELECT * FROM variables WHERE tenant_id = $1 ORDER BY kind, code", tenant)
        return [_definition(row) for row in rows]

    async def count_with_rule_sets(self, tx: Connection, tenant: UUID) -> int:
        """How many variables, constants and rule sets there are, archived ones too."""
        count: int = await tx.fetchval(
            """SELECT (SELECT count(*) FROM variables WHERE tenant_id = $1)
                   + (SELECT count(*) FROM rule_sets WHERE tenant_id = $1)""",
            tenant,
        )
        return count

    async def page(self, tx: Connection, tenant: UUID, group: Group, after: str, limit: int) -> list[Definition]:
        rows = await tx.fetch(
            "SELECT * FROM variables WHERE tenant_id = $1 AND kind = $2 AND code > $3 ORDER BY code LIMIT $4",
            tenant,
            group,
            after,
            limit,
        )
        return [_definition(row) for row in rows]

    async def stored(self, tx: Connection, owner: Owner) -> Stored:
        """All definitions, and the values that a run of this owner can read."""
        definitions = by_name(await self.all(tx, owner.tenant))
        rows = await tx.fetch(
            """SELECT code, owner_id, value, version FROM variable_values
               WHERE tenant_id = $1 AND owner_id = ANY ($2::uuid[])""",
            owner.tenant,
            [one for one in (owner.tenant, owner.item, owner.run) if one],
        )
        own = [row for row in rows if _is_of_scope(row, definitions.get(("variable", row["code"])), owner)]
        return Stored(
            definitions, {row["code"]: row["value"] for row in own}, {row["code"]: row["version"] for row in own}
        )

    async def of_items(self, tx: Connection, tenant: UUID, items: Sequence[UUID]) -> dict[UUID, dict[str, JsonValue]]:
        """What variables of the scope `item` have been set to, by item."""
        rows = await tx.fetch(
            """SELECT w.owner_id, w.code, w.value FROM variable_values w
               JOIN variables v ON v.tenant_id = w.tenant_id AND v.code = w.code AND v.kind = 'variable'
               WHERE w.tenant_id = $1 AND w.owner_id = ANY ($2::uuid[]) AND v.document->>'scope' = 'item'""",
            tenant,
            items,
        )
        found: dict[UUID, dict[str, JsonValue]] = {}
        for row in rows:
            found.setdefault(row["owner_id"], {})[row["code"]] = row["value"]
        return found

    async def set(self, tx: Connection, owner: Owner, assigned: Assigned, seen: int | None, now: datetime) -> bool:
        """Writes a value unless it changed since it was read; `seen` is the version that was read, null for none."""
        done = await tx.fetchval(
            """INSERT INTO variable_values (tenant_id, code, owner_id, value, version, changed_at)
               VALUES ($1, $2, $3, $4, 1, $6)
               ON CONFLICT (tenant_id, code, owner_id) DO UPDATE SET
                   value = excluded.value, version = variable_values.version + 1, changed_at = excluded.changed_at
               WHERE variable_values.version = $5::integer
               RETURNING version""",
            owner.tenant,
            assigned.code,
            owner.of(assigned),
            assigned.value,
            seen,
            now,
        )
        return done is not None and done == (seen or 0) + 1

    async def values(self, tx: Connection, tenant: UUID, code: str) -> list[tuple[UUID, JsonValue]]:
        """All values of a variable, by owner; they are locked until the transaction ends."""
        rows = await tx.fetch(
            """SELECT owner_id, value FROM variable_values WHERE tenant_id = $1 AND code = $2
               ORDER BY owner_id FOR UPDATE""",
            tenant,
            code,
        )
        return [(row["owner_id"], row["value"]) for row in rows]

    async def migrate(
        self, tx: Connection, tenant: UUID, code: str, values: Iterable[tuple[UUID, JsonValue]], now: datetime
    ) -> None:
        """Writes values in the form of a new type."""
        rows: Sequence[tuple[UUID, str, UUID, JsonValue, datetime]] = [
            (tenant, code, owner, value, now) for owner, value in values
        ]
        await tx.executemany(
            """UPDATE variable_values SET value = $4, version = version + 1, changed_at = $5
               WHERE tenant_id = $1 AND code = $2 AND owner_id = $3""",
            rows,
        )


def _is_of_scope(row: asyncpg.Record, definition: Definition | None, owner: Owner) -> bool:
    """Values kept under an earlier scope are not seen."""
    return definition is not None and row["owner_id"] == owner.of(
        Assigned(definition.code, definition.document.scope, None)
    )


def _definition(row: asyncpg.Record) -> Definition:
    return Definition(row["kind"], row["code"], VariableDocument.model_validate(row["document"]))
