"""Quotas of a probe that keeps notes: their default, the platform's settings, refusals, and who sees what."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from uuid import UUID

import httpx
import pytest
from fastapi import APIRouter
from prometheus_client import REGISTRY

from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection
from contracts.kit.quotas import Quota, check
from contracts.kit.service import Service
from integration.kit.harness import OTHER_TENANT, TENANT, Harness, add_note
from local_stack.credentials import AUDIENCE, ISSUER, Credentials
from support.serving import ServiceTransport


async def written(tx: Connection, tenant: UUID) -> int:
    count: int = await tx.fetchval("SELECT count(*) FROM notes WHERE tenant_id = $1", tenant)
    return count


NOTES = Quota("notes", 2, "notes", "new ones are refused", written)
LINES = Quota("lines", 1_000, "lines in a note", "longer ones are refused")


class Probe:
    """Keeps a note at `POST /notes`, and has people who ask."""

    def __init__(self, service: Service, credentials: Credentials) -> None:
        self.service = service
        self._credentials = credentials
        self.app: Any = service.app("probe", [self._routes()])

    def _routes(self) -> APIRouter:
        routes = APIRouter()

        @routes.post("/notes", status_code=201)
        async def write(caller: Caller = require(Role.AGENT)) -> None:
            async with self.service.database.transaction(caller.tenant) as tx:
                await check(tx, caller.tenant, NOTES)
                await add_note(tx, caller.tenant, "a note")

        return routes

    async def ask(
        self, method: str, path: str, role: str = "agent", tenant: UUID = TENANT, **more: Any
    ) -> httpx.Response:
        keys, platform = self._credentials, role == "platform"
        token = keys.platform_token("olga") if platform else keys.token([role], tenant, "ada")
        transport, headers = ServiceTransport(self.app, self.service.settings), {"authorization": f"Bearer {token}"}
        async with httpx.AsyncClient(transport=transport, base_url="http://probe", headers=headers) as http:
            return await http.request(method, path, **more)

    async def quotas(self, tenant: UUID = TENANT) -> dict[str, dict[str, Any]]:
        found = (await self.ask("GET", "/v1/quotas", "viewer", tenant)).json()["items"]
        return {one["name"]: one for one in found}

    async def may_have(self, limit: int, name: str = "notes", role: str = "platform") -> httpx.Response:
        return await self.ask("PUT", f"/internal/quotas/{TENANT}/{name}", role, json={"limit": limit})


@pytest.fixture
async def probe(harness: Harness, tmp_path: Path) -> AsyncIterator[Probe]:
    credentials = Credentials(tmp_path)
    credentials.prepare([])
    own: dict[str, Any] = {"auth_jwks_file": credentials.jwks_file, "auth_issuer": ISSUER, "auth_audience": AUDIENCE}
    made = Probe(harness.service(quotas=(NOTES, LINES), **own), credentials)
    async with made.app.router.lifespan_context(made.app):
        yield made


def refusals() -> float:
    return REGISTRY.get_sample_value("quota_refusals_total", {"quota": "notes"}) or 0


async def test_a_quota_holds_by_its_default_until_the_platform_sets_another_limit(probe: Probe) -> None:
    before = refusals()
    assert [(await probe.ask("POST", "/notes")).status_code for _ in range(3)] == [201, 201, 409]
    assert (await probe.ask("POST", "/notes", tenant=OTHER_TENANT)).status_code == 201

    assert (await probe.may_have(3)).status_code == 200

    assert (await probe.ask("POST", "/notes")).status_code == 201
    refused = await probe.ask("POST", "/notes")
    assert (refused.status_code, refused.json()["title"]) == (409, "Quota used up")
    assert refused.json()["detail"] == "quota notes: at most 3 notes; those who run this installation can raise it"
    assert refusals() - before == 2
    assert await probe.quotas() == {
        "notes": {"name": "notes", "counts": "notes", "limit": 3, "used": 3, "at_limit": "new ones are refused"},
        "lines": {
            "name": "lines",
            "counts": "lines in a note",
            "limit": 1_000,
            "used": None,
            "at_limit": "longer ones are refused",
        },
    }
    assert (await probe.quotas(OTHER_TENANT))["notes"]["limit"] == 2


async def test_every_setting_stays_recorded_with_who_and_when(probe: Probe) -> None:
    for limit in (5, 0, 7):
        await probe.may_have(limit)

    quotas = (await probe.ask("GET", f"/internal/quotas/{TENANT}", "platform")).json()["items"]
    (notes,) = (one for one in quotas if one["name"] == "notes")

    assert (notes["limit"], notes["default"]) == (7, 2)
    settings = [(change["limit"], change["set_by"]) for change in notes["changes"]]
    assert settings == [(7, "olga"), (0, "olga"), (5, "olga")]
    times = [change["set_at"] for change in notes["changes"]]
    assert times == sorted(times, reverse=True)


async def test_only_the_platform_sets_a_quota_that_there_is_to_a_limit_that_can_be(probe: Probe) -> None:
    assert [(await probe.may_have(9, role=role)).status_code for role in ("admin", "service")] == [403, 403]
    unknown = await probe.may_have(9, "pigeons")
    assert (unknown.status_code, "it has notes, lines" in unknown.json()["detail"]) == (404, True)
    assert [(await probe.may_have(limit)).status_code for limit in (-1, 2**53)] == [422, 422]
    assert (await probe.quotas())["notes"]["limit"] == 2
