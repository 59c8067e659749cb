"""Everything this service says on the wire, with the ids that make saying it again harmless."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from uuid import UUID, uuid5

from contracts import topics
from contracts.envelope import Body, Envelope, command, event
from contracts.messages.entity_commands import AddTimelineEntry, CreateItem, MoveItem
from contracts.messages.trigger_events import ArrivalJudged
from trigger_service.domain.evaluation import Judgement
from trigger_service.store.arrivals import Arrival

SERVICE = "trigger-service"
NAMESPACE = UUID("6f1d1c1e-0c53-5d0b-9b54-2f6c1c7f9a11")
"""Any fixed UUID: the names below are hashed into it."""


def arrival_of_event(message: Envelope[Any], trigger_type: str, item: UUID) -> UUID:
    """One arrival per event, trigger type and item, however often the event comes."""
    return uuid5(NAMESPACE, f"{message.tenant}/{message.source}/{message.id}/{trigger_type}/{item}")


def _move_of_event(message: Envelope[Any], item: UUID) -> UUID:
    """One move per event and item, whichever trigger types it is for."""
    return uuid5(NAMESPACE, f"{message.tenant}/{message.source}/{message.id}/move/{item}")


def arrival_of_item(first: UUID, item: UUID) -> UUID:
    """The arrival of a submission that concerns several items, for one of the further ones."""
    return uuid5(first, f"item/{item}")


def _id(arrival: Arrival, command: str) -> UUID:
    """One command per attempt, however often it is sent."""
    return uuid5(arrival.id, f"{command}/{arrival.attempt}" if arrival.attempt else command)


def move_item(
    arrival: Arrival, item: UUID, judgements: Sequence[Judgement], now: datetime, cause: Envelope[Any] | None
) -> Envelope[MoveItem]:
    """One command with all stages that fired; the item's owner picks the earliest."""
    data = MoveItem(
        item_id=item,
        candidates=tuple(candidate for judgement in judgements for candidate in judgement.candidates),
        forward_only=True,
        actor=judgements[0].actor,
        origin="trigger",
    )
    id = _move_of_event(cause, item) if cause else _id(arrival, "move")
    return _command(arrival, data, id, topics.item_key(arrival.tenant_id, item), now, cause)


def create_item(arrival: Arrival, data: CreateItem, now: datetime) -> Envelope[CreateItem]:
    key = topics.record_key(arrival.tenant_id, "arrival", arrival.id)
    return _command(arrival, data, _id(arrival, "create"), key, now)


def add_comment(arrival: Arrival, item: UUID, text: str, now: datetime) -> Envelope[AddTimelineEntry]:
    """What a client wrote into a form, for the timeline of the item that the client has already."""
    data = AddTimelineEntry(item_id=item, kind="comment", text=text, actor=arrival.source, origin="intake")
    return _command(arrival, data, _id(arrival, "comment"), topics.item_key(arrival.tenant_id, item), now)


def _command[B: Body](  # noqa: PLR0913 - an envelope's attributes
    arrival: Arrival, data: B, id: UUID, key: str, now: datetime, cause: Envelope[Any] | None = None
) -> Envelope[B]:
    return command(
        data,
        issuer=SERVICE,
        id=id,
        tenant=arrival.tenant_id,
        key=key,
        time=now,
        correlation=cause.correlation if cause else str(arrival.id),
        causation=cause.id if cause else None,
        causepath=cause.causepath if cause else (),
        root=cause.root_cause if cause else str(arrival.id),
    )


def arrival_judged(arrival: Arrival, id: UUID, now: datetime, cause: Envelope[Any] | None) -> Envelope[ArrivalJudged]:
    """For an arrival that has its final verdict."""
    item, tenant = arrival.item_id, arrival.tenant_id
    data = ArrivalJudged(
        arrival_id=arrival.id,
        trigger_type=arrival.trigger_type,
        trigger=arrival.trigger,
        item_id=item,
        verdict=arrival.verdict,
        reason=arrival.reason,
        at=now,
    )
    key = topics.item_key(tenant, item) if item else topics.record_key(tenant, "arrival", arrival.id)
    return event(
        data, source=SERVICE, id=id, tenant=tenant, key=key, time=now, cause=cause, correlation=str(arrival.id)
    )
