"""Entity-service: items that move, change and go; an event with every change; commands handled in one transaction."""

from typing import Any
from uuid import UUID

from contracts import topics
from contracts.contexts import (
    ContactContext,
    EmployeeContext,
    ItemContext,
    MyCompany,
    Phone,
    PipelineContext,
    StageContext,
    TenantSettings,
)
from contracts.envelope import Body, Envelope, event
from contracts.loops import find_loop
from contracts.messages.entity_commands import CreateTask, MoveItem, UpdateItem
from contracts.messages.entity_events import FieldsChanged, ItemDeleted, StageChanged
from contracts.messages.results import CommandRefused, FinalResult
from contracts.topics import item_key
from contracts.values import ItemSnapshot
from rule_engine.domain.schedule.due import times_of
from simulation.kafka import Kafka, Message
from simulation.owners import Owner
from simulation.rules import PIPELINE, STAGES
from simulation.sim_context import TENANT, ZONE, SimContext


class EntityService(Owner):
    """Items by id; those that are gone are gone. Each method is one transaction.

    `entries` are all events of the kind that starts rules, `handled_in` the entry in which a command found its item.
    """

    def __init__(self, sim_context: SimContext, kafka: Kafka) -> None:
        super().__init__("entity-service", topics.ENTITY_RESULTS, sim_context, kafka)
        self.items: dict[UUID, ItemSnapshot] = {}
        self.entries: list[Envelope[StageChanged]] = []
        self.handled_in: dict[UUID, int] = {}
        self._contexts: dict[tuple[UUID, int], ItemContext] = {}

    # what users do

    def create(self, *, automation: bool) -> None:
        now = self.sim_context.now
        item = ItemSnapshot(
            id=self.sim_context.new_id(),
            kind="deal",
            title="An oak table",
            pipeline=PIPELINE,
            stage=STAGES[0],
            version=1,
            entry_seq=1,
            created_at=now,
            updated_at=now,
        )
        self.items[item.id] = item
        self._tell_entry(None, item, None, automation=automation)

    def move(self, id: UUID, stage: str, cause: Message | None = None) -> None:
        before = self.items[id]
        if stage != before.stage:
            after = self._change(before, stage=stage, entry_seq=before.entry_seq + 1)
            self._tell_entry(before, after, cause, automation=True)

    def edit(self, id: UUID, cause: Message | None = None, **fields: Any) -> None:
        after = self._change(self.items[id], **fields)
        changed = FieldsChanged(item=after, changed=tuple(fields), changed_by="someone", at=self.sim_context.now)
        self._tell(after.id, changed, cause)

    def delete(self, id: UUID) -> None:
        gone = self.items.pop(id)
        body = ItemDeleted(item_id=id, version=gone.version + 1, deleted_by="someone", at=self.sim_context.now)
        self._tell(id, body, None)

    def _change(self, item: ItemSnapshot, **fields: Any) -> ItemSnapshot:
        after = item.model_copy(update={**fields, "version": item.version + 1, "updated_at": self.sim_context.now})
        self.items[item.id] = after
        return after

    def _tell_entry(
        self, before: ItemSnapshot | None, after: ItemSnapshot, cause: Message | None, *, automation: bool
    ) -> None:
        body = StageChanged(
            item=after,
            entry_seq=after.entry_seq,
            from_pipeline=before and before.pipeline,
            from_stage=before and before.stage,
            to_pipeline=after.pipeline,
            to_stage=after.stage,
            origin="rule" if cause else "user",
            automation=automation,
            changed_by="someone",
            at=self.sim_context.now,
        )
        self.entries.append(self._tell(after.id, body, cause))

    def _tell[B: Body](self, item: UUID, body: B, cause: Message | None) -> Envelope[B]:
        self.sim_context.say("entity tells", item, body.TYPE, getattr(body, "to_stage", ""))
        message = event(
            body,
            source=self.name,
            id=self.sim_context.new_id(),
            tenant=TENANT,
            key=item_key(TENANT, item),
            time=self.sim_context.now,
            cause=cause,
        )
        self.outbox.add(topics.ENTITY_EVENTS.name, message)
        return message

    # what rules command

    def handle(self, command: Message) -> FinalResult:
        data: Any = command.data
        item = self.items.get(data.item_id)
        refusal = self._refusal(command, data, item)
        if refusal:
            return CommandRefused(command_id=command.command_id, reason=refusal)
        if item is not None:
            self.handled_in[command.command_id] = item.entry_seq
            self._apply(command, data, item)
        return self.done(command.command_id)

    def _refusal(self, command: Message, data: Any, item: ItemSnapshot | None) -> str | None:
        if item is None:
            return None if isinstance(data, MoveItem) else "no such item"
        if data.expect_entry_seq is not None and data.expect_entry_seq != item.entry_seq:
            return "the item has left the stage"
        return find_loop(command.causepath)

    def _apply(self, command: Message, data: MoveItem | UpdateItem | CreateTask, item: ItemSnapshot) -> None:
        match data:
            case MoveItem():
                self.move(item.id, data.candidates[0].stage, command)
            case UpdateItem():
                values = {one.field.removeprefix("fields."): one.value for one in data.assignments}
                self.edit(item.id, command, fields={**item.fields, **values})
            case CreateTask():
                self.edit(item.id, command, activity_count=item.activity_count + 1)

    # what others ask

    def context(self, id: UUID) -> ItemContext | None:
        item = self.items.get(id)
        if item is None:
            return None
        key = (id, item.version)
        if key not in self._contexts:
            self._contexts[key] = _context(item)
        return self._contexts[key]


def _context(item: ItemSnapshot) -> ItemContext:
    """Every third item's client has no phone."""
    phones = (Phone(number="+390000000"),) if item.id.int % 3 else ()
    client = ContactContext(id=TENANT, first_name="Ada", last_name="Bell", name="Ada Bell", phones=phones)
    return ItemContext(
        tenant_id=TENANT,
        tenant=SETTINGS,
        item=item,
        contact=client,
        contacts=(client,),
        responsible=EmployeeContext(id=TENANT, name="Eve Hill", first_name="Eve"),
        stage=StageContext(code=item.stage, name=item.stage, position=STAGES.index(item.stage)),
        pipeline=PipelineContext(code=PIPELINE, name="Sales"),
        my_company=MyCompany(),
        read_at=item.updated_at,
    )


SETTINGS = TenantSettings(name="A shop", time_zone=ZONE)
TIMES = times_of(SETTINGS)
