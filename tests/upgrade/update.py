"""A stack whose services are of an older version at first, and the rolling update to this one, as in a cluster."""

import asyncio
import re
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from pathlib import Path

import httpx

from contracts.kit.authorities import trusted_authorities
from local_stack.addresses import OFFSETS, SERVICES, Addresses
from local_stack.ports import HOST
from local_stack.programs import Service
from local_stack.report import Report
from local_stack.stack import Stack
from local_stack.testing import free_port_base
from support.replicas import environments, replica
from support.waiting import eventually
from upgrade.front import Fronts
from upgrade.versions import Version, VersionedService
from upgrade.waits import Waits, open_waits

SIDE_BY_SIDE_S = 30.0
AFTER_S = 20.0
"""How long the load goes on with both versions, and with the newer one alone."""
GONE_S = 2.0
"""Between leaving the front and SIGTERM: connections to be made have been made."""
DRAINED_S = 120.0
BEGUN = 20
"""Deals at the least that the older version has begun."""
MESSAGES = re.compile(r"^messages_total\{.*\} (\S+)$", re.MULTILINE)
KINDS = ("delay", "pause", "assignment", "result", "chain")


class UpgradeStack(Stack):
    """What others know as a service's ports are fronts; `older` and `newer` are behind them."""

    def __init__(self, version: Version, folder: Path, addresses: Addresses, report: Report) -> None:
        self._version = version
        self._places = [Addresses(free_port_base(OFFSETS.values())) for _ in range(2)]
        super().__init__(folder, addresses, report)
        self.older = self.services
        self.newer = [replica(self, name, self._places[1], "newer") for name in SERVICES]
        self._fronts = Fronts()

    def make_service(self, name: str) -> Service:
        """Under a name of its own: the supervisor starts services of this version again, and these are not."""
        place = self._places[0]
        run, migrate = environments(self, name, place)
        return VersionedService(self._version, name, self.folder / f"{name}-older", place, self.forks, run, migrate)

    @contextmanager
    def fronts(self) -> Iterator[None]:
        """Kills both versions in the end."""
        ports = [port for name in SERVICES for port in self._ports(self.addresses, name)]
        try:
            with self._fronts.listening(ports):
                for service in self.older:
                    self.put(service)
                yield
        finally:
            for service in (*self.older, *self.newer):
                service.kill()

    def put(self, service: Service) -> None:
        """Before its front's requests."""
        for front, port in self._pairs(service):
            self._fronts.put(front, port)

    def take(self, service: Service) -> None:
        for front, port in self._pairs(service):
            self._fronts.take(front, port)

    def _pairs(self, service: Service) -> Iterator[tuple[int, int]]:
        return zip(self._ports(self.addresses, service.name), service.ports, strict=True)

    @staticmethod
    def _ports(addresses: Addresses, name: str) -> tuple[int, int]:
        return addresses.port(name), addresses.port(f"{name} internal")


class RollingUpdate:
    """Once everything waits that can wait: migrations, the newer version beside the older, then the newer alone."""

    def __init__(self, stack: UpgradeStack, say: Callable[[str], None]) -> None:
        self._stack = stack
        self._say = say
        self._began = time.monotonic()
        self.goes_on = True
        self.counts: Counter[str] = Counter()
        self.recoveries: dict[str, list[float]] = defaultdict(list)
        self.defects: Sequence[str] = ()
        self._idle: list[str] = []

    def ebb(self) -> None:
        """The load is over after the update only."""

    async def run(self, _: asyncio.Event) -> None:
        async with AsyncExitStack() as life:
            waits = await open_waits(self._stack, life)
            over = asyncio.Event()
            async with asyncio.TaskGroup() as group:
                group.create_task(waits.begin(over))
                await eventually(lambda: self._everything_waits(waits), "everything to wait that can")
                await self._update()
                await asyncio.sleep(AFTER_S)
                over.set()
            self.goes_on = False
            self.defects = [*self._idle, *await waits.end()]
            many, wrong = len(waits.begun), len(self.defects)
            self._tell(f"{many} deals waited in {len(KINDS)} ways; {wrong} of their effects are not there once")

    async def _everything_waits(self, waits: Waits) -> bool:
        kinds = await waits.kinds()
        everything = len(waits.begun) >= BEGUN and all(kinds[kind] for kind in KINDS)
        if everything:
            self._tell("waiting: " + ", ".join(f"{kinds[kind]} {kind}" for kind in KINDS))
        return everything

    async def _update(self) -> None:
        older, newer = list(self._stack.older), self._stack.newer
        for service in newer:
            await asyncio.to_thread(service.migrate)
        self._tell("the newer version's migrations have run")
        await asyncio.gather(*(self._start(service) for service in newer))
        self._tell("both versions run")
        await self._beside(older, newer)
        self._stack.services = newer
        await asyncio.gather(*(self._stop(service) for service in older))
        self._tell("the newer version runs alone")

    async def _beside(self, older: Sequence[Service], newer: Sequence[Service]) -> None:
        """Both versions of each service must consume meanwhile."""
        before = await asyncio.gather(*map(_consumed, (*older, *newer)))
        await asyncio.sleep(SIDE_BY_SIDE_S)
        after = await asyncio.gather(*map(_consumed, (*older, *newer)))
        versions = [*(("older", one) for one in older), *(("newer", one) for one in newer)]
        for (version, service), first, last in zip(versions, before, after, strict=True):
            self._tell(f"{version} {service.name} consumed {last - first} messages")
            if last == first:
                self._idle.append(f"the {version} {service.name} consumed nothing beside the other version")

    async def _start(self, service: Service) -> None:
        began = time.monotonic()
        await asyncio.to_thread(service.start)
        self._stack.put(service)
        self.counts[f"start newer {service.name}"] += 1
        self.recoveries[service.name].append(time.monotonic() - began)

    async def _stop(self, service: Service) -> None:
        self._stack.take(service)
        await asyncio.sleep(GONE_S)
        began = time.monotonic()
        await asyncio.to_thread(service.process.stop, service.stop_signal, DRAINED_S)
        self.counts[f"stop older {service.name}"] += 1
        self._tell(f"older {service.name} drained in {time.monotonic() - began:.1f} s")

    def _tell(self, what: str) -> None:
        self._say(f"{time.monotonic() - self._began:7.1f} s  {what}")


async def _consumed(service: Service) -> int:
    """Messages, since it was started."""
    async with httpx.AsyncClient(timeout=30, verify=trusted_authorities()) as client:
        said = (await client.get(f"http://{HOST}:{service.ports[1]}/metrics")).text
    return sum(int(float(value)) for value in MESSAGES.findall(said))
