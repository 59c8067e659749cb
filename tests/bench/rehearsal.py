"""What a piece of our code says to PostgreSQL, noted and not kept, so that the same statements can be run bare."""

from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import asyncpg
import orjson
from asyncpg.connection import LoggedQuery
from pydantic import SecretStr

from contracts.kit.database import Connection, Database, OwnConnection, Pool
from contracts.kit.settings import ServiceSettings


@dataclass(frozen=True, slots=True)
class Script:
    """The statements of one transaction for some tenants, with their arguments."""

    tenants: Sequence[UUID]
    statements: list[LoggedQuery] = field(default_factory=list)

    async def run(self, tx: Connection) -> None:
        """Says the same in another transaction."""
        await tx.execute("SELECT set_config('app.tenants', $1, true)", f"{{{','.join(map(str, self.tenants))}}}")
        for said in self.statements:
            many = isinstance(said.args, list)
            await (tx.executemany(said.query, said.args) if many else tx.fetch(said.query, *said.args))


class _TakenBackError(Exception):
    """Ends a rehearsed transaction."""


class Rehearsal(Database):
    """A service's database in which nothing stays: what each transaction said is noted and taken back."""

    def __init__(self, settings: ServiceSettings, *, service: str) -> None:
        super().__init__(settings, service=service)
        self.scripts: list[Script] = []

    @asynccontextmanager
    async def transaction(self, *tenants: UUID) -> AsyncGenerator[Connection]:
        script = Script(tenants)
        with suppress(_TakenBackError):
            async with super().transaction(*tenants) as tx:
                with tx.query_logger(script.statements.append):
                    yield tx
                self.scripts.append(script)
                raise _TakenBackError


@asynccontextmanager
async def bare_pool(dsn: SecretStr | None, size: int) -> AsyncGenerator[Pool]:
    """The driver's pool and nothing else; JSON columns as the services have them."""
    assert dsn is not None
    async with asyncpg.create_pool(dsn.get_secret_value(), min_size=size, max_size=size, init=_json) as pool:
        yield pool


async def _json(connection: OwnConnection) -> None:
    for name in ("json", "jsonb"):
        await connection.set_type_codec(name, schema="pg_catalog", encoder=_dump, decoder=orjson.loads)


def _dump(value: Any) -> str:
    return orjson.dumps(value, default=str).decode()
