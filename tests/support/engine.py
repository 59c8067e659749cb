"""The rule engine among real servers: PostgreSQL, Kafka, Temporal; entity-service only at its HTTP boundary."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import httpx
from starlette.types import ASGIApp
from temporalio.client import Client

import rule_engine
from contracts.contexts import (
    ContactContext,
    Email,
    EmployeeContext,
    FieldSchema,
    ItemContext,
    MyCompany,
    Phone,
    PipelineContext,
    PipelineSchema,
    StageContext,
    TenantSchema,
    TenantSettings,
)
from contracts.envelope import Body, Envelope
from contracts.kit.clock import new_id, utc_now
from contracts.messages.entity_events import FieldsChanged, ItemDeleted, StageChanged
from contracts.messages.results import CommandDone, CommandRefused, FinalResult
from contracts.topics import (
    COMMS_COMMANDS,
    COMMS_RESULTS,
    DOC_COMMANDS,
    ENTITY_COMMANDS,
    ENTITY_EVENTS,
    RULE_COMMANDS,
    RULE_EVENTS,
    RULE_RESULTS,
)
from contracts.values import ItemSnapshot
from local_stack.ports import free_port
from rule_engine.main import build_app
from rule_engine.settings import Settings
from support.entity import EntityStandIn
from support.kafka_probe import KafkaProbe, open_kafka_probe
from support.messages import answer, fact
from support.service_environment import ServiceEnvironment, open_service_environment
from support.serving import ready, serving, serving_service
from support.waiting import eventually

HEARD = (ENTITY_COMMANDS, DOC_COMMANDS, COMMS_COMMANDS, RULE_EVENTS, RULE_COMMANDS, RULE_RESULTS)
STAGES = ("new", "paid", "won", "lost")
SHOP = TenantSettings(name="A shop", time_zone="Europe/Rome")
SCHEMA = TenantSchema(
    tenant_id=UUID(int=0),
    tenant=SHOP,
    pipelines=(
        PipelineSchema(
            code="sales",
            name="Sales",
            kind="deal",
            stages=tuple(StageContext(code=code, name=code.title(), position=i) for i, code in enumerate(STAGES)),
        ),
    ),
    fields=(
        FieldSchema(code="day", name="Day", kind="deal", type="datetime"),
        FieldSchema(code="story", name="Story", kind="deal", type="text"),
        FieldSchema(code="sign", name="Sign", kind="deal", type="text"),
    ),
)


@dataclass(frozen=True)
class Harness:
    """An engine's servers and neighbours; several engines may be started on it, one after another or together."""

    service_environment: ServiceEnvironment
    settings: Settings
    entity: EntityStandIn
    kafka_probe: KafkaProbe
    temporal: Client

    @asynccontextmanager
    async def engine(self, app: ASGIApp | None = None) -> AsyncGenerator[None]:
        """A running engine in this process."""
        async with serving_service(app or build_app(self.settings), self.settings):
            await ready(self.settings)
            yield


@dataclass
class Deal:
    """One deal of a tenant of its own, as its events describe it."""

    harness: Harness
    tenant: UUID = field(default_factory=new_id)
    item: UUID = field(default_factory=new_id)
    entry_seq: int = 0
    fields: dict[str, Any] = field(default_factory=dict)
    activity_count: int = 0
    edits: int = 0
    responsible: EmployeeContext | None = None

    def snapshot(self, stage: str) -> ItemSnapshot:
        return ItemSnapshot(
            id=self.item,
            kind="deal",
            title="An oak table",
            pipeline="sales",
            stage=stage,
            version=self.entry_seq + self.edits,
            entry_seq=self.entry_seq,
            activity_count=self.activity_count,
            fields=self.fields,
            created_at=datetime(2026, 1, 1, tzinfo=UTC),
            updated_at=utc_now(),
        )

    def see(self, stage: str) -> None:
        """Makes the stand-in answer with the deal as it is now."""
        context = ItemContext(
            tenant_id=self.tenant,
            tenant=SHOP,
            item=self.snapshot(stage),
            contact=_ADA,
            contacts=(_ADA,),
            responsible=self.responsible or _SAM,
            supervisor=_KIM,
            stage=StageContext(code=stage, name=stage.title(), position=0),
            pipeline=PipelineContext(code="sales", name="Sales"),
            my_company=MyCompany(name="A shop"),
            read_at=utc_now(),
        )
        self.harness.entity.put(context)

    async def enters(self, stage: str, *, tell: bool = True, at: datetime | None = None) -> Envelope[StageChanged]:
        """The deal enters a stage; returns the event, which is published unless a test will do so itself."""
        self.entry_seq += 1
        moment = at or utc_now()
        self.see(stage)
        entered = StageChanged(
            item=self.snapshot(stage),
            entry_seq=self.entry_seq,
            from_pipeline=None,
            from_stage=None,
            to_pipeline="sales",
            to_stage=stage,
            origin="user",
            changed_by="ada",
            at=moment,
        )
        moved = fact(entered, self.tenant, self.item, at=moment)
        if tell:
            await self.harness.kafka_probe.publish(ENTITY_EVENTS, moved)
        return moved

    async def is_edited(self, stage: str, **fields: Any) -> Envelope[FieldsChanged]:
        """Fields of the deal, which is in a stage, change."""
        self.edits += 1
        self.fields = self.fields | fields
        self.see(stage)
        changed = tuple(f"fields.{name}" for name in fields)
        body = FieldsChanged(item=self.snapshot(stage), changed=changed, changed_by="ada", at=utc_now())
        edited = fact(body, self.tenant, self.item)
        await self.harness.kafka_probe.publish(ENTITY_EVENTS, edited)
        return edited

    async def is_deleted(self) -> None:
        self.harness.entity.forget(self.tenant, self.item)
        gone = ItemDeleted(item_id=self.item, version=99, deleted_by="ada", at=utc_now())
        await self.harness.kafka_probe.publish(ENTITY_EVENTS, fact(gone, self.tenant, self.item))

    async def has_rules(self, stages: dict[str, list[dict[str, Any]]]) -> None:
        """Publishes a rule set of the tenant, through the API."""
        document = {"pipeline": "sales", "stages": {code: {"rules": rules} for code, rules in stages.items()}}
        async with self.harness.service_environment.caller(self.tenant, "author") as author:
            answer = await author.put("/v1/rule-sets/sales", json=document | {"publish": True})
        assert answer.is_success, answer.text

    def commands(self, kind: type[Body] = Body) -> list[Envelope[Any]]:
        """The commands seen for the deal, one per command id, in order of their first publication."""
        found: dict[str, Envelope[Any]] = {}
        for message in self.harness.kafka_probe.said(self.tenant, kind):
            if message.issuer:
                found.setdefault(message.id, message)
        return list(found.values())

    async def command(self, kind: type[Body], number: int = 1) -> Envelope[Any]:
        """The n-th command of a kind, when it is there."""

        async def look() -> list[Envelope[Any]]:
            return self.commands(kind)[number - 1 :]

        return (await eventually(look, f"{kind.__name__} number {number}"))[0]

    async def answer(self, command: Envelope[Any], result: FinalResult) -> None:
        """The owner's final result, as it would publish it."""
        await self.harness.kafka_probe.publish(COMMS_RESULTS, answer(command, result, source="comms-service"))

    async def is_done(self, command: Envelope[Any], **outputs: Any) -> None:
        await self.answer(command, CommandDone(command_id=command.command_id, outputs=outputs))

    async def is_refused(self, command: Envelope[Any], reason: str) -> None:
        await self.answer(command, CommandRefused(command_id=command.command_id, reason=reason))

    async def automation(self) -> dict[str, Any]:
        """The automation view; empty as long as the engine has not heard of the deal."""
        with suppress(httpx.TransportError):
            async with self.harness.service_environment.caller(self.tenant, "viewer") as viewer:
                answer = await viewer.get(f"/v1/automation/items/{self.item}")
                return answer.json() if answer.is_success else {}
        return {}

    async def rules(self, entry_seq: int | None = None) -> dict[str, dict[str, Any]]:
        """The rules of an entry (by default the last) by name, as the automation view shows them."""
        wanted = entry_seq or self.entry_seq
        entries = [entry for stage in (await self.automation()).get("stages", []) for entry in stage["entries"]]
        return {rule["name"]: rule for e in entries if e["entry_seq"] == wanted for rule in e["rules"]}

    async def reaches(self, rule: str, state: str, entry_seq: int | None = None) -> dict[str, Any]:
        """The rule, once it is in that state."""

        async def look() -> dict[str, Any] | None:
            found = (await self.rules(entry_seq)).get(rule)
            return found if found and found["state"] == state else None

        found = await eventually(look, f"{rule} {state}")
        assert found is not None
        return found

    async def act(self, rule: dict[str, Any], action: str, body: dict[str, Any] | None = None) -> httpx.Response:
        async with self.harness.service_environment.caller(self.tenant, "operator") as operator:
            return await operator.post(f"/v1/runs/{rule['run_id']}/rules/{rule['rule_id']}/{action}", json=body)


_ADA = ContactContext(
    id=uuid4(),
    first_name="Ada",
    last_name="Bell",
    name="Ada Bell",
    phones=(Phone(number="+390212345678"),),
    phone="+390212345678",
    emails=(Email(address="ada@example.org"),),
    email="ada@example.org",
)
_SAM = EmployeeContext(id=uuid4(), name="Sam", first_name="Sam")
_KIM = EmployeeContext(id=uuid4(), name="Kim", first_name="Kim")


@asynccontextmanager
async def open_harness(postgres: str, kafka: str, temporal: str, folder: Path) -> AsyncGenerator[Harness]:
    """No engine runs yet."""
    entity = EntityStandIn(SCHEMA)
    async with (
        open_service_environment(postgres, kafka, "rule-engine", folder) as service_environment,
        serving(entity.app(), free_port()) as entity_url,
        open_kafka_probe(kafka, HEARD) as kafka_probe,
    ):
        settings = await service_environment.settle(
            rule_engine,
            Settings,
            temporal_address=temporal,
            temporal_task_queue=f"rule-engine-{uuid4().hex[:8]}",
            entity_service_url=entity_url,
            sweep_every=timedelta(seconds=0.5),
            overdue_after=timedelta(seconds=2),
            drain_s=15,
            graceful_shutdown=timedelta(seconds=1),
        )
        yield Harness(service_environment, settings, entity, kafka_probe, await Client.connect(temporal))
