"""A service whose network to Kafka or PostgreSQL is late, stalled, reset, in crumbs: nothing lost, nothing doubled."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from integration.kit.harness import Harness, own_harness, running
from integration.kit.test_service import tell, writing_down
from local_stack.ports import HOST, free_port
from local_stack.servers import Detour
from local_stack.testing import PrivateServers
from support.proxy import Faults, Proxy
from support.waiting import eventually

pytestmark = [pytest.mark.invariant(10), pytest.mark.verify]

NOTES = [f"note {number}" for number in range(40)]


@dataclass(frozen=True)
class Lines:
    """A harness, and the proxies by which its services reach their servers."""

    harness: Harness
    kafka: Proxy
    postgres: Proxy


@pytest.fixture
async def lines(postgres: str, private_servers: PrivateServers, tmp_path: Path) -> AsyncIterator[Lines]:
    detour = Detour(free_port(), free_port())
    to_kafka = Proxy(HOST, detour.port, detour.proxy_port)
    broker = await asyncio.to_thread(private_servers.kafka, detour)
    async with own_harness(postgres, broker.address, tmp_path / "jwks.json") as harness:
        to_postgres = Proxy.before(harness.settings.database_url.get_secret_value())
        for proxy in (to_kafka, to_postgres):
            await proxy.start()
        yield Lines(harness, to_kafka, to_postgres)
        for proxy in (to_kafka, to_postgres):
            await proxy.close()


def late(proxy: Proxy) -> None:
    proxy.begin(Faults(latency_s=0.05))


def in_crumbs(proxy: Proxy) -> None:
    proxy.begin(Faults(crumbs=7))


def reset_again_and_again(proxy: Proxy) -> None:
    proxy.begin(Faults(reset_after=30_000))


def stalled(proxy: Proxy) -> None:
    """Open connections receive nothing any more, as when a firewall has dropped them."""
    proxy.stall()


@pytest.mark.parametrize("server", ["kafka", "postgres"])
@pytest.mark.parametrize("fault", [late, in_crumbs, reset_again_and_again, stalled])
async def test_a_bad_network_loses_and_doubles_nothing(
    lines: Lines, fault: Callable[[Proxy], None], server: str
) -> None:
    harness, proxy = lines.harness, getattr(lines, server)
    dsn = SecretStr(lines.postgres.redirect(harness.settings.database_url.get_secret_value()))
    service = writing_down(harness, harness.service(database_url=dsn, kafka_bootstrap=f"{HOST}:{lines.kafka.port}"))
    direct = harness.service()
    await direct.database.open()
    async with running(service):
        await tell(direct, harness, "before")
        await eventually(lambda: _has(harness, 1), "the first note")
        fault(proxy)
        for text in NOTES:
            await tell(direct, harness, text)
        await eventually(lambda: _has(harness, 20), "half of the notes, the network being bad")
        proxy.mend()
        await eventually(lambda: _has(harness, 1 + len(NOTES)), "all notes")
    await direct.database.close()
    assert await harness.notes() == ["before", *NOTES]
    assert await harness.dead(harness.events) == []


async def _has(harness: Harness, count: int) -> bool:
    return len(await harness.notes()) >= count
