"""Adds, changes and reads rows of lists."""

from collections.abc import Collection, Mapping
from uuid import UUID

from pydantic import JsonValue

from contracts.kit.clock import Clock, NewId
from contracts.kit.database import Connection
from entity_service import store
from entity_service.domain.errors import NotFoundError
from entity_service.domain.fields import mentioned_ids
from entity_service.domain.lists import KeptList, ListRow, row_values

type Values = Mapping[str, JsonValue]


class Lists:
    """Each in the caller's transaction. Raises `NotFoundError` for a list or row that there is not."""

    def __init__(self, clock: Clock, new_id: NewId) -> None:
        self._clock = clock
        self._new_id = new_id

    async def add(self, tx: Connection, tenant: UUID, code: str, values: Values, by: str) -> ListRow:
        """A new row. Raises `InvalidError` with everything that is wrong with the values."""
        kept, now = await self._values(tx, tenant, await self._list(tx, tenant, code), {}, values), self._clock()
        row = ListRow(
            id=self._new_id(), list=code, values=kept, version=1, created_by=by, created_at=now, updated_at=now
        )
        await store.lists.add_row(tx, tenant, row)
        return row

    async def change(self, tx: Connection, tenant: UUID, code: str, id: UUID, values: Values) -> ListRow:
        """Sets what is named. Raises `InvalidError`. No change writes nothing."""
        of, before = await self._list(tx, tenant, code), await self._row(tx, tenant, code, id, lock=True)
        kept = await self._values(tx, tenant, of, before.values, values)
        if kept == before.values:
            return before
        after = before.changed(kept, self._clock())
        await store.lists.save_row(tx, tenant, after)
        return after

    async def read(
        self, tx: Connection, tenant: UUID, code: str, id: UUID, fields: Collection[str]
    ) -> dict[str, JsonValue]:
        """The values of these fields, or of all in use; null for empty ones.

        Raises `NotFoundError` for unknown ones.
        """
        of, row = await self._list(tx, tenant, code), await self._row(tx, tenant, code, id)
        known = of.in_use()
        if missing := [field for field in fields if field not in known]:
            raise NotFoundError(f"field {missing[0]!r} in list {code!r}")
        return {field: row.values.get(field) for field in fields or known}

    async def _values(
        self, tx: Connection, tenant: UUID, of: KeptList, present: Values, values: Values
    ) -> dict[str, JsonValue]:
        employees = await store.references.existing_employees(tx, tenant, mentioned_ids(values))
        return row_values(present, values, of, employees)

    async def _list(self, tx: Connection, tenant: UUID, code: str) -> KeptList:
        found = await store.lists.find(tx, tenant, code)
        if found is None:
            raise NotFoundError(f"list {code!r}")
        return found

    async def _row(self, tx: Connection, tenant: UUID, code: str, id: UUID, *, lock: bool = False) -> ListRow:
        found = await store.lists.find_row(tx, tenant, code, id, lock=lock)
        if found is None:
            raise NotFoundError(f"row {id} in list {code!r}")
        return found
