"""Events of other services, of which triggers may make moves."""

from collections.abc import Mapping
from typing import Any
from uuid import UUID

from contracts.asking import Found
from contracts.budget import Budget, spending
from contracts.envelope import Envelope
from contracts.kit.database import Connection
from trigger_service import messages
from trigger_service.domain.evaluation import judge
from trigger_service.intake.arrivals import Arrivals
from trigger_service.store import arrivals, triggers
from trigger_service.triggers.base import Occurrence


class Events:
    """Judges events."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    async def take(
        self, tx: Connection, message: Envelope[Any], occurrence: Occurrence, contexts: Mapping[UUID, Found]
    ) -> None:
        """An event of another service; `contexts` are those of its items that exist."""
        matching = await triggers.of_type(tx, message.tenant, occurrence.type)
        budget = Budget()
        for item in occurrence.items:
            with spending(budget):
                judgement = judge(matching, occurrence, contexts.get(item))
            arrival = self._arrivals.begin(message.tenant, occurrence.type, f"event:{message.id}", item)
            arrival = arrival.model_copy(update={"id": messages.arrival_of_event(message, occurrence.type, item)})
            await self._arrivals.conclude(tx, arrivals.add, arrival, judgement, message)
