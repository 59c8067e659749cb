"""A stack that things go wrong in: what the world and its operators do to it from outside."""

import asyncio
from collections.abc import AsyncGenerator, Iterator, Mapping
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient
from aiokafka.admin.config_resource import ConfigResource, ConfigResourceType

from contracts.envelope import Envelope, Record
from contracts.topics import Topic
from local_stack.apply import Services, apply, read
from local_stack.demo.shop import Shop, open_shop
from local_stack.stack import Stack
from support.kafka_probe import send
from support.own_stack import own_stack

PHONE, ADDRESS = "+447700900123", "alex@example.com"
"""Where the contact of every item is reached."""
AGAIN_AFTER_S = 0.3
"""How often somebody tries again whose request failed."""


def apply_documents(shop: Shop, file: Path) -> None:
    """For the shop's tenant."""
    with closing(Services(shop.stack.addresses, shop.stack.credentials, shop.tenant)) as services:
        apply(read(file), services, lambda _, __: None)


@dataclass(frozen=True)
class Installation:
    """The stack, a shop in it, and who has the rights to break them."""

    stack: Stack
    shop: Shop

    def item(self, stage: str, **more: Any) -> str:
        """A new deal with a contact that can be reached, in a stage of the pipeline `faults`; its id."""
        manager = self.shop.manager
        reached = {"phones": [{"number": PHONE}], "emails": [{"address": ADDRESS}]}
        contact = manager.post("entity-service", "/v1/contacts", {"first_name": "Alex", **reached})["id"]
        deal = {"kind": "deal", "title": "A deal", "pipeline": "faults", "stage": stage, "contact_ids": [contact]}
        whose = {"responsible_id": self.shop.ids["manager"]}
        return str(manager.post("entity-service", "/v1/items", deal | whose | more)["id"])

    @asynccontextmanager
    async def sql(self, service: str) -> AsyncGenerator[asyncpg.Connection]:
        """A superuser's connection to a service's database."""
        address, _, _ = self.stack.postgres.dsn.rpartition("/")
        connection = await asyncpg.connect(f"{address}/{service.replace('-', '_')}")
        try:
            yield connection
        finally:
            await connection.close()

    async def execute(self, service: str, *statements: str) -> None:
        async with self.sql(service) as connection:
            for statement in statements:
                await connection.execute(statement)

    async def unfinished_run(self) -> str:
        """One of the shop's, the most overdue first."""
        first = "SELECT run_id FROM timers WHERE tenant_id = $1 AND wake_at IS NOT NULL ORDER BY wake_at LIMIT 1"
        async with self.sql("rule-engine") as connection:
            return str(await connection.fetchval(first, self.shop.tenant))

    @asynccontextmanager
    async def broken_index(self, service: str, table: str, event: str, when: str) -> AsyncGenerator[None]:
        """Writing some rows fails as it does for an index that is corrupt."""
        await self.execute(
            service,
            f"""CREATE FUNCTION broken_{table}() RETURNS trigger LANGUAGE plpgsql AS
               $$ BEGIN RAISE 'could not read the index' USING ERRCODE = 'index_corrupted'; END $$""",
            f"""CREATE TRIGGER broken BEFORE {event} ON {table} FOR EACH ROW WHEN ({when})
                EXECUTE FUNCTION broken_{table}()""",
        )
        yield
        await self.execute(service, f"DROP FUNCTION broken_{table}() CASCADE")

    async def publish(self, topic: Topic, *messages: Envelope[Any]) -> None:
        async with AIOKafkaProducer(bootstrap_servers=self.stack.kafka.address) as producer:
            for message in messages:
                await send(producer, topic, Record.of(message))

    async def configure(self, topic: Topic, settings: Mapping[str, str]) -> None:
        """Replaces the topic's own settings, as `kafka-configs.sh` does."""
        admin = AIOKafkaAdminClient(bootstrap_servers=self.stack.kafka.address)
        await admin.start()
        try:
            await admin.alter_configs([ConfigResource(ConfigResourceType.TOPIC, topic.name, dict(settings))])
        finally:
            await admin.close()

    @asynccontextmanager
    async def asked_again_and_again(self, method: str, service: str, path: str, **more: Any) -> AsyncGenerator[None]:
        """Somebody sends a request and, when it fails, sends it again."""
        url = self.stack.addresses.url_of(service, path)

        async def ask() -> None:
            async with httpx.AsyncClient(timeout=30) as client:
                while True:
                    with suppress(httpx.TransportError):
                        await client.request(method, url, **more)
                    await asyncio.sleep(AGAIN_AFTER_S)

        asking = asyncio.create_task(ask())
        try:
            yield
        finally:
            asking.cancel()
            with suppress(asyncio.CancelledError):
                await asking


@contextmanager
def open_installation(folder: Path) -> Iterator[Installation]:
    """Everything is up, and a shop has the documents of `faults.yaml`."""
    with own_stack(folder) as stack:
        stack.up()
        with closing(open_shop(stack)) as shop:
            apply_documents(shop, Path(__file__).parent / "faults.yaml")
            yield Installation(stack, shop)
