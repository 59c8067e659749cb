"""Plays a world to its end, in a process of its own; a large one in two halves side by side."""

from dataclasses import dataclass
from datetime import datetime
from multiprocessing import get_context
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from contracts.contexts import ItemContext
from rule_engine.domain.simulation.halves import first_items, halves
from rule_engine.domain.simulation.report import MAX_TRACED, Report
from rule_engine.domain.simulation.simulation import Simulation
from rule_engine.domain.simulation.world import World

if TYPE_CHECKING:
    from multiprocessing.connection import Connection

MAX_STEPS = 3_000_000
"""Things that happen in one simulation: about six for each rule that acts."""
AT_ONCE = 10_000


@dataclass(slots=True)
class _Simulated:
    """What came of a world, or of a half of one."""

    report: Report
    begin: datetime
    until: datetime
    traced: list[ItemContext]

    def add(self, other: "_Simulated") -> None:
        self.report.add(other.report)
        self.begin, self.until = min(self.begin, other.begin), min(self.until, other.until)
        self.traced += other.traced


def findings(world: World, traces: int, messages_per_day: int) -> bytes:
    """What happens in a world, as JSON; where it is too much, so far."""
    zone, traced = ZoneInfo(world.settings.time_zone), first_items(world, traces)

    def report(share: int) -> Report:
        return Report(zone, traced, messages_per_day, room=MAX_TRACED // share)

    both, found = halves(world), None
    if both is not None:
        found = _side_by_side(*((half, report(2)) for half in both))
    if found is None or found.report.most_open >= world.open_runs:  # the halves do not see each other's runs
        found = _simulated(world, report(1), MAX_STEPS)
    told = found.report.findings(found.begin, found.until, found.traced)
    return told.model_dump_json(by_alias=True).encode()


def _side_by_side(here: tuple[World, Report], there: tuple[World, Report]) -> _Simulated:
    forking = get_context("fork")
    receiver, sender = forking.Pipe(duplex=False)
    other = forking.Process(target=_send, args=(sender, *there), daemon=True)
    other.start()
    sender.close()
    found = _simulated(*here, MAX_STEPS // 2)
    found.add(receiver.recv())
    other.join()
    return found


def _send(sender: "Connection", world: World, report: Report) -> None:
    sender.send(_simulated(world, report, MAX_STEPS // 2))


def _simulated(world: World, report: Report, most: int) -> _Simulated:
    simulation = Simulation(world, report)
    begin = simulation.now
    while simulation.go_on(AT_ONCE):
        if simulation.steps >= most:
            told = f"what comes after {simulation.now.isoformat()}: {MAX_STEPS:,} things have happened, and that is all"
            report.cut[f"{told} that one simulation may hold; simulate fewer items or days"] = None
            break
    traced = [one.context for id, one in simulation.items.items() if id in report.traces]
    return _Simulated(report, begin, simulation.now, traced)
