"""How many triggers and forms a tenant may have."""

from typing import Any

import httpx
import pytest

from integration.trigger_service.harness import FORM, PAID, Harness
from support.quotas import allow


@pytest.mark.parametrize(
    ("kind", "quota", "body"),
    [
        ("triggers", "triggers", PAID),
        ("forms", "forms", FORM),
    ],
)
async def test_definitions_are_counted_and_those_that_there_are_can_be_changed(
    harness: Harness, kind: str, quota: str, body: dict[str, Any]
) -> None:
    tenant = harness.tenant()
    await tenant.put(f"{kind}/first", body)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(harness.app)) as http:
        await allow(http, harness.service_environment, tenant.id, quota, 1)
    refused = await tenant.call("PUT", f"/v1/{kind}/second", json=body)
    assert (refused.status_code, f"quota {quota}: at most 1" in refused.json()["detail"]) == (409, True)
    changed = await tenant.call("PUT", f"/v1/{kind}/first", json=body | {"name": "Changed"})
    assert changed.status_code == 200
