"""Commands as their owner keeps them: a row per id with its final result, for ever.

That row, not the inbox, deduplicates: the same command again tells its stored result again and does nothing else,
whatever its age. A command that is cancelled before it arrives is stored as refused, so the late original does nothing.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any
from uuid import UUID

import asyncpg

from contracts.envelope import Body, Envelope, format_causepath, parse_causepath
from contracts.kit import telemetry
from contracts.kit.broker import BatchHandler, Subscription
from contracts.kit.clock import Clock
from contracts.kit.database import Connection, after_commit
from contracts.kit.errors import RefusalError
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
from contracts.topics import Topic

type Obey = Callable[[Envelope[Any], Connection], Awaitable[FinalResult | None]]
"""Obeys one command in the transaction: the final result, or none when recorded work will bring it later.

Raising `RefusalError` refuses the command and takes back what the handler wrote.
"""

type Drop = Callable[[UUID, Connection], Awaitable[bool]]
"""Drops the recorded work of a command, if it is not done yet; says whether it did."""

_FINAL: Mapping[str, type[CommandDone] | type[CommandRefused] | type[CommandFailed]] = {
    body.TYPE: body for body in (CommandDone, CommandRefused, CommandFailed)
}

_OUTCOMES = {CommandDone.TYPE: "done", CommandRefused.TYPE: "refused", CommandFailed.TYPE: "failed"}


async def never_dropped(_: UUID, __: Connection) -> bool:
    """For owners whose commands are done when their transaction is."""
    return False


class Commands:
    """Receives commands of one owner, keeps their results and publishes them."""

    def __init__(self, *, service: str, results: Topic, outbox: Outbox, clock: Clock) -> None:
        self._service = service
        self._results = results
        self._outbox = outbox
        self._clock = clock

    def subscription(self, topic: Topic, routes: Mapping[type[Body], Obey], drop: Drop = never_dropped) -> Subscription:
        """Consumes `topic`: each command goes to the method for its class."""
        return Subscription(
            topics=(topic,),
            bodies=(*routes, CancelCommand),
            handle=self._handler(routes, drop),
            on_dead=self._fail_dead,
            deduplicate=False,
        )

    def _handler(self, routes: Mapping[type[Body], Obey], drop: Drop) -> BatchHandler:
        async def handle(messages: Sequence[Envelope[Any]], tx: Connection) -> None:
            for message in messages:
                with telemetry.handling("obey", message):
                    if isinstance(message.data, CancelCommand):
                        await self._cancel(message, message.data.target, drop, tx)
                    elif await self._register(message, tx):
                        await self._obey(message, routes[type(message.data)], tx)

        return handle

    async def _obey(self, message: Envelope[Any], obey: Obey, tx: Connection) -> None:
        try:
            async with tx.transaction():
                answer = await obey(message, tx)
        except RefusalError as refusal:
            answer = CommandRefused(command_id=message.command_id, reason=str(refusal))
        if answer is not None:
            await self.finish(tx, answer)

    async def _register(self, message: Envelope[Any], tx: Connection) -> bool:
        """Whether the command is new; one that has its result already tells it again."""
        if await self._insert(message, message.command_id, tx):
            after_commit(telemetry.COMMANDS_RECEIVED.labels(message.type).inc)
            return True
        await self._tell_again(message, message.command_id, tx)
        return False

    async def _insert(self, message: Envelope[Any], command_id: UUID, tx: Connection) -> bool:
        inserted = await tx.fetchval(
            """INSERT INTO commands (id, tenant_id, type, issuer, key, correlation, causepath, root, traceparent)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9) ON CONFLICT DO NOTHING RETURNING true""",
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
        return bool(inserted)

    async def _cancel(self, message: Envelope[Any], target: UUID, drop: Drop, tx: Connection) -> None:
        """Unknown: refused before it comes. Known and open: dropped if it still can be. Known and final: told again."""
        if await self._insert(message, target, tx) or await self._drop(message, target, drop, tx):
            await self.finish(tx, CommandRefused(command_id=target, reason=CANCELLED))
        else:
            await self._tell_again(message, target, tx)

    async def _drop(self, message: Envelope[Any], target: UUID, drop: Drop, tx: Connection) -> bool:
        open_ = await tx.fetchval(
            "SELECT final IS NULL FROM commands WHERE id = $1 AND tenant_id = $2 FOR UPDATE", target, message.tenant
        )
        return bool(open_) and await drop(target, tx)

    async def finish(self, tx: Connection, answer: FinalResult) -> bool:
        """Stores and publishes the final result. False, and nothing done, when the command has one already."""
        row = await tx.fetchrow(
            """UPDATE commands SET final_type = $2, final = $3, final_number = results, final_at = $4,
               results = results + 1 WHERE id = $1 AND final IS NULL RETURNING *""",
            answer.command_id,
            answer.TYPE,
            answer.model_dump(mode="json"),
            self._clock(),
        )
        if row is not None:
            after_commit(telemetry.COMMANDS_FINISHED.labels(row["type"], _OUTCOMES[answer.TYPE]).inc)
            await self._publish(tx, row, answer, row["final_number"], row["final_at"])
        return row is not None

    async def progress(self, tx: Connection, progress: CommandProgress) -> None:
        """Publishes what an unfinished command waits for."""
        row = await tx.fetchrow(
            "UPDATE commands SET results = results + 1 WHERE id = $1 AND final IS NULL RETURNING *",
            progress.command_id,
        )
        if row is not None:
            await self._publish(tx, row, progress, row["results"] - 1, self._clock())

    async def _tell_again(self, message: Envelope[Any], command_id: UUID, tx: Connection) -> None:
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
                id=str(result_id(row["id"], number)),
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
        """A command that was put aside has failed; whoever waits for it learns why."""
        if await self._register(message, tx):
            reason = f"the command could not be used: {detail}"
            await self.finish(tx, CommandFailed(command_id=message.command_id, reason=reason, retryable=False))
