"""One run of chaos: load under disturbance, quiet, the audit, the figures."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median
from typing import Protocol

import typer
from rich.markup import escape

from chaos.audit import Audit, Finding, World, count
from chaos.driver import Driver, Load
from chaos.neighbour import Neighbour, open_neighbour
from chaos.quiet import Tenant, not_ready, wait_until_quiet
from chaos.reading import read_worlds
from chaos.shop import FORMS, Shop, allow_much, open_shop
from chaos.workshop import Workshop, open_workshop
from local_stack.layout import WORKSPACE
from local_stack.report import Report
from local_stack.stack import Stack

FIGURES = WORKSPACE / ".stack/chaos.json"
TENANTS = 2
QUIET_S = 600.0
SHOWN = 20


class Disturbance(Protocol):
    """What happens to the stack meanwhile."""

    @property
    def counts(self) -> Counter[str]: ...

    @property
    def recoveries(self) -> Mapping[str, Sequence[float]]:
        """Seconds from a start to readiness, by part."""

    @property
    def goes_on(self) -> bool:
        """Whether the load must last longer for its sake."""

    @property
    def defects(self) -> Sequence[str]:
        """What it found out by itself."""

    def ebb(self) -> None:
        """Nothing new begins any more."""

    async def run(self, until: asyncio.Event) -> None:
        """Ends with everything up."""


@dataclass(frozen=True)
class Chaos:
    """One run. The seed decides what people and faults do, as far as a real system repeats itself."""

    stack: Stack
    report: Report
    effects: int
    seed: str
    disturbance: Disturbance
    people: int
    neighbour: bool
    workshop: bool

    async def run(self) -> int:
        """The exit code."""
        began = time.monotonic()
        async with AsyncExitStack() as life:
            shops = [await open_shop(self.stack, life) for _ in range(TENANTS)]
            workshop = await open_workshop(self.stack, life) if self.workshop else None
            neighbour = await self._open_neighbour(life) if self.neighbour else None
            await self._load(shops, workshop, neighbour)
            await self._settle([*shops, *([workshop] if workshop else ())], neighbour)
            with self.report.step("Audit"):
                kafka = self.stack.addresses.address("kafka")
                worlds = await read_worlds(shops, workshop, kafka, neighbour.tenant if neighbour else None)
                findings = [finding for world in worlds for finding in Audit(world).findings()]
                beside = [*self.disturbance.defects, *await not_ready(shops[0].visitor), *await self._judge(neighbour)]
            self._tell(worlds, findings, neighbour, time.monotonic() - began)
            await self._explain(shops[0], findings)
            self._list(beside)
        return 1 if findings or beside else 0

    async def _open_neighbour(self, life: AsyncExitStack) -> Neighbour:
        """Its visitors are always the same one."""
        neighbour = await open_neighbour(self.stack, life, self.seed)
        await allow_much(self.stack, neighbour.tenant, FORMS)
        return neighbour

    async def _judge(self, neighbour: Neighbour | None) -> list[str]:
        """What is wrong with what became of the neighbour."""
        if neighbour is None:
            return []
        endings = await neighbour.endings()
        self.report.say(
            f"  the neighbour, seed {self.seed}: {_listed(neighbour.counts)}; its rules: {_listed(endings)}"
        )
        return [*neighbour.defects, *await neighbour.unfinished()]

    async def _load(self, shops: Sequence[Shop], workshop: Workshop | None, neighbour: Neighbour | None) -> None:
        disturbance, over = self.disturbance, asyncio.Event()
        with self.report.step(f"Load: at least {self.effects} effects", self.effects) as advance:
            load = Load(self.effects, self.people, advance, lambda: disturbance.goes_on, disturbance.ebb)
            driver = Driver(shops, workshop, self.seed, load)
            async with asyncio.TaskGroup() as group:
                group.create_task(disturbance.run(over))
                if neighbour:
                    group.create_task(neighbour.live(over))
                await driver.run()
                over.set()
        for what, times in sorted(disturbance.counts.items()):
            self.report.say(f"  {what}: {times}")
        for part, seconds in sorted(disturbance.recoveries.items()):
            self.report.say(f"  {part} was ready again after {median(seconds):.1f} s, at most {max(seconds):.1f} s")

    async def _settle(self, tenants: Sequence[Tenant], neighbour: Neighbour | None) -> None:
        with self.report.step("Everything is up again, and quiet"):
            await asyncio.to_thread(self.stack.start, ["all"])
            kafka = self.stack.addresses.address("kafka")
            unsettled = await wait_until_quiet(tenants, kafka, QUIET_S, self.report.say, neighbour)
        for what, number in unsettled.items():
            self.report.say(f"[red]still under way after {QUIET_S:.0f} s[/red]: {what}: {number}")

    async def _explain(self, shop: Shop, findings: Sequence[Finding]) -> None:
        for finding in findings[:SHOWN]:
            self.report.say(f"[red]{finding.fault}[/red]: {escape(finding.what)}")
            if finding.run:
                run = (await shop.head.send("GET", "rule-engine", f"/v1/runs/{finding.run}", [404])).json()
                for decision in run.get("decisions", []):
                    self.report.say(
                        f"    {decision['at']} {decision['rule']}: {decision['state']} {decision['reason']}"
                    )
                self.report.say(f"    run {finding.run}, trace {run.get('trace_id')}")
        if len(findings) > SHOWN:
            self.report.say(f"… and {len(findings) - SHOWN} more")

    def _list(self, found: Sequence[str]) -> None:
        for one in found[:SHOWN]:
            self.report.say(f"[red]beside the audit[/red]: {escape(one)}")
        if len(found) > SHOWN:
            self.report.say(f"… and {len(found) - SHOWN} more")

    def _tell(
        self,
        worlds: Sequence[World],
        findings: Sequence[Finding],
        neighbour: Neighbour | None,
        seconds: float,
    ) -> None:
        figures = {
            "effects": sum(world.count_effects() for world in worlds),
            **count(findings),
            "mail_redelivered": sum(world.mail_redelivered for world in worlds),
            "faults": self.disturbance.counts.total(),
            "seed": self.seed,
            "secured": self.stack.security.present,
            "neighbour": dict(neighbour.counts) if neighbour else None,
            "duration_s": round(seconds, 1),
        }
        FIGURES.write_text(json.dumps(figures, indent=2) + "\n")
        typer.echo(json.dumps(figures, indent=2))


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))
