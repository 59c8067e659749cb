"""Simulations in processes of their own: long work on what one tenant wrote must not hold up anything else here.

The world goes in pickled, from this very program, and the findings come out as JSON. The process yields to others
(`nice`), and it is killed when nobody waits for it any more.
"""

import asyncio
import os
import pickle
import sys
from zoneinfo import ZoneInfo

from contracts.kit.gc_tuning import tune_gc
from rule_engine.domain.errors import EngineError
from rule_engine.domain.simulation.report import Report
from rule_engine.domain.simulation.simulation import Simulation
from rule_engine.domain.simulation.world import World

MAX_STEPS = 3_000_000
"""Things that happen in one simulation: about six for each rule that acts."""
AT_ONCE = 10_000
LONGEST_S = 900
_NICE = 10


class SimulationFailedError(EngineError):
    """The process of a simulation ended without findings; the text says how."""


async def simulate(world: World, traces: int, messages_per_day: int) -> bytes:
    """The findings, as JSON. Raises `SimulationFailedError`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "rule_engine.simulator", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    asked = await asyncio.to_thread(pickle.dumps, (world, traces, messages_per_day))
    try:
        async with asyncio.timeout(LONGEST_S):
            found, _ = await process.communicate(asked)
    except TimeoutError as error:
        raise SimulationFailedError(f"it took longer than {LONGEST_S} s: simulate fewer items or days") from error
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode:
        raise SimulationFailedError(f"its process ended with {process.returncode}")
    return found


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


def main() -> None:
    """Reads a world from standard input, and writes what was found."""
    os.nice(_NICE)
    tune_gc()
    world, traces, messages_per_day = pickle.load(sys.stdin.buffer)  # noqa: S301 - from `simulate`, through a pipe
    sys.stdout.buffer.write(findings(world, traces, messages_per_day))


if __name__ == "__main__":
    main()
