"""Settings whose URLs carry secrets demand TLS, except on loopback and for hosts that `PLAINTEXT_ALLOWED` names."""

from collections.abc import Collection
from ipaddress import ip_address
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, ValidationInfo

REMEDY = "name the host in PLAINTEXT_ALLOWED if nobody can listen on the way to it"


def demand_tls(url: str, info: ValidationInfo) -> str:
    """The URL; raises `ValueError` for `http://` to a host that is neither loopback nor in `PLAINTEXT_ALLOWED`."""
    parts = urlsplit(url)
    if parts.scheme == "http" and is_exposed(parts.hostname or "", info.data.get("plaintext_allowed", ())):
        raise ValueError(f"http to {parts.hostname} would carry secrets in plain text: use https, or {REMEDY}")
    return url


SecretUrl = Annotated[str, AfterValidator(demand_tls)]
"""Where tokens, passwords or secret links go, in settings that have `plaintext_allowed` before it."""


def hosts_of(servers: str) -> list[str]:
    """The hosts of `host`, `host:port` or `[address]:port`, with commas between them."""
    return [urlsplit(f"//{one.strip()}").hostname or "" for one in servers.split(",")]


def is_exposed(host: str, allowed: Collection[str]) -> bool:
    """Whether others may listen to what is sent to the host."""
    return host.lower() not in allowed and not _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        address = ip_address(host)
    except ValueError:
        return host.lower() == "localhost" or host.lower().endswith(".localhost")
    return address.is_loopback
