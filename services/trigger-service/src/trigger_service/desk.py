"""The reception: files whatever arrives, once, with its verdict, and sends the command it leads to.

Everything happens in the caller's transaction: the arrival's row, the guard against repeats, the outbox row.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import structlog
from prometheus_client import Counter

from contracts import topics
from contracts.asking import Found
from contracts.budget import Budget, spending
from contracts.contexts import ItemContext
from contracts.envelope import Body, Envelope
from contracts.kit import worker
from contracts.kit.clock import Clock, NewId
from contracts.kit.database import Connection, after_commit
from contracts.kit.outbox import Outbox
from contracts.messages.results import CommandDone, FinalResult
from trigger_service import messages
from trigger_service.caps import Caps
from trigger_service.domain import intake, repeats
from trigger_service.domain.definitions import Form, Provider, Trigger
from trigger_service.domain.evaluation import Judgement, Note, could_fire, judge, read_result
from trigger_service.domain.intake import Answers
from trigger_service.domain.payments import PaymentReport
from trigger_service.domain.repeats import Claim
from trigger_service.errors import KeyReusedError, NotRetriedError
from trigger_service.store import arrivals, deduplication, definitions
from trigger_service.store.arrivals import Arrival
from trigger_service.triggers.base import Occurrence
from trigger_service.triggers.forms import FormSubmitted
from trigger_service.triggers.webhooks import Webhook

logger = structlog.get_logger(__name__)

ARRIVALS = Counter("arrivals_total", "Arrivals that were judged", ["type", "verdict"])

OVER_BUDGET = Counter("arrivals_over_budget_total", "Arrivals whose conditions took more work than they may")

type Save = Callable[[Connection, Arrival], Awaitable[bool]]


class Desk:
    """One method per thing that arrives, and one for what became of it."""

    def __init__(self, outbox: Outbox, clock: Clock, new_id: NewId, caps: Caps) -> None:
        self._outbox = outbox
        self._clock = clock
        self._new_id = new_id
        self._caps = caps

    async def take_event(
        self, tx: Connection, message: Envelope[Any], occurrence: Occurrence, contexts: Mapping[UUID, Found]
    ) -> None:
        """An event of another service; `contexts` are those of its items that exist."""
        triggers = await definitions.triggers_of_type(tx, message.tenant, occurrence.type)
        budget = Budget()
        for item in occurrence.items:
            with spending(budget):
                judgement = judge(triggers, occurrence, contexts.get(item))
            arrival = self._arrival(message.tenant, occurrence.type, f"event:{message.id}", item)
            arrival = arrival.model_copy(update={"id": messages.arrival_of_event(message, occurrence.type, item)})
            await self._conclude(tx, arrivals.add, arrival, judgement, message)

    async def take_form(self, tx: Connection, tenant: UUID, form: Form, answers: Answers, nonce: str) -> UUID:
        """A submission; the arrival that answers it, which is the first one's for a repeat. `nonce` is its id.

        Raises `TooSoonError` when the form, its tenant or a recipient had too many.
        """
        arrival = self._arrival(tenant, FormSubmitted.name, f"form:{form.code}")
        arrival = arrival.model_copy(update={"key_hash": repeats.of_visit(tenant, form, nonce)})
        key = repeats.of_form(tenant, form, answers, nonce)
        first = (await self._claim(tx, tenant, _claim(arrival, key))).arrival_id
        if first != arrival.id:
            await self._repeat(tx, arrival, first)
            return first
        await self._caps.take(tx, tenant, form, answers, arrival.received_at)
        if could_fire(await self._form_triggers(tx, tenant), _submitted(form, answers)):
            await self._leave_to_worker(tx, arrival, form.code, dict(answers))
        else:
            await arrivals.add_submission(tx, arrival, form.code, dict(answers))
            await self._create(tx, arrivals.add, arrival, form, answers)
        return first

    async def repeated(self, tx: Connection, tenant: UUID, form: Form, answers: Answers, nonce: str) -> UUID | None:
        """The arrival that such a submission would be a repeat of, if any."""
        held = await deduplication.find(tx, repeats.of_form(tenant, form, answers, nonce))
        first = await arrivals.get(tx, tenant, held.arrival_id) if held else None
        return first.id if first and first.has_effect else None

    async def refuse_form(self, tx: Connection, tenant: UUID, form: Form) -> UUID:
        """A submission by a machine, which is not to know that it was found out. Raises `TooSoonError`."""
        arrival = self._arrival(tenant, FormSubmitted.name, f"form:{form.code}")
        await self._caps.take(tx, tenant, form, {}, arrival.received_at)
        judgement = Judgement(verdict="refused", reason="a field was filled in that people do not see")
        await self._conclude(tx, arrivals.add, arrival, judgement)
        return arrival.id

    async def judge_form(
        self, tx: Connection, arrival: Arrival, form: Form, answers: Answers, items: Sequence[ItemContext]
    ) -> None:
        """Moves those of the client's open items that triggers match; when there are none, creates an item."""
        triggers = await self._form_triggers(tx, arrival.tenant_id)
        with spending():
            judged = [(item.item.id, judge(triggers, _submitted(form, answers), item)) for item in items]
        fired = [(item, judgement) for item, judgement in judged if judgement.candidates]
        notes = tuple(note for _, judgement in judged for note in judgement.notes)
        if not fired:
            fresh = arrival.model_copy(update={"item_id": None})  # an earlier attempt may have found one
            await self._create(tx, arrivals.update, fresh, form, answers, notes)
        for number, (item, judgement) in enumerate(fired):
            own = arrival.id if number == 0 else messages.arrival_of_item(arrival.id, item)
            mine = arrival.model_copy(update={"id": own, "item_id": item})
            await self._conclude(tx, arrivals.add if number else arrivals.update, mine, judgement)
            comment = messages.add_comment(mine, item, intake.comment(form.spec, answers), self._clock())
            await self._outbox.put(tx, topics.ENTITY_COMMANDS, comment)

    async def take_call(
        self, tx: Connection, tenant: UUID, trigger: Trigger, body: dict[str, Any], key: str | None
    ) -> UUID:
        """A webhook call; `key` names it, so that it can be repeated. Raises `KeyReusedError`."""
        item = Webhook.item_id(trigger.spec.settings, body)
        arrival = self._arrival(tenant, Webhook.name, f"webhook:{trigger.code}", item)
        if key is not None:
            arrival = arrival.model_copy(update={"key_hash": repeats.of_call(tenant, trigger.code, key)})
            mine = _claim(arrival, repeats.of_call(tenant, trigger.code, key), repeats.content_of(body))
            first = (await self._claim(tx, tenant, mine)).arrival_id
            if first != arrival.id:
                return first
        if item is None:
            note = Note(trigger.code, "refused", "the body has no item's id in the configured place")
            judgement = Judgement(verdict="refused", reason=note.reason, notes=(note,))
            await self._conclude(tx, arrivals.add, arrival, judgement)
        else:
            await self._leave_to_worker(tx, arrival, trigger.code, body)
        return arrival.id

    async def judge_call(
        self, tx: Connection, arrival: Arrival, trigger: Trigger, body: dict[str, Any], item: Found | None
    ) -> None:
        items = (arrival.item_id,) if arrival.item_id else ()
        occurrence = Occurrence(type=Webhook.name, items=items, facts=body)
        await self._conclude(tx, arrivals.update, arrival, judge([trigger], occurrence, item))

    async def give_up(self, tx: Connection, arrival: Arrival, reason: str) -> None:
        """A submission that could not be judged, however often it was tried."""
        judgement = Judgement(verdict="refused", reason=f"it could not be judged: {reason}")
        await self._conclude(tx, arrivals.update, arrival, judgement)

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
        await worker.enqueue(
            tx, id=arrival.id, tenant=arrival.tenant_id, kind=arrival.trigger_type, run_at=self._clock()
        )
        return arrival

    async def take_payment(
        self, tx: Connection, tenant: UUID, provider: Provider, webhook_id: str, report: PaymentReport
    ) -> UUID:
        """A provider's report; the arrival that answers it, which is the first one's for a repeat.

        Raises `KeyReusedError`.
        """
        arrival = self._arrival(tenant, "payment_callback", f"payment_provider:{provider.code}")
        identity = repeats.of_report(tenant, provider.code, report)
        first = (await self._claim(tx, tenant, _claim(arrival, identity))).arrival_id
        name = repeats.of_webhook(tenant, provider.code, webhook_id)
        named = Claim(key=name, content=identity, arrival_id=first, at=arrival.received_at)
        is_new = await self._claim(tx, tenant, named) == named
        if first == arrival.id:
            command = messages.record_payment(arrival, report, self._clock())
            await self._send(tx, arrivals.add, arrival, command)
        elif is_new:
            await self._repeat(tx, arrival, first)
        return first

    async def settle(self, tx: Connection, message: Envelope[FinalResult]) -> None:
        """The final result of a command: its arrival's verdict follows it."""
        arrival = await arrivals.waiting_for(tx, message.tenant, message.data.command_id)
        if arrival is None:
            return
        judgement, winner = read_result(message.data, arrival.notes)
        arrival = arrival.model_copy(update={"trigger": winner, "item_id": arrival.item_id or _created(message.data)})
        await self._conclude(tx, arrivals.update, arrival, judgement, message)

    def _arrival(self, tenant: UUID, type_: str, source: str, item: UUID | None = None) -> Arrival:
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

    async def _claim(self, tx: Connection, tenant: UUID, mine: Claim) -> Claim:
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

    async def _repeat(self, tx: Connection, arrival: Arrival, first: UUID) -> None:
        judgement = Judgement(verdict="duplicate", reason=f"the same as the arrival {first}")
        await self._conclude(tx, arrivals.add, arrival, judgement)

    async def _form_triggers(self, tx: Connection, tenant: UUID) -> list[Trigger]:
        return await definitions.triggers_of_type(tx, tenant, FormSubmitted.name)

    async def _leave_to_worker(self, tx: Connection, arrival: Arrival, code: str, content: dict[str, Any]) -> None:
        """For what must be asked of another service first."""
        await arrivals.add(tx, arrival)
        await arrivals.add_submission(tx, arrival, code, content)
        await worker.enqueue(
            tx, id=arrival.id, tenant=arrival.tenant_id, kind=arrival.trigger_type, run_at=arrival.received_at
        )

    async def _create(  # noqa: PLR0913 - what an item is made of
        self,
        tx: Connection,
        save: Save,
        arrival: Arrival,
        form: Form,
        answers: Answers,
        notes: tuple[Note, ...] = (),
    ) -> None:
        changed = arrival.model_copy(update={"reason": "waits for the item to be created", "notes": notes})
        command = messages.create_item(arrival, intake.create_item(form, answers), self._clock())
        await self._send(tx, save, changed, command)

    async def _conclude(
        self, tx: Connection, save: Save, arrival: Arrival, judgement: Judgement, cause: Envelope[Any] | None = None
    ) -> None:
        """Sends the move that the judgement asks for; without one the verdict is final, and told."""
        now = self._clock()
        if judgement.over_budget:
            after_commit(OVER_BUDGET.inc)
        changes = {"verdict": judgement.verdict, "reason": judgement.reason, "notes": judgement.notes}
        changed = arrival.model_copy(update=changes)
        if judgement.candidates and arrival.item_id:
            await self._send(tx, save, changed, messages.move_item(changed, arrival.item_id, judgement, now, cause))
            return
        changed = changed.model_copy(update={"judged_at": now})
        if await save(tx, changed):
            await _keep_what_was_refused(tx, changed)
            after_commit(lambda: _tell(changed))
            event = messages.arrival_judged(changed, self._new_id(), now, cause)
            await self._outbox.put(tx, topics.TRIGGER_EVENTS, event)

    async def _send(self, tx: Connection, save: Save, arrival: Arrival, command: Envelope[Body]) -> None:
        if await save(tx, arrival.model_copy(update={"command_id": command.command_id})):
            await self._outbox.put(tx, topics.ENTITY_COMMANDS, command)


async def _keep_what_was_refused(tx: Connection, arrival: Arrival) -> None:
    """What was submitted and had its effect is not needed here any more."""
    if arrival.trigger_type not in (FormSubmitted.name, Webhook.name):
        return
    if arrival.verdict == "refused":
        await arrivals.keep_refused(tx, arrival)
    else:
        await arrivals.drop_submission(tx, arrival.tenant_id, arrival.id)


def _tell(arrival: Arrival) -> None:
    ARRIVALS.labels(arrival.trigger_type, arrival.verdict).inc()
    logger.info("arrival judged", arrival_id=arrival.id, item_id=arrival.item_id, verdict=arrival.verdict)


def _claim(arrival: Arrival, key: bytes, content: bytes = b"") -> Claim:
    return Claim(key=key, content=content, arrival_id=arrival.id, at=arrival.received_at)


def _submitted(form: Form, answers: Answers) -> Occurrence:
    facts = {"code": form.code, "fields": dict(answers)}
    return Occurrence(type=FormSubmitted.name, items=(), facts=facts)


def _created(result: FinalResult) -> UUID | None:
    """The item that a command made, if it made one."""
    item = result.outputs.get("item_id") if isinstance(result, CommandDone) else None
    return UUID(item) if isinstance(item, str) else None
