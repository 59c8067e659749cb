"""Commands as their owner keeps them: a row per tenant and id with its final result, for ever.

That row, not the inbox, deduplicates: the same command again publishes its stored result again and does nothing else,
whatever its age. A command that is cancelled before it arrives is stored as refused, so the late original does nothing.
A command whose data makes its handler raise is answered as failed at once; only outages are tried again.
"""

from collections.abc import Awaitable, Callable, Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg
import structlog

from contracts.envelope import Body, Envelope, format_causepath, parse_causepath
from contracts.inputs import unkeepable
from contracts.kit import telemetry
from contracts.kit.broker import CONTRADICTIONS, OUTAGES, BatchHandler, Subscription
from contracts.kit.clock import Clock
from contracts.kit.database import Connection, after_commit, savepoint
from contracts.kit.errors import RefusalError, RoutesError
from contracts.kit.failures import in_words
from contracts.kit.outbox import Outbox
from contracts.messages.results import (
    CANCELLED,
    CancelCommand,
    CommandDone,
    CommandFailed,
    CommandProgress,
    CommandRefused,
    FinalResult,
    Result,
    result_id,
)
from contracts.texts import readable_reason
from contracts.topics import Topic

logger = structlog.get_logger(__name__)


type CommandHandler = Callable[[Envelope[Any], Connection], Awaitable[FinalResult | None]]
"""Handles one command in the transaction: the final result, or none when recorded work will bring it later.

Raising `RefusalError` refuses the command, raising anything else that is no outage fails it; either takes back what the
handler wrote.
"""

type Cancel = Callable[[UUID, UUID, Connection], Awaitable[bool]]
"""Cancels the recorded work of a command (tenant, id), if it is not done yet; says whether it did."""

_FINAL: Mapping[str, type[CommandDone] | type[CommandRefused] | type[CommandFailed]] = {
    body.TYPE: body for body in (CommandDone, CommandRefused, CommandFailed)
}

_OUTCOMES = {CommandDone.TYPE: "done", CommandRefused.TYPE: "refused", CommandFailed.TYPE: "failed"}


async def never_cancelled(_: UUID, __: UUID, ___: Connection) -> bool:
    """For owners whose commands are finished when their transaction commits."""
    return False


class Commands:
    """Receives commands of one owner, keeps their results and publishes them."""

    def __init__(self, *, service: str, results: Topic, outbox: Outbox, clock: Clock) -> None:
        self._service = service
        self._results = results
        self._outbox = outbox
        self._clock = clock

    def subscription(
        self,
        topic: Topic,
        routes: Mapping[type[Body], CommandHandler],
        *,
        expected: Collection[type[Body]],
        cancel: Cancel = never_cancelled,
    ) -> Subscription:
        """Consumes `topic`: each command goes to the method for its class; `CancelCommand` is handled here.

        `expected` are all messages of the topic. Raises `RoutesError` when the routes are for others.
        """
        _check_routes(topic, routes, expected)
        telemetry.show_commands(body.TYPE for body in routes)
        return Subscription(
            topics=(topic,),
            bodies=(*routes, CancelCommand),
            handle=self._handler(routes, cancel),
            on_dead=self._fail_dead,
            deduplicate=False,
        )

    def _handler(self, routes: Mapping[type[Body], CommandHandler], cancel: Cancel) -> BatchHandler[None]:
        async def handle(messages: Sequence[Envelope[Any]], _: None, tx: Connection) -> None:
            for message in messages:
                with telemetry.handling("handle", message):
                    if isinstance(message.data, CancelCommand):
                        await self._cancel(message, message.data.target, cancel, tx)
                    elif await self._register(message, tx):
                        await self._handle(message, routes[type(message.data)], tx)

        return handle

    async def _handle(self, message: Envelope[Any], handle: CommandHandler, tx: Connection, attempt: int = 1) -> None:
        try:
            async with savepoint(tx):
                if (answer := await handle(message, tx)) is not None:
                    await self.finish(tx, message.tenant, answer)
        except RefusalError as refusal:
            refused = CommandRefused(command_id=message.command_id, reason=readable_reason(str(refusal)))
            await self.finish(tx, message.tenant, refused)
        except OUTAGES:
            raise
        except asyncpg.IntegrityConstraintViolationError as error:  # maybe a race with a neighbour
            if attempt < CONTRADICTIONS:
                await self._handle(message, handle, tx, attempt + 1)
            else:
                await self._fail(message, error, tx)
        except Exception as error:
            await self._fail(message, error, tx)

    async def _fail(self, message: Envelope[Any], error: Exception, tx: Connection) -> None:
        """Answers it as failed: trying again would fail again, and hold up the commands of others."""
        telemetry.failed(error)
        logger.error("command failed by its data", exc_info=error)
        after_commit(telemetry.POISON_COMMANDS.labels(message.type).inc)
        why = unkeepable(message.data.model_dump()) or in_words(error)
        reason = readable_reason(f"the command cannot be handled: {why}")
        failed = CommandFailed(command_id=message.command_id, reason=reason, retryable=False)
        await self.finish(tx, message.tenant, failed)

    async def _register(self, message: Envelope[Any], tx: Connection) -> bool:
        """Whether the command is new; one that has its result already publishes it again."""
        if await self._insert(message, message.command_id, tx):
            after_commit(telemetry.COMMANDS_RECEIVED.labels(message.type).inc)
            return True
        await self._republish_result(message, message.command_id, tx)
        return False

    async def _insert(self, message: Envelope[Any], command_id: UUID, tx: Connection) -> bool:
        """False when the tenant's command is known. Logs an error when another tenant has a command of the same id."""
        twin: bool | None = await tx.fetchval(
            """INSERT INTO commands (id, tenant_id, type, issuer, key, correlation, causepath, root, traceparent)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING
               RETURNING is_of_another_tenant_too(id, tenant_id)""",
            command_id,
            message.tenant,
            message.type,
            message.issuer,
            message.key,
            message.correlation,
            format_causepath(message.causepath),
            message.root_cause,
            telemetry.traceparent() or message.traceparent,
        )
        if twin:
            logger.error("command id of another tenant", command_id=command_id)
            after_commit(telemetry.COMMAND_ID_CONFLICTS.labels(message.type).inc)
        return twin is not None

    async def _cancel(self, message: Envelope[Any], target: UUID, cancel: Cancel, tx: Connection) -> None:
        """Unknown: refused before it comes. Open: cancelled if it still can be. Final: its result goes out again."""
        if await self._insert(message, target, tx) or await self._cancel_work(message, target, cancel, tx):
            await self.finish(tx, message.tenant, CommandRefused(command_id=target, reason=CANCELLED))
        else:
            await self._republish_result(message, target, tx)

    async def _cancel_work(self, message: Envelope[Any], target: UUID, cancel: Cancel, tx: Connection) -> bool:
        open_ = await tx.fetchval(
            "SELECT final IS NULL FROM commands WHERE id = $1 AND tenant_id = $2 FOR UPDATE", target, message.tenant
        )
        return bool(open_) and await cancel(message.tenant, target, tx)

    async def finish(self, tx: Connection, tenant: UUID, answer: FinalResult) -> bool:
        """Stores and publishes the final result. False, and nothing done, when the command has one already."""
        row = await tx.fetchrow(
            """UPDATE commands SET final_type = $3, final = $4, final_number = results, final_at = $5,
               results = results + 1 WHERE id = $1 AND tenant_id = $2 AND final IS NULL RETURNING *""",
            answer.command_id,
            tenant,
            answer.TYPE,
            answer.model_dump(mode="json"),
            self._clock(),
        )
        if row is not None:
            after_commit(telemetry.COMMANDS_FINISHED.labels(row["type"], _OUTCOMES[answer.TYPE]).inc)
            await self._publish(tx, row, answer, row["final_number"], row["final_at"])
        return row is not None

    async def progress(self, tx: Connection, tenant: UUID, progress: CommandProgress) -> None:
        """Publishes what an unfinished command waits for."""
        row = await tx.fetchrow(
            """UPDATE commands SET results = results + 1 WHERE id = $1 AND tenant_id = $2 AND final IS NULL
               RETURNING *""",
            progress.command_id,
            tenant,
        )
        if row is not None:
            await self._publish(tx, row, progress, row["results"] - 1, self._clock())

    async def _republish_result(self, message: Envelope[Any], command_id: UUID, tx: Connection) -> None:
        row = await tx.fetchrow(
            "SELECT * FROM commands WHERE id = $1 AND tenant_id = $2 AND final IS NOT NULL", command_id, message.tenant
        )
        if row is not None:
            answer = _FINAL[row["final_type"]].model_validate(row["final"])
            await self._publish(tx, row, answer, row["final_number"], row["final_at"])

    async def _publish(self, tx: Connection, row: asyncpg.Record, answer: Result, number: int, time: Any) -> None:
        await self._outbox.put(
            tx,
            self._results,
            Envelope(
                id=str(result_id(row["tenant_id"], row["id"], number)),
                source=self._service,
                type=answer.TYPE,
                time=time,
                tenant=row["tenant_id"],
                key=row["key"],
                data=answer,
                correlation=row["correlation"],
                causation=str(row["id"]),
                causepath=parse_causepath(row["causepath"]),
                root=row["root"],
                issuer=row["issuer"],
                traceparent=telemetry.traceparent() or row["traceparent"],
            ),
        )

    async def _fail_dead(self, message: Envelope[bytes], detail: str, tx: Connection) -> None:
        """Answers a command that was put aside as failed."""
        if await self._register(message, tx):
            reason = f"the command could not be used: {detail}"
            failed = CommandFailed(command_id=message.command_id, reason=readable_reason(reason), retryable=False)
            await self.finish(tx, message.tenant, failed)


def _check_routes(topic: Topic, routes: Collection[type[Body]], expected: Collection[type[Body]]) -> None:
    """A command without a handler would be skipped for ever."""
    missing = [body.__name__ for body in expected if body not in routes and body is not CancelCommand]
    unknown = [body.__name__ for body in routes if body not in expected]
    if missing or unknown:
        raise RoutesError(f"{topic.name}: no handler for {missing}; handlers for {unknown}, which is not sent there")
