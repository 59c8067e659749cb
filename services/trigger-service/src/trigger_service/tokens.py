"""Public addresses: unguessable tokens, looked up by their hash."""

import hashlib
import secrets


def new_token() -> str:
    """192 random bits, to be part of a URL."""
    return secrets.token_urlsafe(24)


def hash_token(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
