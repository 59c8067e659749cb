"""Plays a world to its end, in a process of its own."""

from zoneinfo import ZoneInfo

from rule_engine.domain.simulation.report import Report
from rule_engine.domain.simulation.simulation import Simulation
from rule_engine.domain.simulation.world import World

MAX_STEPS = 3_000_000
"""Things that happen in one simulation: about six for each rule that acts."""
AT_ONCE = 10_000


def findings(world: World, traces: int, messages_per_day: int) -> bytes:
    """What happens in a world, as JSON; where it is too much, so far."""
    report = Report(ZoneInfo(world.settings.time_zone), traces, messages_per_day)
    simulation = Simulation(world, report)
    begin = simulation.now
    while simulation.go_on(AT_ONCE):
        if simulation.steps >= MAX_STEPS:
            told = f"what comes after {simulation.now.isoformat()}: {MAX_STEPS:,} things have happened, and that is all"
            report.cut[f"{told} that one simulation may hold; simulate fewer items or days"] = None
            break
    contexts = [one.context for one in simulation.items.values()]
    found = report.findings(begin, simulation.now, contexts, simulation.open_runs)
    return found.model_dump_json(by_alias=True).encode()
