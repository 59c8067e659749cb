"""`python -m chaos`: brings a stack of its own up, lets chaos loose on it, audits what is left, writes the figures."""

import asyncio
import json
import os
import secrets
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from statistics import median
from typing import Annotated

import typer
from rich.markup import escape

from chaos.audit import Audit, Finding, World, count
from chaos.driver import Driver
from chaos.faults import Faults
from chaos.neighbour import Neighbour, open_neighbour
from chaos.quiet import Tenant, not_ready, wait_until_quiet
from chaos.reading import read_worlds
from chaos.shop import FORMS, Shop, allow_much, open_shop
from chaos.workshop import Workshop, open_workshop
from local_stack.addresses import OFFSETS, Addresses
from local_stack.errors import StackError
from local_stack.layout import WORKSPACE, remove_folder
from local_stack.report import Report
from local_stack.stack import Stack
from local_stack.testing import end_dead_sessions, free_port_base

SESSIONS = WORKSPACE / ".stack/chaos"
FIGURES = WORKSPACE / ".stack/chaos.json"
SETTINGS = {
    "LEASE_S": "10",
    "RESULT_DEADLINE": "PT30S",
    "FORM_POSTS_PER_MINUTE": "100000",
    "RECEIPTS_PER_SECOND": "10000",
}
"""What killed processes leave behind is taken up within the run; the whole load comes from one address."""
TENANTS = 2
QUIET_S = 600.0
SHOWN = 20


@dataclass(frozen=True)
class Chaos:
    """One run. The seed decides what people and faults do, as far as a real system repeats itself."""

    stack: Stack
    report: Report
    effects: int
    seed: str
    every_s: float
    neighbour: bool
    workshop: bool

    async def run(self) -> int:
        """The exit code."""
        began = time.monotonic()
        async with AsyncExitStack() as life:
            shops = [await open_shop(self.stack, life) for _ in range(TENANTS)]
            workshop = await open_workshop(self.stack, life) if self.workshop else None
            neighbour = await self._open_neighbour(life) if self.neighbour else None
            faults = await self._load(shops, workshop, neighbour)
            await self._settle([*shops, *([workshop] if workshop else ())], neighbour)
            with self.report.step("Audit"):
                kafka = self.stack.addresses.address("kafka")
                worlds = await read_worlds(shops, workshop, kafka, neighbour.tenant if neighbour else None)
                findings = [finding for world in worlds for finding in Audit(world).findings()]
                beside = await not_ready(shops[0].visitor) + await self._judge(neighbour)
            self._tell(worlds, findings, faults, neighbour, time.monotonic() - began)
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

    async def _load(self, shops: Sequence[Shop], workshop: Workshop | None, neighbour: Neighbour | None) -> Faults:
        faults = Faults(self.stack, self.seed, self.every_s, self.report.say)
        over = asyncio.Event()
        with self.report.step(f"Load under faults: {self.effects} effects", self.effects) as advance:
            driver = Driver(shops, workshop, self.seed, self.effects, advance, faults.ebb)
            async with asyncio.TaskGroup() as group:
                group.create_task(faults.run(over))
                if neighbour:
                    group.create_task(neighbour.live(over))
                await driver.run()
                over.set()
        for what, times in sorted(faults.counts.items()):
            self.report.say(f"  {what}: {times}")
        for part, seconds in sorted(faults.recoveries.items()):
            self.report.say(f"  {part} was ready again after {median(seconds):.1f} s, at most {max(seconds):.1f} s")
        return faults

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
        faults: Faults,
        neighbour: Neighbour | None,
        seconds: float,
    ) -> None:
        figures = {
            "effects": sum(world.count_effects() for world in worlds),
            **count(findings),
            "mail_redelivered": sum(world.mail_redelivered for world in worlds),
            "faults": faults.counts.total(),
            "seed": self.seed,
            "neighbour": dict(neighbour.counts) if neighbour else None,
            "duration_s": round(seconds, 1),
        }
        FIGURES.write_text(json.dumps(figures, indent=2) + "\n")
        typer.echo(json.dumps(figures, indent=2))


def main(
    effects: Annotated[int, typer.Option(min=1)] = 1000,
    seed: Annotated[str, typer.Option(help="A new one when none is given.")] = "",
    every: Annotated[float, typer.Option(min=0.5, help="Mean seconds from one fault to the next.")] = 4.0,
    neighbour: Annotated[bool, typer.Option(help="Whether a hostile tenant lives beside the audited ones.")] = True,
    workshop: Annotated[bool, typer.Option(help="Whether a third audited tenant acts by every rule type.")] = True,
) -> None:
    """Load on all services under random faults, then the audit. Exit code 1 when anything is lost, doubled, late or out
    of order."""
    os.environ |= SETTINGS
    SESSIONS.mkdir(parents=True, exist_ok=True)
    end_dead_sessions(SESSIONS)
    report, seed = Report(), seed or secrets.token_hex(4)
    report.say(f"seed {seed}")
    stack = Stack(SESSIONS / f"{os.getpid()}/stack", Addresses(free_port_base(OFFSETS.values())), report)
    code = 1
    try:
        stack.up()
        code = asyncio.run(Chaos(stack, report, effects, seed, every, neighbour, workshop).run())
    except* (StackError, AssertionError, TimeoutError) as failures:
        for error in _leaves(failures):
            report.say(f"[red]{type(error).__name__}: {escape(str(error))}[/red]")
    finally:
        stack.kill(["all"])
        _clear(stack, keep_logs=code != 0)
    raise typer.Exit(code)


def _listed(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(counts.items()))


def _leaves(failures: BaseExceptionGroup) -> Iterator[BaseException]:
    for one in failures.exceptions:
        yield from _leaves(one) if isinstance(one, BaseExceptionGroup) else (one,)


def _clear(stack: Stack, *, keep_logs: bool) -> None:
    for part in stack.parts:
        remove_folder(part.home)
    if not keep_logs:
        remove_folder(stack.folder.parent)


if __name__ == "__main__":
    app = typer.Typer(pretty_exceptions_enable=False, add_completion=False)
    app.command()(main)
    app()
