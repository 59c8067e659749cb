"""Submissions of forms."""

from collections.abc import Sequence
from uuid import UUID

from contracts import topics
from contracts.budget import spending
from contracts.contexts import ItemContext
from contracts.kit.clock import Clock
from contracts.kit.database import Connection
from contracts.kit.outbox import Outbox
from trigger_service import messages
from trigger_service.domain import answers as domain
from trigger_service.domain import repeats
from trigger_service.domain.answers import Answers
from trigger_service.domain.evaluation import Judgement, Note, could_fire, judge
from trigger_service.domain.forms import Form
from trigger_service.intake.arrivals import Arrivals, Save, claim_of
from trigger_service.intake.limits import SubmissionLimits
from trigger_service.store import arrivals, deduplication, triggers
from trigger_service.store.arrivals import Arrival
from trigger_service.triggers.base import Occurrence
from trigger_service.triggers.forms import FormSubmitted


class Forms:
    """Accepts and judges submissions."""

    def __init__(self, arrivals: Arrivals, limits: SubmissionLimits, outbox: Outbox, clock: Clock) -> None:
        self._arrivals = arrivals
        self._limits = limits
        self._outbox = outbox
        self._clock = clock

    async def take(self, tx: Connection, tenant: UUID, form: Form, answers: Answers, nonce: str) -> UUID:
        """A submission; the arrival that answers it, which is the first one's for a repeat. `nonce` is its id.

        Raises `TooSoonError` when the form, its tenant or a recipient had too many.
        """
        arrival = self._arrivals.begin(tenant, FormSubmitted.name, f"form:{form.code}")
        arrival = arrival.model_copy(update={"key_hash": repeats.of_visit(tenant, form, nonce)})
        key = repeats.of_form(tenant, form, answers, nonce)
        first = (await self._arrivals.claim(tx, tenant, claim_of(arrival, key))).arrival_id
        if first != arrival.id:
            await self._arrivals.add_repeat(tx, arrival, first)
            return first
        await self._limits.take(tx, tenant, form, answers, arrival.received_at)
        if could_fire(await triggers.of_type(tx, tenant, FormSubmitted.name), _submitted(form, answers)):
            await self._arrivals.leave_to_worker(tx, arrival, form.code, dict(answers))
        else:
            await arrivals.add_submission(tx, arrival, form.code, dict(answers))
            await self._create_item(tx, arrivals.add, arrival, form, answers)
        return first

    async def find_repeated(
        self, tx: Connection, tenant: UUID, form: Form, answers: Answers, nonce: str
    ) -> UUID | None:
        """The arrival that such a submission would be a repeat of, if any."""
        held = await deduplication.find(tx, repeats.of_form(tenant, form, answers, nonce))
        first = await arrivals.get(tx, tenant, held.arrival_id) if held else None
        return first.id if first and first.has_effect else None

    async def refuse(self, tx: Connection, tenant: UUID, form: Form) -> UUID:
        """A submission by a machine, which is answered as if it had been accepted. Raises `TooSoonError`."""
        arrival = self._arrivals.begin(tenant, FormSubmitted.name, f"form:{form.code}")
        await self._limits.take(tx, tenant, form, {}, arrival.received_at)
        judgement = Judgement(verdict="refused", reason="a field was filled in that people do not see")
        await self._arrivals.conclude(tx, arrivals.add, arrival, judgement)
        return arrival.id

    async def judge(
        self, tx: Connection, arrival: Arrival, form: Form, answers: Answers, items: Sequence[ItemContext]
    ) -> None:
        """Moves those of the client's open items that triggers match; when there are none, creates an item."""
        matching = await triggers.of_type(tx, arrival.tenant_id, FormSubmitted.name)
        with spending():
            judged = [(item.item.id, judge(matching, _submitted(form, answers), item)) for item in items]
        fired = [(item, judgement) for item, judgement in judged if judgement.candidates]
        notes = tuple(note for _, judgement in judged for note in judgement.notes)
        if not fired:
            fresh = arrival.model_copy(update={"item_id": None})  # an earlier attempt may have found one
            await self._create_item(tx, arrivals.update, fresh, form, answers, notes)
        for number, (item, judgement) in enumerate(fired):
            own = arrival.id if number == 0 else messages.arrival_of_item(arrival.id, item)
            mine = arrival.model_copy(update={"id": own, "item_id": item})
            await self._arrivals.conclude(tx, arrivals.add if number else arrivals.update, mine, judgement)
            comment = messages.add_comment(mine, item, domain.comment(form.spec, answers), self._clock())
            await self._outbox.put(tx, topics.ENTITY_COMMANDS, comment)

    async def _create_item(  # noqa: PLR0913 - what an item is made of
        self,
        tx: Connection,
        save: Save,
        arrival: Arrival,
        form: Form,
        answers: Answers,
        notes: tuple[Note, ...] = (),
    ) -> None:
        changed = arrival.model_copy(update={"reason": "waits for the item to be created", "notes": notes})
        command = messages.create_item(arrival, domain.create_item(form, answers), self._clock())
        await self._arrivals.send(tx, save, changed, command)


def _submitted(form: Form, answers: Answers) -> Occurrence:
    facts = {"code": form.code, "fields": dict(answers)}
    return Occurrence(type=FormSubmitted.name, items=(), facts=facts)
