"""What DNS says, asked of one resolver."""

from functools import cached_property
from ipaddress import ip_address
from urllib.parse import urlsplit

import dns.asyncresolver
import dns.exception
import dns.resolver

TIMEOUT_S = 2.0
"""For one question; it is asked again until `LIFETIME_S` are over."""
LIFETIME_S = 5.0
PORT = 53


class DnsUnavailableError(Exception):
    """DNS did not say whether there is such a record; the text says why."""


class DnsGateway:
    """`server` is a resolver's `address` or `address:port`, IPv6 in brackets; null takes the machine's own."""

    def __init__(self, server: str | None) -> None:
        self._server = parse_server(server) if server is not None else None

    async def texts(self, name: str) -> list[bytes]:
        """The values of its TXT records; none when there is no such name. Raises `DnsUnavailableError`."""
        try:
            answer = await self._resolver.resolve(name, "TXT", lifetime=LIFETIME_S, search=False)
        except (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer):
            return []
        except (dns.exception.DNSException, OSError) as error:
            raise DnsUnavailableError(type(error).__name__) from error
        return [b"".join(record.strings) for record in answer]

    @cached_property
    def _resolver(self) -> dns.asyncresolver.Resolver:
        resolver = dns.asyncresolver.Resolver(configure=self._server is None)
        if self._server is not None:
            address, resolver.port = self._server
            resolver.nameservers = [address]
        resolver.timeout = TIMEOUT_S
        return resolver


def parse_server(text: str) -> tuple[str, int]:
    """Address and port; raises `ValueError`."""
    try:
        parts = urlsplit(f"//{text}")
        return str(ip_address(parts.hostname or "")), parts.port or PORT
    except ValueError as error:
        raise ValueError("DNS_SERVER: expected the address of a resolver, such as 192.0.2.1 or 192.0.2.1:53") from error
