"""`/v1/opt-outs`: who wants no messages, by address."""

from fastapi import APIRouter
from pydantic import AwareDatetime, BaseModel

from comms_service.application.consents import Consents
from comms_service.domain import OptOut, UnusableError, normalise
from comms_service.store.channels import ChannelStore
from contracts.addresses import consent_key
from contracts.inputs import Input
from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import Clock
from contracts.kit.database import Database
from contracts.kit.http import bad_input, not_found
from contracts.messages.comms import ConsentSource
from contracts.texts import Line


class OptOutInput(Input):
    """`opted_out: false` records that the owner wants messages again; `source` is how that was learned."""

    opted_out: bool = True
    source: ConsentSource = "operator"
    note: Line = ""


class OptOutView(BaseModel):
    address: str
    version: int
    opted_out: bool
    source: ConsentSource
    note: str
    updated_by: str
    updated_at: AwareDatetime


def router(database: Database, store: ChannelStore, consents: Consents, clock: Clock) -> APIRouter:
    routes = APIRouter(prefix="/v1/opt-outs", tags=["opt-outs"])

    @routes.put("/{address:path}")
    async def put_opt_out(address: str, body: OptOutInput, caller: Caller = require(Role.AGENT)) -> OptOutView:
        """From now on messages to this address are refused, those that still wait to be sent too."""
        said = OptOut(_key(address), 0, body.opted_out, body.source, body.note, caller.subject, clock())
        async with database.transaction(caller.tenant) as tx:
            return _view(await consents.say(tx, caller.tenant, said))

    @routes.get("/{address:path}")
    async def get_opt_out(address: str, caller: Caller = require(Role.AGENT)) -> OptOutView:
        async with database.transaction(caller.tenant) as tx:
            opt_out = await store.opt_out(tx, caller.tenant, _key(address))
        if opt_out is None:
            raise not_found("opt-out for this address")
        return _view(opt_out)

    return routes


def _key(address: str) -> str:
    try:
        return consent_key(normalise(address))
    except UnusableError as error:
        raise bad_input("the address cannot be used", ("path.address", str(error))) from error


def _view(opt_out: OptOut) -> OptOutView:
    return OptOutView.model_validate(opt_out, from_attributes=True)
