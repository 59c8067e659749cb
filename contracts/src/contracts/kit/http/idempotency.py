"""POSTs that may be sent twice, by the Idempotency-Key draft of the IETF."""

import hashlib
from collections.abc import Awaitable, Callable
from uuid import UUID

from fastapi import Request, Response

from contracts.kit.aging import forget_older
from contracts.kit.database import Connection, Database
from contracts.kit.http.problems import Problem, bad_input, conflict

IDEMPOTENCY_KEY = "Idempotency-Key"


class Idempotency:
    """POSTs that may be sent twice: the same `Idempotency-Key` gives the first answer again."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def once(
        self,
        request: Request,
        *,
        tenant: UUID,
        subject: str,
        do: Callable[[Connection], Awaitable[Response]],
        header: str = IDEMPOTENCY_KEY,
    ) -> Response:
        """Runs `do` in a transaction of `tenant`, or repeats the stored answer of the same key and request.

        `header` is where the key is. Raises 422 when the key was used for another request. Only answers that changed
        something are stored: when `do` raises, nothing is.
        """
        key = request.headers.get(header)
        if key is not None and not 1 <= len(key) <= 200:
            raise Problem(400, "Bad request", f"{header}: 1 to 200 characters")
        digest = await _digest(request)
        async with self._database.transaction(tenant) as tx:
            if key is None:
                return await do(tx)
            stored = await _claim(tx, (tenant, subject, key), digest, header)
            if stored is not None:
                return stored
            response = await do(tx)
            await _store(tx, (tenant, subject, key), response)
            return response


async def _digest(request: Request) -> bytes:
    body = await request.body()
    return hashlib.sha256(
        b"\0".join([request.method.encode(), request.url.path.encode(), request.url.query.encode(), body])
    ).digest()


async def _claim(tx: Connection, place: tuple[UUID, str, str], digest: bytes, header: str) -> Response | None:
    """Inserts the key, waiting for another request with the same key to commit; its answer if there is one."""
    claimed = await tx.fetchval(
        """INSERT INTO idempotency_keys (tenant_id, subject, key, request_hash) VALUES ($1, $2, $3, $4)
           ON CONFLICT DO NOTHING RETURNING true""",
        *place,
        digest,
    )
    if claimed:
        return None
    row = await tx.fetchrow("SELECT * FROM idempotency_keys WHERE tenant_id = $1 AND subject = $2 AND key = $3", *place)
    if row is None or row["status"] is None:
        raise conflict(f"another request with this {header} is under way")
    if row["request_hash"] != digest:
        raise bad_input(f"this {header} was used for another request", (header, "take a new one"))
    return Response(row["body"], row["status"], row["headers"] | {"Idempotent-Replayed": "true"})


async def _store(tx: Connection, place: tuple[UUID, str, str], response: Response) -> None:
    headers = {name: text for name, text in response.headers.items() if name in ("content-type", "etag", "location")}
    await tx.execute(
        """UPDATE idempotency_keys SET status = $4, headers = $5, body = $6
           WHERE tenant_id = $1 AND subject = $2 AND key = $3""",
        *place,
        response.status_code,
        headers,
        bytes(response.body),
    )


async def forget_answers(database: Database, days: int) -> int:
    """Deletes the stored answers that are older, and returns how many."""
    return await forget_older(database, "idempotency_keys", "tenant_id, subject, key", "created_at", days)
