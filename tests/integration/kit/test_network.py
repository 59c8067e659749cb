"""A service whose network to Kafka or PostgreSQL is late, stalled, reset, in crumbs: nothing lost, nothing doubled."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import SecretStr

from integration.kit.harness import Site, make_site, remove_site, running
from integration.kit.test_service import tell, writing_down
from local_stack.ports import HOST, free_port
from local_stack.servers import Detour
from local_stack.testing import PrivateServers
from support.proxy import Faults, Proxy
from support.waiting import eventually

pytestmark = pytest.mark.invariant(10)

NOTES = [f"note {number}" for number in range(40)]


@dataclass(frozen=True)
class Lines:
    """A site, and the proxies by which its services reach their servers."""

    site: Site
    kafka: Proxy
    postgres: Proxy


@pytest.fixture
async def lines(postgres: str, private_servers: PrivateServers, tmp_path: Path) -> AsyncIterator[Lines]:
    detour = Detour(free_port(), free_port())
    to_kafka = Proxy(HOST, detour.port, detour.proxy_port)
    broker = await asyncio.to_thread(private_servers.kafka, detour)
    site = await make_site(postgres, broker.address, tmp_path / "jwks.json")
    to_postgres = Proxy.before(site.settings.database_url.get_secret_value())
    for proxy in (to_kafka, to_postgres):
        await proxy.start()
    yield Lines(site, to_kafka, to_postgres)
    for proxy in (to_kafka, to_postgres):
        await proxy.close()
    await remove_site(postgres, site)


def late(proxy: Proxy) -> None:
    proxy.begin(Faults(latency_s=0.05))


def in_crumbs(proxy: Proxy) -> None:
    proxy.begin(Faults(crumbs=7))


def reset_again_and_again(proxy: Proxy) -> None:
    proxy.begin(Faults(reset_after=30_000))


def stalled(proxy: Proxy) -> None:
    """What is connected hears nothing any more, as after a firewall forgot its connections."""
    proxy.stall()


@pytest.mark.parametrize("server", ["kafka", "postgres"])
@pytest.mark.parametrize("fault", [late, in_crumbs, reset_again_and_again, stalled])
async def test_a_bad_network_loses_and_doubles_nothing(
    lines: Lines, fault: Callable[[Proxy], None], server: str
) -> None:
    site, proxy = lines.site, getattr(lines, server)
    dsn = SecretStr(lines.postgres.redirect(site.settings.database_url.get_secret_value()))
    service = writing_down(site, site.service(database_url=dsn, kafka_bootstrap=f"{HOST}:{lines.kafka.port}"))
    direct = site.service()
    await direct.database.open()
    async with running(service):
        await tell(direct, site, "before")
        await eventually(lambda: _has(site, 1), "the first note")
        fault(proxy)
        for text in NOTES:
            await tell(direct, site, text)
        await eventually(lambda: _has(site, 20), "half of the notes, the network being bad")
        proxy.mend()
        await eventually(lambda: _has(site, 1 + len(NOTES)), "all notes")
    await direct.database.close()
    assert await site.notes() == ["before", *NOTES]
    assert await site.dead(site.events) == []


async def _has(site: Site, count: int) -> bool:
    return len(await site.notes()) >= count
