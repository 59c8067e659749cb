"""What goes wrong when servers are away: Temporal with its data lost, Kafka, and a service."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from local_stack.layout import remove_folder
from observability.faults import ENGINE, TRIGGER, Fault
from observability.installation import Installation
from observability.runbooks import Terminal
from support.waiting import eventually

WAITING = 8
"""Runs that become due meanwhile: more than the objectives forgive."""


@asynccontextmanager
async def temporal_lost(there: Installation, terminal: Terminal) -> AsyncGenerator[None]:
    """It is killed while runs wait, more runs are planned, and comes back without its database."""
    stack = there.stack
    for _ in range(WAITING):
        there.item("later")
    await eventually(lambda: _scheduled(there), "the runs to wait in Temporal", 30)
    stack.kill(["temporal"])
    remove_folder(stack.temporal.home)
    for _ in range(WAITING):
        there.item("note")
    await eventually(lambda: _unscheduled(there), "runs to be planned without Temporal", 60)
    yield
    await terminal.first_aid("TemporalAway")


async def _scheduled(there: Installation) -> bool:
    async with there.sql(ENGINE) as connection:
        return bool(await connection.fetchval("SELECT count(*) >= $1 FROM timers WHERE has_execution", WAITING))


async def _unscheduled(there: Installation) -> bool:
    async with there.sql(ENGINE) as connection:
        behind = "SELECT count(*) >= $1 FROM timers WHERE scheduled_generation < generation"
        return bool(await connection.fetchval(behind, WAITING))


@asynccontextmanager
async def kafka_and_a_service_down(there: Installation, terminal: Terminal) -> AsyncGenerator[None]:
    there.stack.kill(["kafka", TRIGGER])
    for _ in range(WAITING):
        there.item("idle")
    yield
    await terminal.first_aid("OutboxOld")
    await terminal.first_aid("ServiceDown", service=TRIGGER)


OUTAGES = (
    Fault(
        {
            "TemporalAway": "scheduler waits for a server",
            "TemporalBehind": "scheduler waits for a server",
            "RunsOverdue": "scheduler waits for a server",
        },
        temporal_lost,
        ENGINE,
    ),
    Fault(
        {
            "ServiceDown": "down",
            "InstanceDown": "down",
            "OutboxOld": "relay waits for a server",
            "ConsumersNotReady": "consumer waits for the broker",
        },
        kafka_and_a_service_down,
    ),
)
"""Caused in this order: without Kafka nothing is planned."""
AFTERWARDS = {
    "EffectsLate": "",
    "EntriesLate": "",
    "ExecutionsRepaired": "an execution is gone",
}
"""Fire when what was held up is done."""
