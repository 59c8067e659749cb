"""Events of other services, of which triggers may make moves."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from contracts.asking import Found
from contracts.budget import Budget, spending
from contracts.envelope import Envelope
from contracts.kit.database import Connection
from trigger_service import messages
from trigger_service.domain.evaluation import judge
from trigger_service.domain.triggers import Trigger
from trigger_service.intake.arrivals import Arrivals
from trigger_service.store.arrivals import Arrival
from trigger_service.triggers.base import Occurrence


@dataclass(frozen=True, slots=True)
class Heard:
    """What an event is to one trigger type, and the tenant's triggers of this type, at least one."""

    occurrence: Occurrence
    triggers: Sequence[Trigger]


class Events:
    """Judges events."""

    def __init__(self, arrivals: Arrivals) -> None:
        self._arrivals = arrivals

    async def take(
        self, tx: Connection, message: Envelope[Any], heard: Sequence[Heard], contexts: Mapping[UUID, Found | None]
    ) -> None:
        """An event of another service; `contexts` are those of its items that exist.

        Each trigger type has an arrival of its own for each item. An item is moved once, whatever types matched.
        """
        budget = Budget()
        for item in dict.fromkeys(item for one in heard for item in one.occurrence.items):
            judged = []
            for one in heard:
                if item in one.occurrence.items:
                    with spending(budget):
                        judgement = judge(one.triggers, one.occurrence, contexts.get(item))
                    judged.append((self._begin(message, one.occurrence.type, item), judgement))
            await self._arrivals.conclude_event(tx, item, judged, message)

    def _begin(self, message: Envelope[Any], type_: str, item: UUID) -> Arrival:
        arrival = self._arrivals.begin(message.tenant, type_, f"event:{message.id}", item)
        return arrival.model_copy(update={"id": messages.arrival_of_event(message, type_, item)})
