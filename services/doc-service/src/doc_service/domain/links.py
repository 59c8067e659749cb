"""Public links: a random token in the address, of which only the hash is kept."""

import hashlib
import hmac
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID

VIEW_APART = timedelta(minutes=1)
"""Openings by one visitor that are closer together are one view."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Link:
    """A public link as it is kept."""

    token_hash: bytes
    tenant: UUID
    document: UUID
    created_at: datetime
    created_by: str
    expires_at: datetime
    revoked_at: datetime | None = None

    def opens(self, now: datetime) -> bool:
        return self.revoked_at is None and now < self.expires_at


def token_hash(token: str) -> bytes:
    """SHA-256: the token is random enough that nothing slower is needed."""
    return hashlib.sha256(token.encode()).digest()


def visitor_hash(token: str, address: str, browser: str) -> bytes:
    """Distinguishes the visitors of one link. Keyed by the token, which is not kept, so that it identifies nobody."""
    return hmac.digest(token.encode(), f"{address}\n{browser}".encode(), "sha256")
