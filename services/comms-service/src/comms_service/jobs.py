"""The slow work: handing recorded messages to providers.

An attempt is recorded before it begins, so that after a kill at any point it is known that a provider may have the
message. SMS are safe to try again, by their idempotency key; mails carry the same Message-ID.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

import structlog
from prometheus_client import Counter

from comms_service.application.statuses import Statuses
from comms_service.domain.consents import OPTED_OUT, is_opted_out
from comms_service.domain.errors import PostponedError, RejectedError
from comms_service.domain.messages import Message
from comms_service.domain.sender_domains import domain_of, refusal
from comms_service.gateways import Provider
from comms_service.store.consents import ConsentStore
from comms_service.store.messages import MessageStore
from comms_service.store.sender_domains import SenderDomainStore
from contracts.kit import telemetry
from contracts.kit.clock import Clock
from contracts.kit.commands import Commands
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Connection, Database, after_commit
from contracts.kit.errors import RetryLaterError
from contracts.kit.worker import Task
from contracts.messages.comms import ChannelKind, MessageStatus
from contracts.messages.results import CANCELLED, CommandDone, CommandFailed, CommandProgress, CommandRefused

logger = structlog.get_logger(__name__)

ATTEMPTS = Counter("delivery_attempts_total", "Attempts to hand a message to its provider", ["kind", "outcome"])

STORE_AGAIN_S = 0.5


class Jobs:
    """Delivers messages, each under a lease of its own."""

    def __init__(  # noqa: PLR0913 - what a delivery needs, all by keyword
        self,
        *,
        database: Database,
        messages: MessageStore,
        consents: ConsentStore,
        domains: SenderDomainStore,
        statuses: Statuses,
        commands: Commands,
        providers: Mapping[ChannelKind, Provider],
        clock: Clock,
    ) -> None:
        self._database = database
        self._messages = messages
        self._consents = consents
        self._domains = domains
        self._statuses = statuses
        self._commands = commands
        self._providers = providers
        self._clock = clock

    async def deliver(self, task: Task) -> None:
        """Hands the message over, unless it is out already or not wanted any more."""
        message = await self._begin(task)
        if message is None:
            return
        try:
            provider_id = await self._providers[message.kind].send(message)
        except RejectedError as error:
            reason = str(error)
            await _until_stored(lambda: self._reject(task, reason))
        except PostponedError as error:
            await self._postpone(task, error)
        else:
            await _until_stored(lambda: self._accept(task, provider_id))

    async def _begin(self, task: Task) -> Message | None:
        """Records the attempt; null when there is nothing to send (any more)."""
        async with self._database.transaction(task.tenant) as tx:
            message = await self._messages.lock_for(tx, task)
            if message is None:
                return None
            telemetry.note(**message.ids)
            if await self._is_settled(tx, task, message):
                return None
            await self._messages.begin_attempt(tx, task, self._clock())
            return message

    async def _end_attempt(self, tx: Connection, task: Task, message: Message, *outcome: Any) -> None:
        await self._messages.end_attempt(tx, task, *outcome)
        after_commit(ATTEMPTS.labels(message.kind, outcome[0]).inc)

    async def _is_settled(self, tx: Connection, task: Task, message: Message) -> bool:
        """Ends the work of a message that a receipt has confirmed, or that is not wanted and surely not out."""
        if message.status != "queued":
            await self._finish_accepted(tx, task, message)
            return True
        unwanted = await self._unwanted(tx, message)
        if unwanted is None or await self._messages.may_be_out(tx, message):
            return False
        status, reason = unwanted
        await task.complete(tx)
        await self._statuses.step(tx, message, status, reason)
        await self._commands.finish(tx, message.tenant, CommandRefused(command_id=message.command_id, reason=reason))
        return True

    async def _unwanted(self, tx: Connection, message: Message) -> tuple[MessageStatus, str] | None:
        if message.cancel_asked:
            return "cancelled", CANCELLED
        consent = await self._consents.find(tx, message.tenant, message.to_address)
        if is_opted_out(consent, message.opted_out_at):
            return "refused", OPTED_OUT
        problem = await self._sender_problem(tx, message)
        return ("refused", problem) if problem else None

    async def _sender_problem(self, tx: Connection, message: Message) -> str | None:
        """A domain may have been lost since the channel was made."""
        if message.sender_address is None:
            return None
        domain = domain_of(message.sender_address)
        return refusal(domain, await self._domains.covering(tx, message.tenant, domain))

    async def _accept(self, task: Task, provider_id: str | None) -> None:
        async with self._database.transaction(task.tenant) as tx:
            message = await self._messages.lock_for(tx, task)
            if message is not None:
                await self._end_attempt(tx, task, message, "accepted", None, provider_id)
                await self._finish_accepted(tx, task, message)

    async def _finish_accepted(self, tx: Connection, task: Task, message: Message) -> None:
        """A receipt may have come before the provider's own answer; then the message is further already."""
        await task.complete(tx)
        await self._statuses.step(tx, message, "accepted")
        outputs = {"message_id": str(message.id), "sent_to": message.to_address}
        done = CommandDone(command_id=message.command_id, outputs=dict(outputs))
        await self._commands.finish(tx, message.tenant, done)

    async def _reject(self, task: Task, reason: str) -> None:
        async with self._database.transaction(task.tenant) as tx:
            message = await self._messages.lock_for(tx, task)
            if message is not None:
                await self._end_attempt(tx, task, message, "rejected", reason)
                await self._fail(tx, task, message, reason, retryable=False)

    async def _postpone(self, task: Task, error: PostponedError) -> None:
        """Records how the attempt ended, and ends the work of a message that is not wanted any more.

        The retry is asked for after that; work that has ended meanwhile is not there to be retried.
        """
        await _until_stored(lambda: self._note(task, error))
        logger.warning("delivery postponed", attempt=task.attempt, reason=str(error))
        raise RetryLaterError(str(error), error.after_s) from error

    async def _note(self, task: Task, error: PostponedError) -> None:
        async with self._database.transaction(task.tenant) as tx:
            message = await self._messages.lock_for(tx, task)
            if message is None:
                return
            outcome = "in_doubt" if error.reached else "not_taken"
            await self._end_attempt(tx, task, message, outcome, str(error))
            if not await self._is_settled(tx, task, message):
                until = None if error.after_s is None else self._clock() + timedelta(seconds=error.after_s)
                waits = CommandProgress(command_id=message.command_id, state="waiting for the provider", until=until)
                await self._commands.progress(tx, message.tenant, waits)

    async def give_up(self, task: Task, _: str) -> None:
        """After the last attempt. The reason is the last one recorded, since an exception's text may hold an address.

        A new command would be a new message to the provider, so it is only suggested when no attempt can be out.
        """
        async with self._database.transaction(task.tenant) as tx:
            message = await self._messages.lock_for(tx, task)
            telemetry.note(**message.ids if message else {})
            if message is not None and not await self._is_settled(tx, task, message):
                reason = _reason_of(await self._messages.attempts(tx, message.tenant, message.id))
                in_doubt = await self._messages.may_be_out(tx, message)
                reason += "; the provider may have the message all the same" if in_doubt else ""
                await self._fail(tx, task, message, reason, retryable=not in_doubt)

    async def _fail(self, tx: Connection, task: Task, message: Message, reason: str, *, retryable: bool) -> None:
        await task.complete(tx)
        await self._statuses.step(tx, message, "failed", reason)
        failed = CommandFailed(command_id=message.command_id, reason=reason, retryable=retryable)
        await self._commands.finish(tx, message.tenant, failed)
        logger.warning("delivery failed", reason=reason, retryable=retryable)


def _reason_of(attempts: Sequence[Any]) -> str:
    last = attempts[-1]["reason"] if attempts else None
    return f"given up after {len(attempts)} attempts; the last one: {last or 'ended without an answer'}"


async def _until_stored(store: Callable[[], Awaitable[None]]) -> None:
    """The provider has answered: while our database is away its answer is kept here, instead of asking it again."""
    while True:
        try:
            await store()
        except INFRASTRUCTURE_ERRORS as error:
            logger.warning("a provider's answer waits for the database", error=type(error).__name__)
            await asyncio.sleep(STORE_AGAIN_S)
        else:
            return
