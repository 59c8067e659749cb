"""`/v1/opt-outs`: who wants no messages, by address."""

from fastapi import APIRouter

from comms_service.application.consents import Consents
from comms_service.domain.addresses import normalise
from comms_service.domain.consents import Consent, ConsentFields
from comms_service.domain.errors import UnusableError
from comms_service.store.consents import ConsentStore
from contracts.addresses import consent_key
from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import Clock
from contracts.kit.database import Database
from contracts.kit.http import bad_input
from contracts.kit.routes import found


class ConsentInput(ConsentFields, Input):
    """`opted_out: false` records that the owner wants messages again; `source` is how that was learned."""


def router(database: Database, store: ConsentStore, consents: Consents, clock: Clock) -> APIRouter:
    routes = APIRouter(prefix="/v1/opt-outs", tags=["opt-outs"])

    @routes.put("/{address:path}")
    async def put_opt_out(address: str, body: ConsentInput, caller: Caller = require(Role.AGENT)) -> Consent:
        """From now on messages to this address are refused, those that still wait to be sent too."""
        stated = Consent(**dict(body), address=_key(address), updated_by=caller.subject, updated_at=clock())
        async with database.transaction(caller.tenant) as tx:
            return await consents.put(tx, caller.tenant, stated)

    @routes.get("/{address:path}")
    async def get_opt_out(address: str, caller: Caller = require(Role.AGENT)) -> Consent:
        async with database.transaction(caller.tenant) as tx:
            consent = await store.find(tx, caller.tenant, _key(address))
        return found(consent, "opt-out for this address")

    return routes


def _key(address: str) -> str:
    try:
        return consent_key(normalise(address))
    except UnusableError as error:
        raise bad_input("the address cannot be used", ("path.address", str(error))) from error
