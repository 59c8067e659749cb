"""Whom the platform lets send from which domain."""

from uuid import UUID

import httpx

from support.premises import Premises


async def vouch(http: httpx.AsyncClient, premises: Premises, tenant: UUID, domain: str) -> None:
    """The premises are comms-service's."""
    path = f"{premises.internal_url}/internal/sender-domains/{tenant}/{domain}"
    answer = await http.put(path, headers=premises.as_platform())
    assert answer.is_success, answer.text
