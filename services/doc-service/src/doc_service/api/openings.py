"""Openings of public links and codes: whose they are, and who opens them. The token is all the authority there is."""

import re
from uuid import UUID

from fastapi import Request

from contracts.kit import telemetry
from contracts.kit.database import Database
from doc_service.domain.links import token_hash, visitor_hash
from doc_service.store import Store

_TOKEN = re.compile(r"[A-Za-z0-9_-]{20,100}")


async def tenant_of(database: Database, store: Store, token: str) -> UUID | None:
    """Whose link or code it is; null when there is none."""
    if not _TOKEN.fullmatch(token):
        return None
    async with database.delivery() as tx:
        tenant = await store.links.tenant_of(tx, token_hash(token))
    if tenant is not None:
        telemetry.note(tenant_id=tenant)
    return tenant


def visitor_of(request: Request, token: str) -> bytes:
    """The same for everything that one visitor asks of a token."""
    address = request.client.host if request.client else ""
    return visitor_hash(token, address, request.headers.get("user-agent", ""))
