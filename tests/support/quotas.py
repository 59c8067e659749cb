"""What the platform lets a tenant have."""

from uuid import UUID

import httpx

from support.premises import Premises


async def allow(http: httpx.AsyncClient, premises: Premises, tenant: UUID, quota: str, limit: int) -> None:
    """`http` reaches the service of the premises."""
    path = f"{premises.internal_url}/internal/quotas/{tenant}/{quota}"
    answer = await http.put(path, json={"limit": limit}, headers=premises.as_platform())
    assert answer.is_success, answer.text
