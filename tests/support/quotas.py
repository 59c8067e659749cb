"""What the platform lets a tenant have."""

from uuid import UUID

import httpx

from support.service_environment import ServiceEnvironment


async def allow(
    http: httpx.AsyncClient, service_environment: ServiceEnvironment, tenant: UUID, quota: str, limit: int
) -> None:
    """`http` reaches the service of the environment."""
    path = f"{service_environment.internal_url}/internal/quotas/{tenant}/{quota}"
    answer = await http.put(path, json={"limit": limit}, headers=service_environment.as_platform())
    assert answer.is_success, answer.text
