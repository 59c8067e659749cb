"""Makes other items, contacts and companies out of items."""

from dataclasses import dataclass
from uuid import UUID

from pydantic import JsonValue

from contracts.contexts import CompanyContext, Email, Phone
from contracts.kit.database import Connection
from contracts.messages.entity_commands import FieldAssignment, NewItem
from contracts.messages.link_commands import ConversionFields
from contracts.values import ItemKind, Money
from entity_service import store
from entity_service.application.contacts import Contacts
from entity_service.application.handovers import RESPONSIBLE, Handovers
from entity_service.application.items import Items
from entity_service.application.payments import Payments
from entity_service.application.planned_activities import PlannedActivities
from entity_service.domain.addresses import normalise_email, normalise_phone
from entity_service.domain.conversions import (
    Carried,
    carried,
    check_target,
    company_values,
    left_by_client,
    person_of,
)
from entity_service.domain.errors import ConflictError, InvalidError
from entity_service.domain.items import Item, References, mentions_of, new_item
from entity_service.domain.payments import Payment
from entity_service.domain.pipelines import find_place
from entity_service.domain.products import renewed
from entity_service.messages import Actor


@dataclass(frozen=True, slots=True, kw_only=True)
class Converted:
    """What was made of an item, and what of it was not carried over."""

    item: Item | None = None
    payment: Payment | None = None
    """That an invoice expects."""
    contact_id: UUID | None = None
    company_id: UUID | None = None
    not_carried: tuple[str, ...] = ()


class Conversions:
    """Each in the caller's transaction, of a locked item, which stays as it is."""

    def __init__(
        self, items: Items, handovers: Handovers, contacts: Contacts, payments: Payments, planned: PlannedActivities
    ) -> None:
        self._items = items
        self._handovers = handovers
        self._contacts = contacts
        self._payments = payments
        self._planned = planned

    async def convert(self, tx: Connection, source: Item, wanted: ConversionFields, actor: Actor) -> Converted:
        """Raises `ConflictError` for what cannot be made of it, and `InvalidError` for a place that there is not."""
        check_target(source, wanted.target)
        match wanted.target:
            case "contact":
                made = await self._contact(tx, source, actor)
            case "company":
                made = await self._company(tx, source, actor)
            case "invoice":
                item, payment, left = await self.invoice(
                    tx, source, actor, pipeline=wanted.pipeline, stage=wanted.stage
                )
                made = Converted(item=item, payment=payment, not_carried=left)
            case kind:
                made = await self._item(tx, source, kind, wanted, actor)
        if not wanted.keep_activities_open:
            await self._planned.complete(tx, source, (), None, actor)
        return made

    async def invoice(  # noqa: PLR0913 - what people may say of an invoice
        self,
        tx: Connection,
        source: Item,
        actor: Actor,
        *,
        title: str | None = None,
        amount: Money | None = None,
        pipeline: str | None = None,
        stage: str | None = None,
    ) -> tuple[Item, Payment, tuple[str, ...]]:
        """An invoice, its payment, pending, and what was not carried over.

        With an `amount` of its own the invoice has no product rows.
        """
        if source.kind == "invoice":
            raise ConflictError("an invoice has no invoices of its own")
        due = amount or source.amount
        if due is None or due.amount <= 0:
            raise InvalidError(("amount", "the item has no positive amount: give the invoice one"))
        wanted = NewItem(
            kind="invoice", title=title or f"Invoice: {source.title}"[:500], pipeline=pipeline, stage=stage
        )
        item, left = await self._add(tx, source, wanted.model_copy(update={"amount": due}), actor, rows=amount is None)
        payment = await self._payments.expect(tx, source, item, due, actor)
        if left:
            await self._say(tx, source, f"the invoice {item.title!r}", {"item_id": str(item.id)}, left, actor)
        return item, payment, left

    async def _item(
        self, tx: Connection, source: Item, kind: ItemKind, wanted: ConversionFields, actor: Actor
    ) -> Converted:
        new = NewItem(kind=kind, title=source.title, pipeline=wanted.pipeline, stage=wanted.stage, amount=source.amount)
        item, left = await self._add(tx, source, new, actor, rows=True)
        await store.links.add(tx, source.tenant_id, source.id, item.id, "conversion")
        await self._say(tx, source, f"the {kind} {item.title!r}", {"item_id": str(item.id)}, left, actor)
        return Converted(item=item, not_carried=left)

    async def _add(
        self, tx: Connection, source: Item, new: NewItem, actor: Actor, *, rows: bool
    ) -> tuple[Item, tuple[str, ...]]:
        """The item with the source's people, clients and fields, and its `rows`; and what does not fit into it."""
        tenant = source.tenant_id
        responsible, handover = await self._handovers.assignee(tx, tenant, source.responsible_id, RESPONSIBLE)
        new = new.model_copy(update=_shared(source) | {RESPONSIBLE: responsible, "fields": source.fields})
        references = await store.references.load(tx, tenant, mentions_of([new]))
        fields = carried(source, new.kind, references)
        item = self._built(source, new, fields, references, by_hand=source.amount_by_hand or not rows)
        await self._items.add(tx, [item], actor)
        await self._handovers.say(tx, item, handover, f"the {item.kind} {item.title!r}", actor)
        if rows:
            sold = await store.products.of_item(tx, tenant, source.id)
            await store.products.replace(tx, tenant, item.id, renewed(sold, self._items.new_id))
        return item, fields.left

    def _built(self, source: Item, new: NewItem, fields: Carried, references: References, *, by_hand: bool) -> Item:
        place = find_place(references.pipelines, new.kind, new.pipeline, new.stage)
        new = new.model_copy(update={"fields": dict(fields.values)})
        item = new_item(new, place, references, id=self._items.new_id(), now=self._items.clock())
        return item.model_copy(update={"amount_by_hand": by_hand, "tax_rounding": source.tax_rounding})

    async def _contact(self, tx: Connection, lead: Item, actor: Actor) -> Converted:
        """A client who is known by phone or address is linked, not made again."""
        client = await self._contacts.find_or_create(tx, lead.tenant_id, person_of(lead))
        await self._link(tx, lead, FieldAssignment(field="contact_ids", value=str(client.id), append=True), actor)
        left = left_by_client(lead, "contact")
        await self._say(tx, lead, "a contact", {"contact_id": str(client.id)}, left, actor)
        return Converted(contact_id=client.id, not_carried=left)

    async def _company(self, tx: Connection, lead: Item, actor: Actor) -> Converted:
        if lead.company_id is not None:
            raise ConflictError("the lead has a company already")
        company = _company_of(self._items.new_id(), company_values(lead))
        await store.companies.save(tx, lead.tenant_id, company)
        await self._link(tx, lead, FieldAssignment(field="company_id", value=str(company.id)), actor)
        left = left_by_client(lead, "company")
        await self._say(tx, lead, f"the company {company.title!r}", {"company_id": str(company.id)}, left, actor)
        return Converted(company_id=company.id, not_carried=left)

    async def _link(self, tx: Connection, lead: Item, assignment: FieldAssignment, actor: Actor) -> None:
        await self._items.assign(tx, lead, [assignment], actor)

    async def _say(  # noqa: PLR0913 - an entry's parts
        self, tx: Connection, source: Item, made: str, data: dict[str, JsonValue], left: tuple[str, ...], actor: Actor
    ) -> None:
        text = f"made {made} of it" + (f"; not carried over: {'; '.join(left)}" if left else "")
        await self._items.note(tx, source, "history", text, actor, data)


def _shared(source: Item) -> dict[str, object]:
    return {name: getattr(source, name) for name in ("observer_ids", "contact_ids", "company_id", "source")}


def _company_of(id: UUID, values: dict[str, str]) -> CompanyContext:
    phone, email = values.pop("phone", None), values.pop("email", None)
    return CompanyContext.model_validate(
        values
        | {
            "id": id,
            "phones": (Phone(number=normalise_phone(phone)),) if phone else (),
            "emails": (Email(address=normalise_email(email)),) if email else (),
        }
    )
