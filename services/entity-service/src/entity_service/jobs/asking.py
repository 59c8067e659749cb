"""Asks providers for what commands want of them, and answers the commands.

A request has the same key however often it is sent, so a kill at any point makes nothing twice.
"""

from uuid import UUID

import structlog

from contracts.kit.commands import Commands
from contracts.kit.database import Connection, Database, after_commit
from contracts.kit.worker import Task
from contracts.messages.results import CommandDone, CommandFailed, CommandRefused, FinalResult
from entity_service.application.provider_requests import ProviderRequests
from entity_service.domain.accounts import Answer, Question
from entity_service.domain.errors import EntityError, NotFoundError, RejectedError
from entity_service.gateways.providers import Providers

logger = structlog.get_logger(__name__)

GONE = "the item was deleted meanwhile"


class Asking:
    """The id of its work is that of the command."""

    def __init__(
        self, database: Database, requests: ProviderRequests, providers: Providers, commands: Commands
    ) -> None:
        self._database = database
        self._requests = requests
        self._providers = providers
        self._commands = commands

    async def run(self, task: Task) -> None:
        question = await self._question(task)
        if question is None:
            await self._end(task, CommandRefused(command_id=task.id, reason=GONE))
            return
        try:
            answer = await self._providers.ask(question)
        except RejectedError as error:
            await self._end(task, CommandRefused(command_id=task.id, reason=str(error)))
        else:
            await self._keep(task, answer)

    async def give_up(self, task: Task, reason: str) -> None:
        why = f"given up after {task.attempt} attempts: {reason}"
        await self._end(task, CommandFailed(command_id=task.id, reason=why, retryable=True))

    async def _question(self, task: Task) -> Question | None:
        async with self._database.transaction(task.tenant) as tx:
            return await self._requests.question(tx, task.tenant, task.id)

    async def _keep(self, task: Task, answer: Answer) -> None:
        try:
            async with self._database.transaction(task.tenant) as tx:
                if await task.complete(tx):
                    outputs = await self._requests.answered(tx, task.tenant, task.id, answer)
                    await self._commands.finish(tx, task.tenant, CommandDone(command_id=task.id, outputs=dict(outputs)))
        except EntityError as error:
            reason = GONE if isinstance(error, NotFoundError) else str(error)
            await self._end(task, CommandRefused(command_id=task.id, reason=reason))

    async def _end(self, task: Task, answer: CommandRefused | CommandFailed) -> None:
        async with self._database.transaction(task.tenant) as tx:
            if await task.complete(tx):
                await self._refused(tx, task.tenant, answer)
                await self._finish(tx, task.tenant, answer)

    async def _refused(self, tx: Connection, tenant: UUID, answer: CommandRefused | CommandFailed) -> None:
        try:
            await self._requests.refused(tx, tenant, answer.command_id, answer.reason)
        except NotFoundError:
            after_commit(lambda: logger.info("a request's item was deleted", command_id=answer.command_id))

    async def _finish(self, tx: Connection, tenant: UUID, answer: FinalResult) -> None:
        await self._commands.finish(tx, tenant, answer)
