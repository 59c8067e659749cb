"""`/v1/opt-outs`: who wants no messages, by address."""

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel

from comms_service.application.consents import Consents
from comms_service.domain.addresses import normalise
from comms_service.domain.consents import Consent
from comms_service.domain.errors import UnusableError
from comms_service.store.consents import ConsentStore
from contracts.addresses import consent_key
from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import Clock
from contracts.kit.database import Database
from contracts.kit.http import bad_input
from contracts.kit.routes import found
from contracts.messages.comms import ConsentSource
from contracts.texts import Line


class ConsentInput(Input):
    """`opted_out: false` records that the owner wants messages again; `source` is how that was learned."""

    opted_out: bool = True
    source: ConsentSource = "operator"
    note: Line = ""


class ConsentView(BaseModel):
    address: str
    version: int
    opted_out: bool
    source: ConsentSource
    note: str
    updated_by: str
    updated_at: AwareDatetime


def router(database: Database, store: ConsentStore, consents: Consents, clock: Clock) -> APIRouter:
    routes = APIRouter(prefix="/v1/opt-outs", tags=["opt-outs"])

    @routes.put("/{address:path}")
    async def put_opt_out(address: str, body: ConsentInput, caller: Caller = require(Role.AGENT)) -> ConsentView:
        """From now on messages to this address are refused, those that still wait to be sent too."""
        stated = Consent(_key(address), 0, body.opted_out, body.source, body.note, caller.subject, clock())
        async with database.transaction(caller.tenant) as tx:
            return _view(await consents.put(tx, caller.tenant, stated))

    @routes.get("/{address:path}")
    async def get_opt_out(address: str, caller: Caller = require(Role.AGENT)) -> ConsentView:
        async with database.transaction(caller.tenant) as tx:
            consent = await store.find(tx, caller.tenant, _key(address))
        return _view(found(consent, "opt-out for this address"))

    return routes


def _key(address: str) -> str:
    try:
        return consent_key(normalise(address))
    except UnusableError as error:
        raise bad_input("the address cannot be used", ("path.address", str(error))) from error


def _view(consent: Consent) -> ConsentView:
    return ConsentView.model_validate(consent, from_attributes=True)
