"""Calls of triggers' own URLs."""

from typing import Any
from uuid import UUID

from contracts.asking import Found
from contracts.kit.database import Connection
from trigger_service.domain import repeats
from trigger_service.domain.evaluation import Judgement, Note, judge
from trigger_service.domain.triggers import Trigger
from trigger_service.intake.arrivals import Arrivals, claim_of
from trigger_service.store import arrivals
from trigger_service.store.arrivals import Arrival
from trigger_service.triggers.base import Occurrence
from trigger_service.triggers.webhooks import Webhook


class Webhooks:
    """Accepts and judges calls."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    async def take(self, tx: Connection, tenant: UUID, trigger: Trigger, body: dict[str, Any], key: str | None) -> UUID:
        """A call; the arrival that answers it. `key` names it, so that it can be repeated. Raises `KeyReusedError`."""
        item = Webhook.item_id(trigger.spec.settings, body)
        arrival = self._arrivals.begin(tenant, Webhook.name, f"webhook:{trigger.code}", item)
        if key is not None:
            arrival = arrival.model_copy(update={"key_hash": repeats.of_call(tenant, trigger.code, key)})
            mine = claim_of(arrival, repeats.of_call(tenant, trigger.code, key), repeats.content_of(body))
            first = (await self._arrivals.claim(tx, tenant, mine)).arrival_id
            if first != arrival.id:
                return first
        if item is None:
            note = Note(trigger.code, "refused", "the body has no item's id in the configured place")
            judgement = Judgement(verdict="refused", reason=note.reason, notes=(note,))
            await self._arrivals.conclude(tx, arrivals.add, arrival, judgement)
        else:
            await self._arrivals.leave_to_worker(tx, arrival, trigger.code, body)
        return arrival.id

    async def judge(
        self, tx: Connection, arrival: Arrival, trigger: Trigger, body: dict[str, Any], item: Found | None
    ) -> None:
        items = (arrival.item_id,) if arrival.item_id else ()
        occurrence = Occurrence(type=Webhook.name, items=items, facts=body)
        await self._arrivals.conclude(tx, arrivals.update, arrival, judge([trigger], occurrence, item))
