"""Whom the platform lets send from which domain."""

from uuid import UUID

import httpx

from support.service_environment import ServiceEnvironment


async def vouch(http: httpx.AsyncClient, service_environment: ServiceEnvironment, tenant: UUID, domain: str) -> None:
    """The environment is comms-service's."""
    path = f"{service_environment.internal_url}/internal/sender-domains/{tenant}/{domain}"
    answer = await http.put(path, headers=service_environment.as_platform())
    assert answer.is_success, answer.text
