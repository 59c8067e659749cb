"""Health and metrics: live is the process, ready is everything it needs to do its work."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from contracts.kit import telemetry
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Database
from contracts.kit.http import json_response

type Check = tuple[str, Callable[[], Awaitable[None]]]


def router(checks: Sequence[Check], consumers_ready: Callable[[], bool], database: Database) -> APIRouter:
    """`/health/live`, `/health/ready`, `/metrics`; open to the platform, without tenant data."""
    routes = APIRouter(include_in_schema=False)

    @routes.get("/health/live")
    async def live() -> Response:
        return json_response({"status": "live"})

    @routes.get("/health/ready")
    async def ready() -> Response:
        failing = [name for name, check in checks if not await _passes(check)]
        failing += [] if consumers_ready() else ["consumers"]
        status = 503 if failing else 200
        return json_response({"status": "not ready" if failing else "ready", "failing": failing}, status)

    @routes.get("/metrics")
    async def metrics() -> Response:
        with suppress(*INFRASTRUCTURE_ERRORS):
            await _count_pending(database)
        return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

    return routes


async def _passes(check: Callable[[], Awaitable[None]]) -> bool:
    try:
        await check()
    except Exception:
        return False
    return True


async def _count_pending(database: Database) -> None:
    async with database.delivery() as tx:
        row = await tx.fetchrow(
            """SELECT (SELECT count(*) FROM outbox) AS o, (SELECT count(*) FROM work) AS w,
                      (SELECT count(*) FROM dead_letters WHERE state IN ('open', 'replaying')) AS d"""
        )
    if row is not None:
        telemetry.OUTBOX_PENDING.set(row["o"])
        telemetry.WORK_PENDING.set(row["w"])
        telemetry.DEAD_LETTERS_OPEN.set(row["d"])
