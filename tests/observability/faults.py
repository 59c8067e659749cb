"""What goes wrong while all servers are there: each fault is caused, its alerts are seen, and it is mended by its page.

A fault is a context manager: entering it causes the fault, leaving it mends it.
"""

import re
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import uuid4

from contracts.messages.comms import Notify
from contracts.topics import COMMS_COMMANDS, ENTITY_EVENTS
from observability.installation import Installation
from observability.runbooks import Terminal
from rule_engine.domain.execution.state import STATE_FORMAT
from support.malformed_records import Raw, strew
from support.messages import order
from support.waiting import eventually

NO_MESSAGE: Raw = (b"k", b"{}", [])
ENTITY, ENGINE, DOC, COMMS, TRIGGER = "entity-service", "rule-engine", "doc-service", "comms-service", "trigger-service"


@dataclass(frozen=True)
class Fault:
    """`shown`: by alert, what the commands below its page's *First look* print, of which the page speaks, too."""

    shown: Mapping[str, str]
    cause: Callable[[Installation, Terminal], AbstractAsyncContextManager[None]]
    service: str = ENTITY
    """Where it is seen."""


@asynccontextmanager
async def bad_records(there: Installation, terminal: Terminal) -> AsyncGenerator[None]:
    await strew(there.stack.kafka.address, COMMS_COMMANDS.name, 0, *[NO_MESSAGE] * 12)
    yield
    discarding = {"service": COMMS, "why": "undecodable", "id": await _letter(there)}
    await terminal.first_aid("DeadLettersOpen", **discarding)


async def _letter(there: Installation) -> str:
    async with there.sql(COMMS) as connection:
        return str(await connection.fetchval("SELECT id FROM dead_letters WHERE state = 'open' LIMIT 1"))


@asynccontextmanager
async def twin_commands(there: Installation, _: Terminal) -> AsyncGenerator[None]:
    id, item = uuid4(), uuid4()
    twins = [order(Notify(recipients=(uuid4(),), text="?"), tenant, item, id=id) for tenant in (uuid4(), uuid4())]
    await there.publish(COMMS_COMMANDS, *twins)
    yield


@asynccontextmanager
async def poison(there: Installation, _: Terminal) -> AsyncGenerator[None]:
    async with there.broken_index(ENTITY, "tasks", "INSERT", "true"):
        there.item("task")
        yield


@asynccontextmanager
async def unwritable_steps(there: Installation, _: Terminal) -> AsyncGenerator[None]:
    sent = "NEW.stage = 'note' AND NEW.command_id IS NOT NULL"
    async with there.broken_index(ENGINE, "rule_runs", "INSERT OR UPDATE", sent):
        there.item("note")
        yield


@asynccontextmanager
async def deliveries_given_up(there: Installation, _: Terminal) -> AsyncGenerator[None]:
    async with there.broken_index(COMMS, "message_statuses", "INSERT", "NEW.status = 'accepted'"):
        there.item("mail")
        yield


@asynccontextmanager
async def work_nobody_does(there: Installation, _: Terminal) -> AsyncGenerator[None]:
    """A transaction that somebody left open holds what was to be tried again."""
    provider = there.shop.visitor
    provider.send("PUT", "sms", "/mode", json={"behaviour": "fail"})
    there.item("sms")
    async with there.sql(COMMS) as connection, connection.transaction():

        async def held() -> object:
            return await connection.fetchval(
                "SELECT id FROM work WHERE kind = 'deliver_sms' AND lease IS NULL FOR UPDATE SKIP LOCKED"
            )

        await eventually(held, "an SMS to be put off", 30)
        provider.send("PUT", "sms", "/mode", json={"behaviour": "accept"})
        yield


@asynccontextmanager
async def lowered_limit(there: Installation, terminal: Terminal) -> AsyncGenerator[None]:
    await there.configure(ENTITY_EVENTS, {"max.message.bytes": "10000"})
    there.item("idle", fields={"long": "ü" * 9000})
    yield
    await there.configure(ENTITY_EVENTS, {})
    parked = await terminal.first_look("OutboxParked", service=ENTITY)
    (row,) = re.findall(r"(\d+) +│? *entity-service", parked)
    await terminal.first_aid("OutboxParked", row=row, service=ENTITY)


@asynccontextmanager
async def no_days_ahead(there: Installation, terminal: Terminal) -> AsyncGenerator[None]:
    days = [datetime.now(UTC) + timedelta(days=ahead) for ahead in (1, 2)]
    await there.execute(ENTITY, *(f"DROP TABLE inbox_{day:%Y%m%d}" for day in days))
    yield
    await terminal.first_aid("InboxDaysMissing")


@asynccontextmanager
async def token_not_renewed(there: Installation, terminal: Terminal) -> AsyncGenerator[None]:
    there.stack.kill(["supervisor"])
    credentials = there.stack.credentials
    (credentials.service_tokens(COMMS) / DOC).write_text(credentials.service_token(COMMS, DOC, 300))
    yield
    await terminal.first_aid("ServiceTokenEnds")


@asynccontextmanager
async def refused_by_the_database(there: Installation, _: Terminal) -> AsyncGenerator[None]:
    await there.execute(
        TRIGGER,
        "ALTER ROLE trigger_service_app CONNECTION LIMIT 0",
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'trigger_service_app'",
    )
    async with there.asked_again_and_again("POST", TRIGGER, there.shop.form, data={"name": "Alex"}):
        yield
    await there.execute(TRIGGER, "ALTER ROLE trigger_service_app CONNECTION LIMIT -1")


@asynccontextmanager
async def stage_changes_that_fail(there: Installation, _: Terminal) -> AsyncGenerator[None]:
    path = f"/v1/items/{there.item('idle')}/stage"
    headers = {"Authorization": f"Bearer {there.shop.manager.token}", "If-Match": "*"}
    async with (
        there.broken_index(ENTITY, "items", "UPDATE", "NEW.stage = 'broken'"),
        there.asked_again_and_again("PUT", ENTITY, path, json={"stage": "broken"}, headers=headers),
    ):
        yield


@asynccontextmanager
async def forgotten_lock(there: Installation, __: Terminal) -> AsyncGenerator[None]:
    """A session of somebody's that was left open over a table that commands are written to."""
    async with there.sql(DOC) as connection, connection.transaction():
        await connection.execute("LOCK TABLE commands IN EXCLUSIVE MODE")
        for _ in range(8):
            there.item("document")
        yield


@asynccontextmanager
async def state_of_a_newer_release(there: Installation, _: Terminal) -> AsyncGenerator[None]:
    item = there.item("soon")
    async with there.sql(ENGINE) as connection:

        async def newer() -> str:
            changed = "UPDATE runs SET state = state || '{\"format\": 99}' WHERE item_id = $1"
            return (await connection.execute(changed, item)).removeprefix("UPDATE 0")

        await eventually(newer, "a run", 30)
        yield
        upgraded = "UPDATE runs SET state = state || jsonb_build_object('format', $2::int) WHERE item_id = $1"
        await connection.execute(upgraded, item, STATE_FORMAT)


FAULTS = (
    Fault({"DeadLettersOpen": "undecodable", "DeadLettersGrowing": "undecodable"}, bad_records, COMMS),
    Fault({"CommandIdConflicts": "command id of another tenant"}, twin_commands, COMMS),
    Fault({"PoisonCommands": "command failed by its data"}, poison),
    Fault({"StepsUnwritable": "a step could not be written"}, unwritable_steps, ENGINE),
    Fault({"RunsStalled": "a run is put off"}, state_of_a_newer_release, ENGINE),
    Fault({"OutboxParked": "MessageSizeTooLargeError"}, lowered_limit),
    Fault({"InboxDaysMissing": "inbox_"}, no_days_ahead),
    Fault({"ServiceTokenEnds": "down"}, token_not_renewed, COMMS),
    Fault(
        {"DatabaseAway": "too many connections", "WebhooksFail": "a server is away"}, refused_by_the_database, TRIGGER
    ),
    Fault({"ConsumerStalled": "consumer waits for a server"}, forgotten_lock, DOC),
    Fault({"WorkOverdue": "idle in transaction"}, work_nobody_does, COMMS),
    Fault({"WorkGivenUp": "work failed"}, deliveries_given_up, COMMS),
    Fault({"StageChangesFail": "request failed"}, stage_changes_that_fail),
)
"""Each with the servers up; they can be caused side by side."""
