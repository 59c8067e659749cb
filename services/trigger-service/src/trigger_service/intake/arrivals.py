"""Stores each arrival once with its verdict, and sends the command that it leads to.

Everything happens in the caller's transaction: the arrival's row, the claim that finds repeats, the outbox row.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter

from contracts import topics
from contracts.envelope import Body, Envelope
from contracts.kit import worker
from contracts.kit.clock import Clock, NewId
from contracts.kit.database import Connection, after_commit
from contracts.kit.outbox import Outbox
from trigger_service import messages
from trigger_service.domain.errors import KeyReusedError, NotRetriedError
from trigger_service.domain.evaluation import Judgement
from trigger_service.domain.repeats import Claim
from trigger_service.store import arrivals, deduplication
from trigger_service.store.arrivals import Arrival
from trigger_service.triggers.forms import FormSubmitted
from trigger_service.triggers.webhooks import Webhook

logger = structlog.get_logger(__name__)

ARRIVALS = Counter("arrivals_total", "Arrivals that were judged", ["type", "verdict"])

OVER_BUDGET = Counter("arrivals_over_budget_total", "Arrivals whose conditions took more work than they may")

type Save = Callable[[Connection, Arrival], Awaitable[bool]]

type Judged = tuple[Arrival, Judgement]


class Arrivals:
    """What all ways in have in common."""

    def __init__(self, outbox: Outbox, clock: Clock, new_id: NewId) -> None:
        self._outbox = outbox
        self._clock = clock
        self._new_id = new_id

    def begin(self, tenant: UUID, type_: str, source: str, item: UUID | None = None) -> Arrival:
        """An arrival that is not judged yet; nothing is stored."""
        return Arrival(
            id=self._new_id(),
            tenant_id=tenant,
            trigger_type=type_,
            source=source,
            item_id=item,
            verdict="pending",
            reason="waits to be judged",
            received_at=self._clock(),
        )

    async def claim(self, tx: Connection, tenant: UUID, mine: Claim) -> Claim:
        """The claim that holds: `mine`, unless another arrival with the same content has or may have an effect.

        Raises `KeyReusedError` for another content.
        """
        held = await deduplication.claim(tx, mine)
        if held == mine:
            return mine
        first = await arrivals.get(tx, tenant, held.arrival_id)
        if first is None or not first.has_effect:
            await deduplication.replace(tx, mine)
            return mine
        if held.content != mine.content:
            raise KeyReusedError(first.id, pending=first.verdict == "pending")
        return held

    async def add_repeat(self, tx: Connection, arrival: Arrival, first: UUID) -> None:
        judgement = Judgement(verdict="duplicate", reason=f"the same as the arrival {first}")
        await self.conclude(tx, arrivals.add, arrival, judgement)

    async def leave_to_worker(self, tx: Connection, arrival: Arrival, code: str, content: dict[str, Any]) -> None:
        """For what another service must be asked for first; `code` is that of the form or trigger."""
        await arrivals.add(tx, arrival)
        await arrivals.add_submission(tx, arrival, code, content)
        await self._enqueue(tx, arrival)

    async def conclude(
        self, tx: Connection, save: Save, arrival: Arrival, judgement: Judgement, cause: Envelope[Any] | None = None
    ) -> None:
        """Sends the move that the judgement asks for; without one the verdict is final and published."""
        if judgement.candidates and arrival.item_id:
            await self._move(tx, save, arrival.item_id, [(arrival, judgement)], cause)
            return
        now = self._clock()
        changed = _judged(arrival, judgement).model_copy(update={"judged_at": now})
        if await save(tx, changed):
            await _keep_refused(tx, changed)
            after_commit(lambda: _report(changed))
            event = messages.arrival_judged(changed, self._new_id(), now, cause)
            await self._outbox.put(tx, topics.TRIGGER_EVENTS, event)

    async def conclude_event(self, tx: Connection, item: UUID, judged: Sequence[Judged], cause: Envelope[Any]) -> None:
        """What an event is to an item, for each trigger type: together they are one move at most."""
        fired = [one for one in judged if one[1].candidates]
        for arrival, judgement in judged:
            if not judgement.candidates:
                await self.conclude(tx, arrivals.add, arrival, judgement, cause)
        if fired:
            await self._move(tx, arrivals.add, item, fired, cause)

    async def _move(
        self, tx: Connection, save: Save, item: UUID, fired: Sequence[Judged], cause: Envelope[Any] | None
    ) -> None:
        """One command; the arrivals wait for its result."""
        judgements = [judgement for _, judgement in fired]
        command = messages.move_item(fired[0][0], item, judgements, self._clock(), cause)
        waiting = [_judged(*one).model_copy(update={"command_id": command.command_id}) for one in fired]
        if any([await save(tx, arrival) for arrival in waiting]):
            await self._outbox.put(tx, topics.ENTITY_COMMANDS, command)

    async def send(self, tx: Connection, save: Save, arrival: Arrival, command: Envelope[Body]) -> None:
        """Stores the arrival as one that waits for the command's result."""
        if await save(tx, arrival.model_copy(update={"command_id": command.command_id})):
            await self._outbox.put(tx, topics.ENTITY_COMMANDS, command)

    async def give_up(self, tx: Connection, arrival: Arrival, reason: str) -> None:
        """Refuses a submission that could not be judged in any of its attempts."""
        judgement = Judgement(verdict="refused", reason=f"it could not be judged: {reason}")
        await self.conclude(tx, arrivals.update, arrival, judgement)

    async def retry(self, tx: Connection, refused: Arrival) -> Arrival:
        """Has a refused submission judged again. Raises `NotRetriedError`: of one nonce or key, one is to act."""
        if refused.verdict == "refused" and refused.key_hash is not None:
            await deduplication.lock(tx, refused.key_hash)
            later = await arrivals.later_of_key(tx, refused)
            if answered := next((one for one in later if one.has_effect), None):
                raise NotRetriedError(f"answered already by a later submission: /v1/arrivals/{answered.id}")
        arrival = await arrivals.reopen(tx, refused.tenant_id, refused.id, "waits to be judged again")
        if arrival is None:
            what = f"the arrival is {refused.verdict!r}: only a refused one whose submission is kept is judged again"
            raise NotRetriedError(what)
        await self._enqueue(tx, arrival)
        return arrival

    async def _enqueue(self, tx: Connection, arrival: Arrival) -> None:
        kind, now = arrival.trigger_type, self._clock()
        await worker.enqueue(tx, id=arrival.id, tenant=arrival.tenant_id, kind=kind, run_at=now)


def _judged(arrival: Arrival, judgement: Judgement) -> Arrival:
    if judgement.over_budget:
        after_commit(OVER_BUDGET.inc)
    changes = {"verdict": judgement.verdict, "reason": judgement.reason, "notes": judgement.notes}
    return arrival.model_copy(update=changes)


def claim_of(arrival: Arrival, key: bytes, content: bytes = b"") -> Claim:
    return Claim(key=key, content=content, arrival_id=arrival.id, at=arrival.received_at)


async def _keep_refused(tx: Connection, arrival: Arrival) -> None:
    """A submission that was refused is kept; one that had its effect is not needed any more."""
    if arrival.trigger_type not in (FormSubmitted.name, Webhook.name):
        return
    if arrival.verdict == "refused":
        await arrivals.keep_refused(tx, arrival)
    else:
        await arrivals.drop_submission(tx, arrival.tenant_id, arrival.id)


def _report(arrival: Arrival) -> None:
    ARRIVALS.labels(arrival.trigger_type, arrival.verdict).inc()
    logger.info("arrival judged", arrival_id=arrival.id, item_id=arrival.item_id, verdict=arrival.verdict)
