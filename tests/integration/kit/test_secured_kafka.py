"""A broker that lets in those who show a certificate and know a password, which is changed meanwhile."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiokafka.errors import KafkaError

from contracts.kit.kafka import connected
from contracts.kit.servers import KafkaSettings
from integration.kit.harness import Harness, note, own_harness, running
from integration.kit.test_service import tell, writing_down
from local_stack.certificates import Authority
from local_stack.ports import free_port
from local_stack.servers import Kafka, Secured
from local_stack.testing import PrivateServers
from support.waiting import eventually

pytestmark = pytest.mark.verify

USER = "probe"


@dataclass(frozen=True)
class SecuredBroker:
    kafka: Kafka
    settings: dict[str, Any]
    password: Path
    authority: Authority

    def fits(self, **changes: Any) -> KafkaSettings:
        return KafkaSettings(**self.settings | changes)


@pytest_asyncio.fixture
async def broker(private_servers: PrivateServers, tmp_path: Path) -> SecuredBroker:
    authority = Authority(tmp_path)
    certificate, key = authority.sign("broker")
    both = tmp_path / "both.pem"
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    secured = Secured(free_port(), both, authority.file, {USER: "first word"})
    password = tmp_path / "password"
    password.write_text("first word\n")
    of_client = authority.sign("client")
    settings = {
        "kafka_bootstrap": f"localhost:{secured.port}",
        "kafka_tls": True,
        "kafka_ca_file": authority.file,
        "kafka_cert_file": of_client[0],
        "kafka_key_file": of_client[1],
        "kafka_sasl": "SCRAM-SHA-512",
        "kafka_user": USER,
        "kafka_secret_file": password,
    }
    kafka = await asyncio.to_thread(private_servers.kafka, secured=secured)
    return SecuredBroker(kafka, settings, password, authority)


@pytest_asyncio.fixture
async def harness(postgres: str, broker: SecuredBroker, tmp_path: Path) -> AsyncGenerator[Harness]:
    async with own_harness(postgres, broker.kafka.address, tmp_path / "jwks.json") as made:
        yield made


async def lets_in(servers: KafkaSettings) -> bool:
    try:
        async with connected(servers):
            return True
    except KafkaError:
        return False


async def test_strangers_are_refused_and_a_password_is_changed_while_messages_flow(
    broker: SecuredBroker, harness: Harness, tmp_path: Path
) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("another word")
    others = Authority(tmp_path, "others")
    assert await lets_in(broker.fits())
    assert not await lets_in(broker.fits(kafka_secret_file=wrong))
    assert not await lets_in(broker.fits(kafka_user="somebody"))
    assert not await lets_in(broker.fits(kafka_cert_file=None, kafka_key_file=None))
    assert not await lets_in(
        broker.fits(**dict(zip(("kafka_cert_file", "kafka_key_file"), others.sign("x"), strict=True)))
    )
    assert not await lets_in(broker.fits(kafka_ca_file=others.file))

    async with running(writing_down(harness, harness.service(**broker.settings))) as service:
        await tell(service, harness, "before")
        await harness.publish(harness.events, note("by another"))
        await eventually(lambda: _has(harness, ["before", "by another"]))
        await asyncio.to_thread(broker.kafka.set_password, USER, "second word")
        broker.password.write_text("second word")
        await asyncio.to_thread(broker.kafka.kill)
        await tell(service, harness, "while it is away")
        await asyncio.to_thread(broker.kafka.start)
        await tell(service, harness, "after")
        await eventually(lambda: _has(harness, ["before", "by another", "while it is away", "after"]))
    assert await harness.dead(harness.events) == []


async def _has(harness: Harness, texts: list[str]) -> bool:
    return sorted(await harness.notes()) == sorted(texts)
