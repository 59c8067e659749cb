"""`/v1/sender-domains`: the domains that a tenant may send from. `/internal/sender-domains`: the platform vouches."""

from uuid import UUID

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel

from comms_service.application.sender_domains import SenderDomains
from comms_service.domain.errors import UnusableError
from comms_service.domain.sender_domains import SenderDomain, normalise_domain
from comms_service.store.sender_domains import SenderDomainStore
from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require, require_platform
from contracts.kit.configuration import Changer, Who, record
from contracts.kit.database import Connection, Database
from contracts.kit.http import Page, bad_input, not_found
from contracts.kit.routes import Paged, found


class SenderDomainInput(Input):
    """A domain has nothing but its name."""


class DnsRecord(BaseModel):
    """What the owner of the domain sets in DNS."""

    type: str = "TXT"
    name: str
    value: str


class SenderDomainView(BaseModel):
    """`usable`: messages may go out from its addresses and those of its subdomains.

    That is so while DNS shows the record (`proven_at`), as far as the last check knows, or the platform vouches.
    `problem` is what a check has just found wrong.
    """

    domain: str
    usable: bool
    record: DnsRecord
    added_by: str
    added_at: AwareDatetime
    checked_by: str | None
    checked_at: AwareDatetime | None
    proven_at: AwareDatetime | None
    vouched_by: str | None
    vouched_at: AwareDatetime | None
    problem: str | None = None


def router(database: Database, store: SenderDomainStore, domains: SenderDomains) -> APIRouter:
    routes = APIRouter(prefix="/v1/sender-domains", tags=["sender-domains"])

    @routes.put("/{domain}")
    async def put_sender_domain(
        domain: str, _: SenderDomainInput, caller: Caller = require(Role.AUTHOR)
    ) -> SenderDomainView:
        """Says which DNS record shows that the domain is the tenant's; the same record as long as it is there."""
        name = _name(domain)
        async with database.transaction(caller.tenant) as tx:
            before = await store.find(tx, caller.tenant, name)
            after = await domains.add(tx, caller.tenant, name, caller.subject)
            await _record(tx, caller, name, before, after)
        return _view(after)

    @routes.post("/{domain}/check")
    async def check_sender_domain(domain: str, caller: Caller = require(Role.AUTHOR)) -> SenderDomainView:
        """Looks for the record in DNS. A domain that had it and has it no more stops sending."""
        problem = await domains.check(caller.tenant, await _find(caller.tenant, domain), caller.subject)
        return _view(await _find(caller.tenant, domain), problem)

    @routes.get("/{domain}")
    async def get_sender_domain(domain: str, caller: Caller = require(Role.AUTHOR)) -> SenderDomainView:
        return _view(await _find(caller.tenant, domain))

    @routes.get("")
    async def list_sender_domains(paging: Paged, caller: Caller = require(Role.AUTHOR)) -> Page[SenderDomainView]:
        """By name."""
        async with database.transaction(caller.tenant) as tx:
            domains = await store.page(tx, caller.tenant, paging.code, paging.rows)
        return paging.page(domains, lambda one: (one.domain,), _view)

    @routes.delete("/{domain}", status_code=204)
    async def delete_sender_domain(domain: str, caller: Caller = require(Role.AUTHOR)) -> None:
        """Nothing goes out from it any more; put again, it has another record."""
        before = await _find(caller.tenant, domain)
        async with database.transaction(caller.tenant) as tx:
            await store.remove(tx, caller.tenant, before.domain)
            await _record(tx, caller, before.domain, before, None)

    async def _find(tenant: UUID, domain: str) -> SenderDomain:
        name = _name(domain)
        async with database.transaction(tenant) as tx:
            return found(await store.find(tx, tenant, name), f"sender domain {name!r}")

    return routes


def internal_router(database: Database, store: SenderDomainStore, domains: SenderDomains) -> APIRouter:
    routes = APIRouter(prefix="/internal/sender-domains", tags=["internal"])

    @routes.put("/{tenant}/{domain}")
    async def vouch_for_domain(tenant: UUID, domain: str, by: str = require_platform()) -> SenderDomainView:
        """The platform vouches that the domain is the tenant's; DNS is not asked."""
        name = _name(domain)
        async with database.transaction(tenant) as tx:
            before = await store.find(tx, tenant, name)
            after = await domains.vouch(tx, tenant, name, by)
            await _record(tx, Changer(tenant, by), name, before, after)
        return _view(after)

    @routes.delete("/{tenant}/{domain}", status_code=204)
    async def withdraw_voucher(tenant: UUID, domain: str, by: str = require_platform()) -> None:
        """Nobody vouches for it any more: it sends only if DNS shows whose it is."""
        name = _name(domain)
        async with database.transaction(tenant) as tx:
            before = await store.find(tx, tenant, name)
            if not await store.withdraw(tx, tenant, name):
                raise not_found(f"sender domain {name!r}")
            await _record(tx, Changer(tenant, by), name, before, await store.find(tx, tenant, name))

    return routes


async def _record(tx: Connection, who: Who, name: str, before: SenderDomain | None, after: SenderDomain | None) -> None:
    """What is configured of a domain; what checks found is not."""
    was, is_now = (one and {"domain": one.domain, "vouched": one.vouched_by is not None} for one in (before, after))
    await record(tx, who, "sender-domain", name, was, is_now)


def _name(domain: str) -> str:
    try:
        return normalise_domain(domain)
    except UnusableError as error:
        raise bad_input("the domain cannot be used", ("path.domain", str(error))) from error


def _view(domain: SenderDomain, problem: str | None = None) -> SenderDomainView:
    proof = DnsRecord(name=domain.record_name, value=domain.record_value)
    facts = {name: getattr(domain, name) for name in SenderDomainView.model_fields if hasattr(domain, name)}
    return SenderDomainView(**facts, record=proof, problem=problem)
