"""Puts contexts into an answer until it is full; what several items share goes in once."""

from datetime import datetime
from typing import Any
from uuid import UUID

from pydantic import BaseModel

from contracts.contexts import MAX_ANSWER, ContextResponse, ItemRecord, ItemRef, TenantRecords

_OF_STAFF: dict[str, dict[Any, Any]] = {"reassignments": {}, "substitutes": {}, "members": {}}
"""They go in once for each tenant of whom there is an item."""
_TABLES = ("contacts", "companies", "responsible", "supervisors")


class Packing:
    """An answer in the making. Once an item does not fit, it and all after it are left for the next answer."""

    def __init__(self, read_at: datetime) -> None:
        self._read_at = read_at
        self._left = MAX_ANSWER
        self._tenants: dict[UUID, TenantRecords] = {}
        self._items: list[ItemRecord] = []
        self.missing: list[ItemRef] = []
        self._too_large: list[ItemRef] = []
        self._rest: list[ItemRef] = []

    def add(self, ref: ItemRef, record: ItemRecord, shared: TenantRecords, *, complete: bool) -> None:
        """`complete`: whether all that it refers to was read; if not, the item is too large or its turn comes later."""
        new = self._new(ref.tenant_id, shared)
        size = _size(record) + _size(new)
        if self._rest or not complete or size > self._left:
            self._put_off(ref)
            return
        self._left -= size
        self._items.append(record)
        self._share(ref.tenant_id, new)

    def leave(self, ref: ItemRef) -> None:
        """One that was not read."""
        self._rest.append(ref)

    def _put_off(self, ref: ItemRef) -> None:
        """The first one has an answer to itself, and for it everything was read first."""
        is_first = not (self._items or self._rest or self._too_large)
        (self._too_large if is_first else self._rest).append(ref)

    def _new(self, tenant: UUID, shared: TenantRecords) -> TenantRecords:
        known = self._tenants.get(tenant)
        if known is None:
            return shared
        tables = {name: _without(getattr(shared, name), getattr(known, name)) for name in _TABLES}
        return shared.model_copy(update=tables | _OF_STAFF)

    def _share(self, tenant: UUID, new: TenantRecords) -> None:
        known = self._tenants.setdefault(tenant, new)
        for name in _TABLES:
            getattr(known, name).update(getattr(new, name))

    def response(self) -> ContextResponse:
        return ContextResponse(
            tenants=self._tenants,
            items=tuple(self._items),
            missing=tuple(self.missing),
            too_large=tuple(self._too_large),
            rest=tuple(self._rest),
            read_at=self._read_at,
        )


def _without[T](records: dict[UUID, T], known: dict[UUID, T]) -> dict[UUID, T]:
    return {id: record for id, record in records.items() if id not in known}


def _size(model: BaseModel) -> int:
    return len(model.model_dump_json())
