"""Health and metrics: live is the process, ready is everything it needs to do its work."""

import asyncio
from collections.abc import Awaitable, Callable, Collection, Sequence
from contextlib import suppress

from fastapi import APIRouter, Request, Response

from contracts.kit import telemetry
from contracts.kit.database import INFRASTRUCTURE_ERRORS, Database
from contracts.kit.http import json_response

type Check = tuple[str, Callable[[], Awaitable[None]]]

CHECK_S = 3.0
"""What does not answer so long is not there: who scrapes waits for ten seconds, and asks most when servers hang."""


def router(
    checks: Sequence[Check],
    consumers_ready: Callable[[], bool],
    database: Database,
    measure_files: Callable[[], None],
    kinds: Collection[str],
) -> APIRouter:
    """`/health/live`, `/health/ready`, `/metrics`; open to the platform, without tenant data.

    `measure_files` sets the gauges of certificates and tokens; `kinds` of work are counted when there is none of them,
    too.
    """
    routes = APIRouter(include_in_schema=False)

    async def parts() -> dict[str, bool]:
        passing = await asyncio.gather(*(_passes(check) for _, check in checks))
        names = (name for name, _ in checks)
        return dict(zip(names, passing, strict=True)) | {"consumers": consumers_ready()}

    @routes.get("/health/live")
    async def live() -> Response:
        return json_response({"status": "live"})

    @routes.get("/health/ready")
    async def ready() -> Response:
        failing = [name for name, passes in (await parts()).items() if not passes]
        status = 503 if failing else 200
        return json_response({"status": "not ready" if failing else "ready", "failing": failing}, status)

    @routes.get("/metrics")
    async def metrics(request: Request) -> Response:
        passing = await parts()
        for name, passes in passing.items():
            telemetry.READINESS.labels(name).set(passes)
        with suppress(*INFRASTRUCTURE_ERRORS):
            if passing["database"]:  # a scraper does not wait for one that is away
                await _count_pending(database, kinds)
        await asyncio.to_thread(measure_files)
        text, media_type = telemetry.expose(request.headers.get("accept", ""))
        return Response(text, media_type=media_type)

    return routes


async def _passes(check: Callable[[], Awaitable[None]]) -> bool:
    try:
        async with asyncio.timeout(CHECK_S):
            await check()
    except Exception:
        return False
    return True


async def _count_pending(database: Database, known: Collection[str]) -> None:
    async with database.delivery() as tx:
        for gauge, value in zip(_GAUGES, await tx.fetchrow(_COUNTS) or (), strict=False):
            gauge.set(value)
        kinds = await tx.fetch(_COUNTS_BY_KIND)
    for number, gauge in enumerate(_GAUGES_BY_KIND, 1):
        gauge.clear()
        for kind in known:
            gauge.labels(kind).set(0)
        for row in kinds:
            gauge.labels(row["kind"]).set(row[number])


_GAUGES = (
    telemetry.OUTBOX_PENDING,
    telemetry.OUTBOX_PARKED_ROWS,
    telemetry.OUTBOX_OLDEST,
    telemetry.OUTBOX_TENANTS,
    telemetry.OUTBOX_LARGEST,
    telemetry.WORK_PENDING,
    telemetry.WORK_LEASED,
    telemetry.WORK_OLDEST_DUE,
    telemetry.INBOX_PARTITIONS,
    telemetry.INBOX_DAYS_AHEAD,
    telemetry.DEAD_LETTERS_OPEN,
)
_COUNTS = """
SELECT o.*, t.*, w.*, i.*,
       (SELECT count(*) FROM dead_letters WHERE state IN ('open', 'replaying'))
FROM (SELECT count(*), count(*) FILTER (WHERE parked_reason IS NOT NULL),
             coalesce(extract(epoch FROM clock_timestamp() - min(created_at) FILTER (
                 WHERE key NOT IN (SELECT key FROM outbox WHERE parked_reason IS NOT NULL))), 0) FROM outbox) o,
     (SELECT count(*), coalesce(max(rows), 0) FROM (SELECT count(*) AS rows FROM outbox GROUP BY lane) AS lanes) t,
     (SELECT count(*), count(*) FILTER (WHERE leased_until > now()),
             coalesce(extract(epoch FROM clock_timestamp() - min(run_at) FILTER (
                 WHERE run_at <= now() AND (leased_until IS NULL OR leased_until < now()))), 0) FROM work) w,
     (SELECT count(*), count(*) FILTER (WHERE relname > 'inbox_' || to_char(now() AT TIME ZONE 'UTC', 'YYYYMMDD'))
      FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid WHERE inhparent = 'inbox'::regclass) i
"""
"""In the order of `_GAUGES`."""

_GAUGES_BY_KIND = (telemetry.WORK_DUE, telemetry.WORK_TENANTS_DUE, telemetry.WORK_RUNNING, telemetry.WORK_LARGEST)
_COUNTS_BY_KIND = """
SELECT kind, sum(due), count(*) FILTER (WHERE due > 0), sum(running), max(running)
FROM (SELECT kind, tenant_id, count(*) FILTER (WHERE due_at <= now()) AS due,
             count(*) FILTER (WHERE leased_until > now()) AS running FROM work GROUP BY kind, tenant_id) AS shares
GROUP BY kind
"""
"""In the order of `_GAUGES_BY_KIND`, behind the kind."""
