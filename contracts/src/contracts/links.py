"""What entity-service answers about links between items.

`POST /internal/items/linked` takes a `LinkedRequest` and answers a `LinkedItems`; it demands its scope of
`contracts.service_calls`.
"""

from typing import Annotated
from uuid import UUID

from pydantic import Field

from contracts.contexts import ItemRef
from contracts.values import Value

MAX_LINKED = 100
"""The most items that are done something to because of one."""


class LinkedRequest(Value):
    """At most 500 items, of any tenants."""

    items: Annotated[tuple[ItemRef, ...], Field(min_length=1, max_length=500)]


class LinkedTo(ItemRef):
    """The items that one is linked with, in whatever way: the oldest, at most `MAX_LINKED`."""

    linked: tuple[UUID, ...]


class LinkedItems(Value):
    """Those of the items that have links."""

    items: tuple[LinkedTo, ...]
