"""A probe with two kinds of work: `write` writes a note down, slowly; `die` kills the process."""

import asyncio
import os

from fastapi import FastAPI

from contracts.kit.database import Database
from contracts.kit.service import Service
from contracts.kit.serving import serve
from contracts.kit.settings import ServiceSettings
from contracts.kit.worker import Job, Task
from integration.kit.harness import add_note
from support.dying import die

SLOW_S = 0.5
"""Long enough for the other kind of work to begin meanwhile."""


class Jobs:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def write(self, task: Task) -> None:
        await asyncio.sleep(SLOW_S)
        await self._end(task, str(task.id))

    async def die(self, task: Task) -> None:
        await asyncio.sleep(SLOW_S / 5)
        die()

    async def give_up(self, task: Task, reason: str) -> None:
        await self._end(task, reason)

    async def _end(self, task: Task, note: str) -> None:
        async with self._database.transaction(task.tenant) as tx:
            if await task.complete(tx):
                await add_note(tx, task.tenant, note)


def build_app(settings: ServiceSettings) -> FastAPI:
    service = Service(os.environ["PROBE"], settings)
    jobs = Jobs(service.database)
    service.work({"write": Job(jobs.write, jobs.give_up), "die": Job(jobs.die, jobs.give_up)})
    return service.app("probe", [])


if __name__ == "__main__":
    settings = ServiceSettings()
    serve(build_app(settings), settings)
