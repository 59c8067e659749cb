"""Asks entity-service for the contexts of items, until every one of them is answered."""

from collections import deque
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from uuid import UUID

from contracts.contexts import MAX_ANSWER, ContextRequest, ContextResponse, ItemContext, ItemRef, Part
from contracts.kit.client import ServiceClient

MOST_AT_ONCE = 500
"""Items of a request."""

type Key = tuple[UUID, UUID]
"""Tenant and item."""


@dataclass(frozen=True, slots=True)
class TooLarge:
    """In place of a context that is larger than an answer may be."""

    reason: str = f"the item with all that is around it has more than {MAX_ANSWER:,} bytes: shorten its texts or rows"


type Found = ItemContext | TooLarge


async def ask_contexts(
    client: ServiceClient, items: Iterable[Key], parts: Sequence[Part] | None = None
) -> dict[Key, Found]:
    """The items as they are now, without those that do not exist (any more). Raises what the client raises."""
    found, waiting = dict[Key, Found](), deque(dict.fromkeys(items))
    while waiting:
        asked = [waiting.popleft() for _ in range(min(MOST_AT_ONCE, len(waiting)))]
        answer = await _ask(client, asked, parts)
        found |= {(one.tenant_id, one.item.id): one for one in answer.contexts()}
        found |= {_key(ref): TooLarge() for ref in answer.too_large}
        waiting.extendleft(map(_key, reversed(answer.rest)))
    return found


async def _ask(client: ServiceClient, asked: Iterable[Key], parts: Sequence[Part] | None) -> ContextResponse:
    refs = tuple(ItemRef(tenant_id=tenant, item_id=item) for tenant, item in asked)
    request = ContextRequest(items=refs, parts=None if parts is None else tuple(parts))
    body = request.model_dump_json(exclude_none=True)
    return ContextResponse.model_validate_json(await client.ask("POST", "/internal/contexts", body=body))


def _key(ref: ItemRef) -> Key:
    return ref.tenant_id, ref.item_id
