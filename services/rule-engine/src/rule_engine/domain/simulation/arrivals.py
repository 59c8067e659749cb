"""Made-up items with what is around them, and what happens to the items of a simulation."""

from collections.abc import Iterable, Iterator
from datetime import datetime
from uuid import UUID, uuid5

from contracts.contexts import (
    ContactContext,
    Email,
    EmployeeContext,
    ItemContext,
    MyCompany,
    Phone,
    PipelineContext,
    PipelineSchema,
    TenantSchema,
)
from contracts.issues import Issue, unknown
from contracts.messages.entity_commands import FieldAssignment
from contracts.values import ItemSnapshot
from rule_engine.domain.simulation.request import EventChoice, GivenClient, GivenItem
from rule_engine.domain.simulation.stand_ins import fraction
from rule_engine.domain.simulation.world import Arrival, Happening


class BadSimulationError(Exception):
    """It cannot be simulated so; `issues` say why, by place."""

    def __init__(self, *issues: Issue) -> None:
        super().__init__("; ".join(what for _, what in issues))
        self.issues = issues


def made_up(given: GivenItem, index: int, schema: TenantSchema, now: datetime) -> Iterator[ItemContext]:
    """The copies of a given item. Raises `BadSimulationError` for what the tenant does not have."""
    where = f"items.given[{index}]"
    pipelines = {one.code: one for one in schema.pipelines}
    if given.pipeline not in pipelines:
        raise BadSimulationError(Issue(f"{where}.pipeline", unknown("pipeline", given.pipeline, pipelines)))
    pipeline = pipelines[given.pipeline]
    stages = {one.code: one for one in pipeline.stages}
    if given.stage not in stages:
        raise BadSimulationError(Issue(f"{where}.stage", unknown("stage", given.stage, stages)))
    responsible = _responsible(given, where, schema)
    for copy in range(given.copies):
        id = uuid5(schema.tenant_id, f"given/{index}/{copy}")
        contact = _contact(given.client, uuid5(id, "client")) if given.client else None
        yield ItemContext(
            tenant_id=schema.tenant_id,
            tenant=schema.tenant,
            item=_snapshot(given, id, pipeline, responsible, contact, now),
            contact=contact,
            contacts=(contact,) if contact else (),
            responsible=responsible,
            stage=stages[given.stage],
            pipeline=PipelineContext(code=pipeline.code, name=pipeline.name),
            my_company=MyCompany(name=schema.tenant.name),
            read_at=now,
        )


def _responsible(given: GivenItem, where: str, schema: TenantSchema) -> EmployeeContext | None:
    if given.responsible is None:
        return None
    found = next((one for one in schema.employees if one.code == given.responsible), None)
    if found is None:
        raise BadSimulationError(Issue(f"{where}.responsible", schema.not_employed(given.responsible)))
    return EmployeeContext(id=found.id, name=found.name, first_name=found.name.split(" ")[0])


def _snapshot(  # noqa: PLR0913 - what an item is made of
    given: GivenItem,
    id: UUID,
    pipeline: PipelineSchema,
    responsible: EmployeeContext | None,
    contact: ContactContext | None,
    now: datetime,
) -> ItemSnapshot:
    return ItemSnapshot(
        id=id,
        kind=pipeline.kind,
        title=given.title,
        pipeline=given.pipeline,
        stage=given.stage,
        version=1,
        entry_seq=1,
        responsible_id=responsible.id if responsible else None,
        contact_ids=(contact.id,) if contact else (),
        amount=given.amount,
        source=given.source,
        fields=given.fields,
        activity_count=given.activity_count,
        created_at=now,
        updated_at=now,
    )


def _contact(client: GivenClient, id: UUID) -> ContactContext:
    return ContactContext(
        id=id,
        first_name=client.first_name,
        last_name=client.last_name,
        name=f"{client.first_name} {client.last_name}".strip(),
        phones=(Phone(number=client.phone),) if client.phone else (),
        emails=(Email(address=client.email),) if client.email else (),
        phone=client.phone,
        email=client.email,
        time_zone=client.time_zone,
    )


def happenings(arrivals: Iterable[Arrival], events: Iterable[EventChoice], seed: str) -> Iterator[Happening]:
    """What happens to each item, so long after it has arrived."""
    numbered = list(enumerate(events))
    for arrival in arrivals:
        id = arrival.context.item.id
        for number, one in numbered:
            meets = one.item in (None, id) and fraction(f"{seed}/event {number}/{id}") < one.share
            if meets:
                fields = tuple(FieldAssignment(field=name, value=value) for name, value in one.fields.items())
                yield Happening(arrival.at + one.after.time, id, one.stage, fields, one.name, one.value)
