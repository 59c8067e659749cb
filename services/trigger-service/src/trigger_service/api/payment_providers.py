"""`/v1/payment-providers`: who may report payments, by which secret."""

from fastapi import APIRouter, Response
from pydantic import BaseModel

from contracts.kit.auth import Caller, Role, require
from contracts.kit.clock import Clock
from contracts.kit.database import Database
from contracts.kit.definitions import record_put
from contracts.kit.http import Page, bad_input
from contracts.kit.routes import Paged, found
from contracts.kit.signatures import MIN_SECRET, is_secret
from contracts.kit.vault import Vault
from contracts.values import Code
from trigger_service.domain.payments import Provider, ProviderSpec
from trigger_service.quotas import PROVIDERS
from trigger_service.store import payment_providers, public_addresses
from trigger_service.tokens import hash_token, new_token


class ProviderView(BaseModel):
    """A payment provider without its secret. `path` is what it calls."""

    code: str
    name: str
    archived: bool
    path: str


def router(database: Database, clock: Clock, vault: Vault) -> APIRouter:
    """Payment providers: an administrator's."""
    routes = APIRouter(prefix="/v1/payment-providers", tags=["payment providers"])

    @routes.put("/{code}", responses={201: {"model": ProviderView}})
    async def put_provider(
        code: Code, spec: ProviderSpec, response: Response, caller: Caller = require(Role.ADMIN)
    ) -> ProviderView:
        """`secret` may be left out to keep the former one; it is never answered."""
        async with database.transaction(caller.tenant) as tx:
            before = await payment_providers.find(tx, caller.tenant, code)
            wanted = _new(code, spec, _sealed(spec, before, vault))
            was = before and _recorded(before)
            await record_put(tx, caller, "payment-provider", code, was, _recorded(wanted), quota=PROVIDERS)
            provider, created = await payment_providers.save(tx, caller.tenant, wanted, clock())
            await public_addresses.save(tx, "payment_provider", caller.tenant, code, hash_token(provider.token))
        response.status_code = 201 if created else 200
        return _view(provider)

    @routes.get("/{code}")
    async def get_provider(code: Code, caller: Caller = require(Role.ADMIN)) -> ProviderView:
        async with database.transaction(caller.tenant) as tx:
            return _view(found(await payment_providers.find(tx, caller.tenant, code), f"payment provider {code!r}"))

    @routes.get("")
    async def list_providers(paging: Paged, caller: Caller = require(Role.ADMIN)) -> Page[ProviderView]:
        """By code; archived ones too."""
        async with database.transaction(caller.tenant) as tx:
            entries = await payment_providers.page(tx, caller.tenant, paging.code, paging.rows)
        return paging.page(entries, lambda one: (one.code,), _view)

    return routes


def _sealed(spec: ProviderSpec, former: Provider | None, vault: Vault) -> str:
    if spec.secret is None and former is not None:
        return former.sealed
    if spec.secret is None or not is_secret(spec.secret):
        wanted = f"whsec_ and the base64 of at least {MIN_SECRET} random bytes"
        raise bad_input("the payment provider cannot be used", ("secret", wanted))
    return vault.seal(spec.secret)


def _recorded(provider: Provider) -> dict[str, object]:
    """A change of the secret shows by its sealed form, which reveals nothing of it."""
    return {"name": provider.name, "archived": provider.archived, "secret": provider.sealed}


def _new(code: str, spec: ProviderSpec, sealed: str) -> Provider:
    return Provider(code=code, token=new_token(), name=spec.name, sealed=sealed, archived=spec.archived)


def _view(provider: Provider) -> ProviderView:
    return ProviderView(
        code=provider.code,
        name=provider.name,
        archived=provider.archived,
        path=f"/hooks/payments/{provider.token}",
    )
