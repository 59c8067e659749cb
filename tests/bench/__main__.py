"""`make bench`: measures every path, or those named, shows the table and writes `.stack/bench.json`."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from typing import Annotated

import structlog
import typer

from bench import (
    core,
    events,
    item,
    item_http,
    lateness,
    mail,
    neighbours,
    parked,
    planner,
    runs,
    simulating,
    workflows,
)
from bench.figures import Row, show, write
from bench.world import World
from contracts.kit.gc_tuning import tune_gc
from local_stack.layout import WORKSPACE, remove_folder, stack_folder
from local_stack.report import Report
from local_stack.testing import PrivateServers, end_dead_sessions

type Measure = Callable[[World], Awaitable[list[Row]]]

PATHS: Mapping[str, Measure] = {
    "core": core.measure,
    "workflows": workflows.measure,
    "simulating": simulating.measure,
    "item": item.measure,
    "item_http": item_http.measure,
    "events": events.measure,
    "planner": planner.measure,
    "runs": runs.measure,
    "parked": parked.measure,
    "mail": mail.measure,
    "lateness": lateness.measure,
    "neighbours": neighbours.measure,
}
SESSIONS = WORKSPACE / ".stack/bench"
app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)


@app.command()
def bench(
    paths: Annotated[list[str] | None, typer.Argument(help=f"Of: {', '.join(PATHS)}; all by default.")] = None,
    waiting: Annotated[int, typer.Option(help="Runs that wait while timers are measured; 100000 is full size.")] = 5000,
    due_at_once: Annotated[int, typer.Option(help="Runs due in one second; 10000 is full size.")] = 1000,
    simulated: Annotated[int, typer.Option(help="Items that are simulated; 10000 is full size.")] = 500,
) -> None:
    """Measure paths beside their raw floors."""
    if unknown := set(paths or ()) - PATHS.keys():
        raise typer.BadParameter(f"no path {', '.join(sorted(unknown))}; there are: {', '.join(PATHS)}")
    _be_quiet()
    tune_gc()  # as services do
    rows = asyncio.run(_measure(paths or list(PATHS), waiting, due_at_once, simulated))
    write(rows, stack_folder() / "bench.json")
    show(rows)


async def _measure(paths: list[str], waiting: int, due_at_once: int, simulated: int) -> list[Row]:
    end_dead_sessions(SESSIONS)
    folder = SESSIONS / str(os.getpid())
    servers = PrivateServers(folder / "servers", durable=True)
    world = World(servers, folder / "environment", Report(), waiting, due_at_once, simulated)
    try:
        return [row for name in paths for row in await PATHS[name](world)]
    finally:
        servers.close()
        remove_folder(folder)


def _be_quiet() -> None:
    """Services in this process log as services do; here only what goes wrong matters."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(40))


if __name__ == "__main__":
    app()
