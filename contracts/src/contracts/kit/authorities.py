"""Whose certificates HTTP clients trust.

Imports nothing of ours, so that commands that only ask services start fast.
"""

import ssl
from functools import cache

import httpx


@cache
def trusted_authorities() -> ssl.SSLContext:
    """Whose certificates the clients of this process trust. It is read once: reading it takes longer than a request."""
    return httpx.create_ssl_context()
