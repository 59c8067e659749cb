"""Events of trigger-service about what arrived, on `crm.trigger.events.v1`."""

from typing import ClassVar, Literal
from uuid import UUID

from pydantic import AwareDatetime

from contracts.envelope import Body

Verdict = Literal[
    "moved",
    "same",
    "behind",
    "gone",
    "condition_false",
    "not_matched",
    "created",
    "duplicate",
    "refused",
]


class ArrivalJudged(Body):
    """What became of something that arrived; `reason` says it in words."""

    TYPE: ClassVar[str] = "crm.arrival.judged.v1"

    arrival_id: UUID
    trigger_type: str
    trigger: str | None = None
    item_id: UUID | None = None
    verdict: Verdict
    reason: str
    at: AwareDatetime
