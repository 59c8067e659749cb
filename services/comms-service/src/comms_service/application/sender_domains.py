"""Whose a sender's domain is: shown by a DNS record that only its owner can set, or vouched for by the platform."""

import secrets
from uuid import UUID

from comms_service.domain.sender_domains import SenderDomain
from comms_service.gateways.dns import DnsGateway, DnsUnavailableError
from comms_service.quotas import SENDER_DOMAINS
from comms_service.store.sender_domains import SenderDomainStore
from contracts.kit.clock import Clock
from contracts.kit.database import Connection, Database
from contracts.kit.quotas import check

CHALLENGE_BYTES = 24


class SenderDomains:
    """Adds, checks and vouches for domains."""

    def __init__(self, database: Database, store: SenderDomainStore, dns: DnsGateway, clock: Clock) -> None:
        self._database = database
        self._store = store
        self._dns = dns
        self._clock = clock

    async def add(self, tx: Connection, tenant: UUID, domain: str, by: str) -> SenderDomain:
        """The domain with its challenge, which stays the same for as long as it is there."""
        known = await self._store.find(tx, tenant, domain)
        if known is not None:
            return known
        await check(tx, tenant, SENDER_DOMAINS)
        challenge = secrets.token_urlsafe(CHALLENGE_BYTES)
        return await self._store.add(tx, tenant, domain, challenge, by, self._clock())

    async def vouch(self, tx: Connection, tenant: UUID, domain: str, by: str) -> SenderDomain:
        """The platform says that it is the tenant's."""
        await self.add(tx, tenant, domain, by)
        return await self._store.vouch(tx, tenant, domain, by, self._clock())

    async def check(self, tenant: UUID, domain: SenderDomain, by: str) -> str | None:
        """Asks DNS, outside of any transaction, and records the answer; what is wrong, if anything.

        When DNS cannot be asked, what was known stays.
        """
        try:
            values = await self._dns.texts(domain.record_name)
        except DnsUnavailableError as error:
            return f"DNS could not be asked ({error}), so what was known stays: try again later"
        proven = domain.record_value.encode() in values
        async with self._database.transaction(tenant) as tx:
            await self._store.note_check(tx, tenant, domain, proven=proven, by=by, now=self._clock())
        return None if proven else f"DNS has no TXT record {domain.record_name} with this value"
