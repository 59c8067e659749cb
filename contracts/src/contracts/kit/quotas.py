"""Quotas: bounds on what one tenant may have, so that no tenant takes the room of the others.

A service declares its quotas. A tenant's limit is the quota's default until the platform sets another one; every
setting stays recorded with who and when. `used` is looked up in the caller's transaction and locks nothing: what
others have not committed yet is not counted, so a limit may be passed by as much as is made at one instant.
"""

from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Annotated
from uuid import UUID

import asyncpg
import structlog
from fastapi import APIRouter, FastAPI, Request, Response
from pydantic import AwareDatetime, BaseModel, Field

from contracts.inputs import Input
from contracts.kit import configuration, telemetry
from contracts.kit.auth import Caller, Role, require, require_platform
from contracts.kit.clock import Clock
from contracts.kit.configuration import Changer
from contracts.kit.database import Connection, Database
from contracts.kit.errors import RefusalError
from contracts.kit.http import Page, Problem, not_found
from contracts.kit.routes import Paged

logger = structlog.get_logger(__name__)

type Used = Callable[[Connection, UUID], Awaitable[int]]
"""How much of a quota a tenant has used."""


@dataclass(frozen=True, slots=True)
class Quota:
    """`counts` completes "at most 100 …"; `at_limit` says what happens then; null `used`: usage cannot be counted."""

    name: str
    default: int
    counts: str
    at_limit: str
    used: Used | None = None


def of_definitions(name: str, default: int, what: str, used: Used) -> Quota:
    """A quota of what authors define. Archived ones count, since they are kept."""
    at_limit = "new ones are refused; those that there are can be changed"
    return Quota(name, default, f"{what}, archived ones included", at_limit, used)


class OverQuotaError(RefusalError):
    """A quota is used up; the text names it, its limit and who can raise it."""


async def limits(tx: Connection, tenants: Collection[UUID], quota: Quota) -> dict[UUID, int]:
    """By tenant; all of them are among the transaction's."""
    rows = await tx.fetch(
        """SELECT DISTINCT ON (tenant_id) tenant_id, allowed FROM quotas
           WHERE tenant_id = ANY ($1) AND name = $2 ORDER BY tenant_id, number DESC""",
        list(tenants),
        quota.name,
    )
    return dict.fromkeys(tenants, quota.default) | {row["tenant_id"]: row["allowed"] for row in rows}


async def refusal(
    tx: Connection, tenant: UUID, quota: Quota, *, adding: int = 1, used: int | None = None
) -> str | None:
    """Why there may not be `adding` more, counted as a refusal; null when there may. `used` where it is known."""
    limit = (await limits(tx, [tenant], quota))[tenant]
    if used is None:
        used = await quota.used(tx, tenant) if quota.used else 0
    if used + adding <= limit:
        return None
    telemetry.QUOTA_REFUSALS.labels(quota.name).inc()
    reason = words(quota, limit)
    logger.info("a quota is used up", tenant_id=tenant, reason=reason)
    return reason


async def check(tx: Connection, tenant: UUID, quota: Quota, *, adding: int = 1, used: int | None = None) -> None:
    """Raises `OverQuotaError`, which refuses a command and is a problem 409 for a request."""
    if reason := await refusal(tx, tenant, quota, adding=adding, used=used):
        raise OverQuotaError(reason)


def words(quota: Quota, limit: int) -> str:
    """The reason of a refusal, for people."""
    return f"quota {quota.name}: at most {limit:,} {quota.counts}; those who run this installation can raise it"


class QuotaView(BaseModel):
    """A quota as it is for a tenant; `used` is null where it cannot be counted, `at_limit` is what happens then."""

    name: str
    counts: str
    limit: int
    used: int | None
    at_limit: str


class QuotaChange(BaseModel):
    """A limit that was set, by whom and when."""

    limit: int
    set_by: str
    set_at: AwareDatetime


class QuotaSetting(QuotaView):
    """A tenant's quota as the platform sees it; `changes` are the limits that were set, the newest first."""

    default: int
    changes: list[QuotaChange]


class QuotaInput(Input):
    """The new limit; 0 allows nothing."""

    limit: Annotated[int, Field(ge=0, le=2**53 - 1)]


@dataclass(frozen=True, slots=True)
class QuotaApi:
    """Read by a tenant's people, read and set by the platform."""

    declared: Sequence[Quota]
    database: Database
    clock: Clock

    async def views(self, tenant: UUID, after: str) -> list[QuotaView]:
        async with self.database.transaction(tenant) as tx:
            return [await self._view(tx, tenant, quota) for quota in self._behind(after)]

    async def settings(self, tenant: UUID, after: str) -> list[QuotaSetting]:
        async with self.database.transaction(tenant) as tx:
            return [await self._setting(tx, tenant, quota) for quota in self._behind(after)]

    def _behind(self, name: str) -> list[Quota]:
        return sorted((one for one in self.declared if one.name > name), key=lambda one: one.name)

    async def set(self, tenant: UUID, name: str, limit: int, by: str) -> QuotaSetting:
        """Raises 404 for a name that this service does not declare."""
        quota = next((one for one in self.declared if one.name == name), None)
        if quota is None:
            names = ", ".join(one.name for one in self.declared)
            raise not_found(f"quota of that name in this service; it has {names}")
        async with self.database.transaction(tenant) as tx:
            former = (await limits(tx, [tenant], quota))[tenant]
            await configuration.record(tx, Changer(tenant, by), "quota", name, {"limit": former}, {"limit": limit})
            await tx.execute(
                "INSERT INTO quotas (tenant_id, name, allowed, set_by, set_at) VALUES ($1, $2, $3, $4, $5)",
                tenant,
                name,
                limit,
                by,
                self.clock(),
            )
            return await self._setting(tx, tenant, quota)

    async def _view(self, tx: Connection, tenant: UUID, quota: Quota) -> QuotaView:
        return QuotaView(
            name=quota.name,
            counts=quota.counts,
            limit=(await limits(tx, [tenant], quota))[tenant],
            used=await quota.used(tx, tenant) if quota.used else None,
            at_limit=quota.at_limit,
        )

    async def _setting(self, tx: Connection, tenant: UUID, quota: Quota) -> QuotaSetting:
        view = await self._view(tx, tenant, quota)
        rows = await tx.fetch(
            """SELECT allowed, set_by, set_at FROM quotas WHERE tenant_id = $1 AND name = $2
               ORDER BY number DESC LIMIT 100""",
            tenant,
            quota.name,
        )
        return QuotaSetting(**view.model_dump(), default=quota.default, changes=[_change(row) for row in rows])


def _name(quota: QuotaView) -> tuple[str]:
    return (quota.name,)


def _change(row: asyncpg.Record) -> QuotaChange:
    return QuotaChange(limit=row["allowed"], set_by=row["set_by"], set_at=row["set_at"])


def router(api: QuotaApi) -> APIRouter:
    """Those of every service."""
    routes = APIRouter(tags=["quotas"])

    @routes.get("/v1/quotas")
    async def list_quotas(paging: Paged, caller: Caller = require(Role.VIEWER)) -> Page[QuotaView]:
        """What the tenant may have here, how much of it is used, and what happens at the limit; by name."""
        return paging.page(await api.views(caller.tenant, paging.code), _name, lambda one: one)

    @routes.get("/internal/quotas/{tenant}")
    async def list_quota_settings(paging: Paged, tenant: UUID, _: str = require_platform()) -> Page[QuotaSetting]:
        """A tenant's quotas, and who set them when; by name."""
        return paging.page(await api.settings(tenant, paging.code), _name, lambda one: one)

    @routes.put("/internal/quotas/{tenant}/{name}")
    async def set_quota(tenant: UUID, name: str, body: QuotaInput, by: str = require_platform()) -> QuotaSetting:
        """Sets a tenant's limit; it holds from the next transaction on."""
        return await api.set(tenant, name, body.limit, by)

    return routes


def install_refusals(app: FastAPI) -> None:
    """Answers 409 where a quota is used up."""
    app.add_exception_handler(OverQuotaError, _on_over_quota)


async def _on_over_quota(_: Request, error: Exception) -> Response:
    return Problem(409, "Quota used up", str(error)).response()
