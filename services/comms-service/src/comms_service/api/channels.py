"""`/v1/channels`: how messages of a tenant go out."""

from typing import Self
from uuid import UUID

from fastapi import APIRouter
from pydantic import model_validator

from comms_service.domain.addresses import normalise_email
from comms_service.domain.channels import Channel, ChannelFields
from comms_service.domain.errors import UnusableError
from comms_service.domain.sender_domains import domain_of, refusal
from comms_service.quotas import CHANNELS
from comms_service.store.channels import ChannelStore
from comms_service.store.sender_domains import SenderDomainStore
from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.database import Connection, Database
from contracts.kit.definitions import record_put
from contracts.kit.http import Page, bad_input, conflict
from contracts.kit.routes import Paged, found
from contracts.values import Code


class ChannelInput(ChannelFields, Input):
    """An e-mail channel has a sender; an SMS goes out under the provider's own."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.kind == "email" and self.sender_address is None:
            raise ValueError("an e-mail channel needs a sender_address")
        if self.kind == "sms" and (self.sender_address or self.sender_name):
            raise ValueError("an SMS goes out under the provider's sender: leave sender_address and sender_name out")
        if self.default and self.archived:
            raise ValueError("an archived channel cannot be the default one")
        return self


def router(database: Database, store: ChannelStore, domains: SenderDomainStore) -> APIRouter:
    routes = APIRouter(prefix="/v1/channels", tags=["channels"])

    @routes.put("/{code}")
    async def put_channel(code: Code, body: ChannelInput, caller: Caller = require(Role.AUTHOR)) -> Channel:
        """Creates or replaces a channel; making it the default takes the flag from the former default of its kind.

        The domain of a sender's address must be shown to be the tenant's, or vouched for (`/v1/sender-domains`).
        """
        channel = _channel(code, body)
        async with database.transaction(caller.tenant) as tx:
            before = await store.find(tx, caller.tenant, code)
            await record_put(tx, caller, "channel", code, before, channel, quota=CHANNELS)
            await _check_sender(tx, caller.tenant, channel, domains)
            if not await store.put(tx, caller.tenant, channel):
                raise conflict(f"channel {code!r} is of another kind: take another code")
        return channel

    @routes.get("/{code}")
    async def get_channel(code: Code, caller: Caller = require(Role.AUTHOR)) -> Channel:
        async with database.transaction(caller.tenant) as tx:
            return found(await store.find(tx, caller.tenant, code), f"channel {code!r}")

    @routes.get("")
    async def list_channels(paging: Paged, caller: Caller = require(Role.AUTHOR)) -> Page[Channel]:
        """By code; archived ones too."""
        async with database.transaction(caller.tenant) as tx:
            return paging.by_code(await store.page(tx, caller.tenant, paging.code, paging.rows))

    return routes


def _channel(code: str, body: ChannelInput) -> Channel:
    try:
        address = normalise_email(body.sender_address) if body.sender_address is not None else None
    except UnusableError as error:
        raise bad_input("the channel cannot be used", ("body.sender_address", str(error))) from error
    return Channel(code=code, **dict(body) | {"sender_address": address})


async def _check_sender(tx: Connection, tenant: UUID, channel: Channel, domains: SenderDomainStore) -> None:
    """What is archived does not send."""
    if channel.sender_address is None or channel.archived:
        return
    domain = domain_of(channel.sender_address)
    if problem := refusal(domain, await domains.covering(tx, tenant, domain)):
        raise bad_input("the channel cannot be used", ("body.sender_address", problem))
