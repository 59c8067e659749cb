"""Who changed what: recorded in the transaction that changes it, shown to the tenant's admins, kept for a while."""

from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any
from uuid import UUID

import asyncpg
import httpx
import pytest

from contracts.kit.configuration import Changer, forget_changes, record
from contracts.kit.service import Service
from integration.kit.harness import OTHER_TENANT, TENANT, Harness
from local_stack.credentials import AUDIENCE, ISSUER, Credentials
from support.serving import ServiceTransport

ADA, BO = Changer(TENANT, "ada"), Changer(TENANT, "bo")


class Probe:
    """A service whose definitions are mappings."""

    def __init__(self, service: Service, credentials: Credentials) -> None:
        self.service = service
        self._credentials = credentials
        self.app: Any = service.app("probe", [])

    async def change(
        self,
        who: Changer,
        kind: str,
        code: str | None,
        before: Mapping[str, Any] | None,
        after: Mapping[str, Any] | None,
    ) -> None:
        async with self.service.database.transaction(who.tenant) as tx:
            await record(tx, who, kind, code, before, after)

    async def ask(self, path: str = "", role: str = "admin", tenant: UUID = TENANT) -> httpx.Response:
        headers = {"authorization": f"Bearer {self._credentials.token([role], tenant, 'ada')}"}
        transport = ServiceTransport(self.app, self.service.settings)
        async with httpx.AsyncClient(transport=transport, base_url="http://probe", headers=headers) as http:
            return await http.get(f"/v1/changes{path}")

    async def changes(self, path: str = "", tenant: UUID = TENANT) -> list[tuple[str, str | None, str, list[str]]]:
        found = (await self.ask(path, tenant=tenant)).json()["items"]
        return [(one["kind"], one["code"], one["changed_by"], one["fields"]) for one in found]


@pytest.fixture
async def probe(harness: Harness, tmp_path: Path) -> AsyncIterator[Probe]:
    credentials = Credentials(tmp_path)
    credentials.prepare([])
    own: dict[str, Any] = {"auth_jwks_file": credentials.jwks_file, "auth_issuer": ISSUER, "auth_audience": AUDIENCE}
    made = Probe(harness.service(**own), credentials)
    await made.service.database.open()
    yield made
    await made.service.database.close()


async def test_a_change_is_told_with_who_what_and_how_it_differs(probe: Probe) -> None:
    oak, ash = {"name": "Oak", "stages": [{"code": "new"}]}, {"name": "Ash", "stages": [{"code": "new"}], "b": None}
    await probe.change(ADA, "pipeline", "sales", None, oak)
    await probe.change(BO, "pipeline", "sales", oak, ash)
    await probe.change(BO, "pipeline", "sales", ash, {"stages": [{"code": "new"}], "b": None, "name": "Ash"})
    await probe.change(ADA, "tenant", None, None, {})

    assert await probe.changes() == [
        ("tenant", None, "ada", []),
        ("pipeline", "sales", "bo", ["name"]),
        ("pipeline", "sales", "ada", ["name", "stages"]),
    ]
    second, first = (await probe.ask("?kind=pipeline&code=sales")).json()["items"]
    assert (first["before"], second["before"]) == (None, first["after"])
    assert len(second["after"]) == 64 != second["before"]
    assert first["changed_at"] <= second["changed_at"]


async def test_what_is_gone_is_told_as_gone(probe: Probe) -> None:
    await probe.change(ADA, "sender-domain", "oak.example", {"domain": "oak.example"}, None)
    gone = (await probe.ask("?kind=sender-domain")).json()["items"][0]
    assert (gone["after"], gone["fields"]) == (None, ["domain"])


async def test_changes_come_page_by_page_and_are_found_by_kind_and_code(probe: Probe) -> None:
    for number in range(5):
        await probe.change(ADA, "form" if number % 2 else "field", f"code-{number}", None, {"a": number})

    codes, cursor = list[str](), ""
    while True:
        page = (await probe.ask(f"?limit=2{cursor}")).json()
        codes += [one["code"] for one in page["items"]]
        if page["next_cursor"] is None:
            break
        cursor = f"&cursor={page['next_cursor']}"
    assert codes == ["code-4", "code-3", "code-2", "code-1", "code-0"]
    assert [code for _, code, _, _ in await probe.changes("?kind=form")] == ["code-3", "code-1"]
    assert await probe.changes("?kind=form&code=code-0") == []
    for wrong in ("?cursor=soon", "?kind=A", "?code=%00", "?limit=201"):
        assert (await probe.ask(wrong)).status_code in (400, 422), wrong


async def test_only_admins_of_the_tenant_are_told(probe: Probe) -> None:
    await probe.change(ADA, "form", "site", None, {"a": 1})

    assert await probe.changes(tenant=OTHER_TENANT) == []
    assert (await probe.ask(role="operator")).status_code == 403


async def test_a_change_that_is_not_made_is_not_recorded(probe: Probe) -> None:
    async def change_and_fail() -> None:
        async with probe.service.database.transaction(TENANT) as tx:
            await record(tx, ADA, "form", "site", None, {"a": 1})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await change_and_fail()

    assert await probe.changes() == []


async def test_the_service_itself_can_neither_alter_nor_delete_what_is_recorded(probe: Probe) -> None:
    await probe.change(ADA, "form", "site", None, {"a": 1})

    for statement in ("UPDATE configuration_changes SET changed_by = 'bo'", "DELETE FROM configuration_changes"):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            async with probe.service.database.transaction(TENANT) as tx:
                await tx.execute(statement)


async def test_changes_are_forgotten_when_they_are_old_and_batch_by_batch(
    probe: Probe, harness: Harness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("contracts.kit.aging.BATCH", 2)
    for number in range(4):
        await probe.change(ADA, "form", f"code-{number}", None, {"a": number})
    await harness.sql("UPDATE configuration_changes SET changed_at = now() - interval '31 days' WHERE code <> 'code-2'")

    assert await forget_changes(probe.service.database, 30) == 3

    assert [code for _, code, _, _ in await probe.changes()] == ["code-2"]
